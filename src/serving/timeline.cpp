// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "waferwatt/serving/simulation.hpp"

namespace waferwatt::serving {
namespace {

void add_share(LoadInterval& sum, const LoadInterval& part, double share) {
  sum.busy_s += part.busy_s * share;
  sum.sequence_seconds += part.sequence_seconds * share;
  sum.waiting_seconds += part.waiting_seconds * share;
  sum.kv_share_seconds += part.kv_share_seconds * share;
  sum.up_seconds += part.up_seconds * share;
  sum.power_j += part.power_j * share;
}

}  // namespace

LoadInterval& Timeline::at(double time_s) {
  auto index = static_cast<std::size_t>(time_s / length_s_);
  while (index >= kMaxIntervals) {
    length_s_ *= 2;
    std::vector<LoadInterval> merged((intervals_.size() + 1) / 2);
    for (std::size_t i = 0; i < merged.size(); ++i)
      merged[i] = {.start_s = static_cast<double>(i) * length_s_, .length_s = length_s_};
    for (std::size_t i = 0; i < intervals_.size(); ++i) {
      add_share(merged[i / 2], intervals_[i], 1);
      merged[i / 2].n_arrivals += intervals_[i].n_arrivals;
      merged[i / 2].prefill_tokens += intervals_[i].prefill_tokens;
      merged[i / 2].output_tokens += intervals_[i].output_tokens;
    }
    intervals_ = std::move(merged);
    index = static_cast<std::size_t>(time_s / length_s_);
  }
  while (index >= intervals_.size())
    intervals_.push_back({.start_s = static_cast<double>(intervals_.size()) * length_s_, .length_s = length_s_});
  return intervals_[index];
}

void Timeline::spread(double from_s, double to_s, const LoadInterval& amounts) {
  at(to_s);  // widens the intervals first
  const auto first = static_cast<std::size_t>(from_s / length_s_), last = static_cast<std::size_t>(to_s / length_s_);
  if (first == last || to_s <= from_s) {
    add_share(intervals_[last], amounts, 1);
    intervals_[last].prefill_tokens += amounts.prefill_tokens;
    intervals_[last].output_tokens += amounts.output_tokens;
    return;
  }
  double share_before = 0;
  const auto whole = [](std::int64_t n, double share) {
    return static_cast<std::int64_t>(std::floor(static_cast<double>(n) * share));
  };
  for (std::size_t i = first; i <= last; ++i) {
    const double end_s = i == last ? to_s : static_cast<double>(i + 1) * length_s_;
    const double share = i == last ? 1 : (end_s - from_s) / (to_s - from_s);
    add_share(intervals_[i], amounts, share - share_before);
    intervals_[i].prefill_tokens += whole(amounts.prefill_tokens, share) - whole(amounts.prefill_tokens, share_before);
    intervals_[i].output_tokens += whole(amounts.output_tokens, share) - whole(amounts.output_tokens, share_before);
    share_before = share;
  }
}

}  // namespace waferwatt::serving
