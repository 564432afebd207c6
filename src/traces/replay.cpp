// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/traces/replay.hpp"

namespace waferwatt::traces {

const io::Record<Replay>& Replay::record() {
  using R = Replay;
  static const auto record =
      io::Record<R>("trace_replay", "Requests of a file: CSV or JSON lines, plain or gzip (docs/models/serving-engine.md).")
          .required("file", &R::file, {.doc = "Path of the file, from where the program runs."})
          .optional("rate_scale", &R::rate_scale,
                    {.doc = "Requests come so many times as fast.", .above = 0.0, .at_most = 1e6})
          .optional("from", &R::from,
                    {.doc = "Only requests from here on, counted from the first one's arrival.",
                     .at_least = 0 * second,
                     .at_most = 100 * year})
          .optional("length", &R::length,
                    {.doc = "Only requests of so much time.", .above = 0 * second, .at_most = 100 * year})
          .optional("repeat", &R::repeat, {.doc = "How many times over.", .at_least = 1, .at_most = 1'000'000})
          .optional("spread", &R::spread,
                    {.doc = "Requests of the same instant are spread evenly over so much time (3 s for Mooncake's "
                            "ticks).",
                     .at_least = 0 * second,
                     .at_most = day})
          .optional("prefix_tokens", &R::prefix_tokens,
                    {.doc = "Tokens that one prefix hash stands for.", .at_least = 1, .at_most = 1'000'000});
  return record;
}

ReplaySource::ReplaySource(const Replay& replay) : replay_(replay), file_(replay.file, replay.prefix_tokens) {}

// Requests of one instant are held until the next one is seen.
bool ReplaySource::next_spread(Request& request) {
  const double spread_s = replay_.spread.in(core::second);
  if (spread_s == 0) return file_.next(request);
  if (i_instant_ == instant_.size()) {
    instant_.clear();
    i_instant_ = 0;
    if (has_ahead_) instant_.push_back(std::move(ahead_));
    has_ahead_ = false;
    while (!at_end_) {
      if (!file_.next(ahead_)) {
        at_end_ = true;
      } else if (!instant_.empty() && ahead_.arrival_s != instant_.front().arrival_s) {
        has_ahead_ = true;
        break;
      } else {
        instant_.push_back(std::move(ahead_));
      }
    }
    if (instant_.empty()) return false;
  }
  const double share = static_cast<double>(i_instant_) / static_cast<double>(instant_.size());
  request = std::move(instant_[i_instant_++]);
  request.arrival_s += share * spread_s;
  return true;
}

bool ReplaySource::next_in_window(Request& request) {
  const double from_s = replay_.from.in(core::second);
  while (next_spread(request)) {
    if (request.arrival_s < from_s) continue;
    if (replay_.length && request.arrival_s >= from_s + replay_.length->in(core::second)) return false;
    request.arrival_s -= from_s;
    return true;
  }
  return false;
}

// A round lasts as long as its window, else until its last arrival and a mean gap.
bool ReplaySource::next(Request& request) {
  while (!next_in_window(request)) {
    if (n_given_ == 0)
      throw core::InputError(replay_.file + ": no request arrives in the window \"from\" ... \"length\"");
    if (++n_done_ >= replay_.repeat) return false;
    const double n = static_cast<double>(n_given_) / static_cast<double>(n_done_);
    const double whole_s = n > 1 ? last_s_ * n / (n - 1) : last_s_ + 1;
    round_starts_s_ += replay_.length ? replay_.length->in(core::second) : whole_s;
    file_.rewind();
    instant_.clear();
    i_instant_ = 0;
    has_ahead_ = at_end_ = false;
  }
  ++n_given_;
  last_s_ = request.arrival_s;
  request.arrival_s = (round_starts_s_ + request.arrival_s) / replay_.rate_scale;
  return true;
}

}  // namespace waferwatt::traces
