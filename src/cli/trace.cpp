// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/traces/replay.hpp"
#include "waferwatt/traces/statistics.hpp"

namespace waferwatt::cli {
namespace {

double positive(const Arguments& arguments, const char* option, double otherwise) {
  const auto text = arguments.value(option);
  if (!text) return otherwise;
  char* end = nullptr;
  const double value = std::strtod(text->c_str(), &end);
  if (*end != '\0' || !(value > 0)) throw UsageError(fmt::format("{}: expected a number above 0, not \"{}\"", option, *text));
  return value;
}

void print_lengths(const char* side, const Percentiles& p) {
  fmt::print("{:<8} {:>9.0f} {:>9.0f} {:>9.0f} {:>9.0f} {:>9.0f} {:>9.0f}\n", side, p.mean, p.p50, p.p90, p.p99, p.p999,
             p.maximum);
}

int trace(const Arguments& arguments) {
  traces::Replay replay{.file = only_argument(arguments, "FILE"), .rate_scale = positive(arguments, "--rate-scale", 1)};
  if (arguments.value("--spread")) replay.spread = positive(arguments, "--spread", 1) * second;
  if (arguments.value("--from")) replay.from = positive(arguments, "--from", 1) * second;
  if (arguments.value("--length")) replay.length = positive(arguments, "--length", 1) * second;
  traces::ReplaySource source(replay);
  traces::Statistics statistics(source.prefix_tokens());
  for (traces::Request request; source.next(request);) statistics.take(request);
  fmt::print("requests           {}\n", statistics.n_requests());
  fmt::print("span               {:.1f} s\n", statistics.span_s());
  fmt::print("rate               {:.4g} /s\n", statistics.rate_per_s());
  fmt::print("gap variation      {:.3g}   (standard deviation over mean; 1: Poisson)\n", statistics.gap_variation());
  fmt::print("minute dispersion  {:.3g}   (variance over mean of arrivals in a minute; 1: Poisson)\n",
             statistics.minute_dispersion());
  if (source.prefix_tokens() > 0)
    fmt::print("shared prefixes    {:.1f} % of prompt tokens\n", 100 * statistics.shared_share());
  fmt::print("\ntokens   {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "mean", "p50", "p90", "p99", "p99.9", "most");
  print_lengths("input", statistics.input_tokens());
  print_lengths("output", statistics.output_tokens());
  return kOk;
}

}  // namespace

Command trace_command() {
  return {.name = "trace",
          .arguments = "FILE [OPTIONS]",
          .doc = "Statistics of a trace of requests: CSV or JSON lines, plain or gzip.",
          .examples = "  waferwatt trace conv.csv.gz\n"
                      "  waferwatt trace mooncake.jsonl.gz --spread 3\n",
          .options = {{"--rate-scale", "", "X", "Requests come so many times as fast."},
                      {"--spread", "", "SECONDS", "Requests of the same instant are spread over so much time."},
                      {"--from", "", "SECONDS", "Only requests from here on."},
                      {"--length", "", "SECONDS", "Only requests of so much time."}},
          .run = trace};
}

}  // namespace waferwatt::cli
