// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/request.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::serving {
namespace {

struct Preset {
  std::string_view name;
  RequestLengths lengths;
};

// Azure LLM inference traces of November 2023 (Azure Public Dataset, CC-BY-4.0; Patel et al.,
// "Splitwise", ISCA 2024): 19,366 conversation and 8,819 code requests. Median and sigma are the
// mean and the standard deviation of the logarithm; bounds are the extremes of the trace. Means
// of the trace: 1,155 in and 211 out; 2,048 in and 28 out.
constexpr Preset kPresets[] = {
    {"azure-2023-conversation", {.input = {760, 0.985, 2, 14050}, .output = {151, 0.859, 7, 1000}}},
    {"azure-2023-code", {.input = {1095, 1.360, 3, 7437}, .output = {16.3, 0.847, 6, 1899}}},
};

constexpr std::int64_t kManyTokens = 100'000'000, kManyRequests = 10'000'000;

}  // namespace

std::int64_t LengthDistribution::sample(RandomStream& random) const {
  const double drawn = sigma > 0 ? random.lognormal(median, sigma) : median;
  return static_cast<std::int64_t>(
      std::clamp(std::round(drawn), static_cast<double>(minimum), static_cast<double>(maximum)));
}

const io::Record<LengthDistribution>& LengthDistribution::record() {
  using L = LengthDistribution;
  static const auto record =
      io::Record<L>("length_distribution", "Tokens of a request's input or output: lognormal, inside bounds.")
          .required("median", &L::median, {.doc = "Median number of tokens.", .at_least = 1.0, .at_most = 1e8})
          .optional(
              "sigma", &L::sigma,
              {.doc = "Standard deviation of the logarithm; 0: always the median.", .at_least = 0.0, .at_most = 10.0})
          .optional("minimum", &L::minimum, {.doc = "Fewest tokens.", .at_least = 1, .at_most = kManyTokens})
          .optional("maximum", &L::maximum, {.doc = "Most tokens.", .at_least = 1, .at_most = kManyTokens})
          .check([](const L& l, const io::FieldComplaint& complain) {
            if (l.minimum > l.maximum) complain("minimum", "the minimum must not be above the maximum");
          });
  return record;
}

std::optional<RequestLengths> length_preset(std::string_view name) {
  for (const Preset& preset : kPresets)
    if (preset.name == name) return preset.lengths;
  return std::nullopt;
}

std::vector<std::string> length_preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : kPresets) names.emplace_back(preset.name);
  return names;
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
                    {.doc = "Lengths fitted to a published trace: azure-2023-conversation or azure-2023-code."})
          .optional("input", &W::input, {.doc = "Input lengths, instead of a preset."})
          .optional("output", &W::output, {.doc = "Output lengths, instead of a preset."})
          .optional(
              "rate", &W::rate,
              {.doc = "Poisson arrivals of the whole deployment.", .above = 0.0 / second, .at_most = 1e7 / second})
          .optional("concurrency", &W::concurrency,
                    {.doc = "Requests kept in flight, instead of a rate.", .at_least = 1, .at_most = kManyRequests})
          .optional("n_requests", &W::n_requests,
                    {.doc = "Ends after so many requests.", .at_least = 1, .at_most = kManyRequests})
          .optional("duration", &W::duration,
                    {.doc = "Ends with the last arrival before this time.", .above = 0 * second, .at_most = year})
          .check([](const W& w, const io::FieldComplaint& complain) {
            if (w.preset && !length_preset(*w.preset))
              complain("preset", "unknown preset \"" + *w.preset + "\"" +
                                     suggestion(*w.preset, length_preset_names(), "presets"));
            const bool written_out = w.input && w.output;
            if (w.preset ? (w.input || w.output) : !written_out)
              complain("", "give either \"preset\", or \"input\" and \"output\"");
            if (w.rate.has_value() == w.concurrency.has_value())
              complain("", "give either \"rate\" or \"concurrency\"");
            if (!w.n_requests && !w.duration)
              complain("", "give \"n_requests\" or \"duration\", or the workload never ends");
          });
  return record;
}

RequestSource::RequestSource(const Workload& workload, const RandomStream& random)
    : lengths_(workload.lengths()),
      concurrency_(workload.concurrency),
      gaps_(random.substream("gaps")),
      inputs_(random.substream("inputs")),
      outputs_(random.substream("outputs")) {
  if (workload.rate) mean_gap_s_ = 1 / workload.rate->in(1.0 / second);
  if (workload.duration) end_s_ = workload.duration->in(second);
  if (workload.n_requests) n_left_ = *workload.n_requests;
}

std::optional<Request> RequestSource::next(double earliest_s) {
  if (n_left_ == 0) return std::nullopt;
  const double arrival_s = concurrency_ ? earliest_s : last_arrival_s_ + gaps_.exponential(mean_gap_s_);
  if (arrival_s >= end_s_) {
    n_left_ = 0;
    return std::nullopt;
  }
  --n_left_;
  last_arrival_s_ = arrival_s;
  return Request{arrival_s, lengths_.input.sample(inputs_), lengths_.output.sample(outputs_)};
}

}  // namespace waferwatt::serving
