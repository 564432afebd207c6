// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/scenario/backtest.hpp"

namespace waferwatt::cli {
namespace {

int validate(const Arguments& arguments) {
  const std::string& set = only_argument(arguments, "SET");
  const std::vector<std::string> sets = {"supply"};
  if (std::ranges::find(sets, set) == sets.end()) throw UsageError(fmt::format("unknown set \"{}\"{}", set, core::suggestion(set, sets, "sets")));
  const auto catalog = shared_catalog();
  const auto shipped = catalog->folder.parent_path() / "backtests" / (set + ".json");
  scenario::RunOptions options;
  options.n_jobs = static_cast<unsigned>(arguments.whole_number("--jobs", 1).value_or(std::max(1u, std::thread::hardware_concurrency())));
  const auto report = scenario::run_backtests(arguments.value("--cases").value_or(shipped.string()), catalog, options);
  if (arguments.has("--json"))
    fmt::print("{}", io::to_json(report.json(set)));
  else
    fmt::print("{}", report.text());
  return kOk;
}

}  // namespace

Command validate_command() {
  return {.name = "validate",
          .arguments = "SET [OPTIONS]",
          .doc = "Run backtests: what was foretold against what came.",
          .examples =
              "  waferwatt validate supply\n"
              "  waferwatt validate supply --json | jq .metrics\n",
          .options = {{"--cases", "", "FILE", "Backtests of your own (default: those shipped)."},
                      {"--jobs", "-j", "N", "Processor cores to use (default: all)."},
                      {"--json", "", "", "Print one JSON object."}},
          .run = validate};
}

}  // namespace waferwatt::cli
