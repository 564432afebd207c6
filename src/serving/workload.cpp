// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/workload.hpp"

#include <numeric>

namespace waferwatt::serving {
namespace {

constexpr std::int64_t kManyRequests = 1'000'000'000;

// A client of a closed loop whose request was refused comes with the next one after a pause.
constexpr double kRefusedPause_s = 1;

/// A trace up to a number of requests or a time.
class LimitedSource final : public traces::Source {
 public:
  LimitedSource(std::unique_ptr<traces::Source> source, const Workload& workload) : source_(std::move(source)) {
    if (workload.duration) end_s_ = workload.duration->in(second);
    if (workload.n_requests) n_left_ = *workload.n_requests;
  }
  bool next(Request& request) override {
    if (n_left_ == 0 || !source_->next(request) || request.arrival_s >= end_s_) return false;
    --n_left_;
    return true;
  }
  std::int64_t prefix_tokens() const override { return source_->prefix_tokens(); }

 private:
  std::unique_ptr<traces::Source> source_;
  double end_s_ = std::numeric_limits<double>::infinity();
  std::int64_t n_left_ = std::numeric_limits<std::int64_t>::max();
};

void check_workload(const Workload& w, const io::FieldComplaint& complain) {
  if (w.trace) {
    if (w.preset || w.input || w.output || w.rate || w.sessions || !w.priority_shares.empty() || w.n_adapters > 0)
      complain("trace", "a trace brings its own arrivals and lengths: leave out preset, input, output, rate, sessions, "
                        "n_adapters and priority_shares");
    return;
  }
  if (w.preset && !length_preset(*w.preset))
    complain("preset", "unknown preset \"" + *w.preset + "\"" + suggestion(*w.preset, length_preset_names(), "presets"));
  const bool written_out = w.input && w.output;
  if (w.preset ? (w.input || w.output) : !written_out) complain("", "give either \"preset\", or \"input\" and \"output\"");
  if (w.rate.has_value() == w.concurrency.has_value()) complain("", "give either \"rate\" or \"concurrency\"");
  if (w.concurrency && w.sessions) complain("sessions", "conversations begin at a \"rate\"");
  if (!w.n_requests && !w.duration) complain("", "give \"n_requests\" or \"duration\", or the workload never ends");
}

}  // namespace

bool ClosedStream::next(Request& request) {
  if (n_left_ == 0 || !source_.next(request)) return false;
  --n_left_;
  request.arrival_s = 0;
  return true;
}

bool ClosedStream::follow_up(const RequestRecord& done, double now_s, Request& request) {
  if (!source_.next(request)) return false;
  request.arrival_s = done.rejected ? now_s + kRefusedPause_s : now_s;
  return true;
}

RequestLengths Workload::lengths() const {
  if (preset) return *length_preset(*preset);
  return {*input, *output};
}

const io::Record<Workload>& Workload::record() {
  using W = Workload;
  static const auto record =
      io::Record<W>("serving_workload", "The requests a deployment gets.")
          .optional("preset", &W::preset,
                    {.doc = "Lengths of a published trace: azure-2023-conversation, azure-2023-code, "
                            "mooncake-conversation or sharegpt-long-answers."})
          .optional("input", &W::input, {.doc = "Input lengths, instead of a preset."})
          .optional("output", &W::output, {.doc = "Output lengths, instead of a preset."})
          .optional("rate", &W::rate,
                    {.doc = "Mean rate of arrivals of the whole deployment; with sessions, of conversations.",
                     .above = 0.0 / second,
                     .at_most = 1e7 / second})
          .optional("concurrency", &W::concurrency,
                    {.doc = "Requests kept in flight, instead of a rate.", .at_least = 1, .at_most = 10'000'000})
          .optional("arrivals", &W::arrivals, {.doc = "How arrivals spread around the rate."})
          .optional("sessions", &W::sessions, {.doc = "Requests are turns of conversations."})
          .optional("n_adapters", &W::n_adapters,
                    {.doc = "Requests are for one of so many LoRA adapters; 0: for none.",
                     .at_least = 0,
                     .at_most = 1'000'000})
          .optional("priority_shares", &W::priority_shares,
                    {.doc = "Shares of requests by priority, the most urgent first; empty: all alike.",
                     .at_least = 0.0,
                     .at_most = 1.0})
          .optional("trace", &W::trace, {.doc = "Requests of a file, instead of generated ones."})
          .optional("n_requests", &W::n_requests,
                    {.doc = "Ends after so many requests.", .at_least = 1, .at_most = kManyRequests})
          .optional("duration", &W::duration,
                    {.doc = "Ends with the last arrival before this time.", .above = 0 * second, .at_most = year})
          .check(check_workload);
  return record;
}

RequestSource::RequestSource(const Workload& workload, const RandomStream& random)
    : lengths_(workload.lengths()),
      n_adapters_(workload.n_adapters),
      priority_shares_(workload.priority_shares),
      inputs_(random.substream("inputs")),
      outputs_(random.substream("outputs")),
      marks_(random.substream("marks")) {
  if (workload.rate) clock_.emplace(workload.arrivals, *workload.rate, random);
  if (workload.duration) end_s_ = workload.duration->in(second);
  if (workload.n_requests) n_left_ = *workload.n_requests;
}

bool RequestSource::next(Request& request) {
  if (n_left_ == 0) return false;
  request.arrival_s = clock_ ? clock_->next() : 0;
  if (request.arrival_s >= end_s_) {
    n_left_ = 0;
    return false;
  }
  --n_left_;
  request.input_tokens = lengths_.input.sample(inputs_);
  request.output_tokens = lengths_.output.sample(outputs_);
  if (n_adapters_ > 0) request.adapter = static_cast<std::int32_t>(marks_.below(static_cast<std::uint64_t>(n_adapters_)));
  if (!priority_shares_.empty()) {
    double left = marks_.uniform() * std::accumulate(priority_shares_.begin(), priority_shares_.end(), 0.0);
    request.priority = 0;
    while (request.priority + 1U < priority_shares_.size() && (left -= priority_shares_[request.priority]) >= 0)
      ++request.priority;
  }
  return true;
}

WorkloadStream::WorkloadStream(const Workload& workload, const RandomStream& random,
                               std::unique_ptr<traces::Source> trace) {
  if (trace)
    source_ = std::make_unique<LimitedSource>(std::move(trace), workload);
  else
    source_ = std::make_unique<RequestSource>(workload, random);
  if (workload.sessions)
    stream_ = std::make_unique<SessionStream>(workload, *source_, random);
  else if (workload.concurrency)
    stream_ = std::make_unique<ClosedStream>(*source_, *workload.concurrency);
  else
    stream_ = std::make_unique<OpenStream>(*source_);
}

}  // namespace waferwatt::serving
