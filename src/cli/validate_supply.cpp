// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "validate_sets.hpp"
#include "waferwatt/scenario/backtest.hpp"

namespace waferwatt::cli {
int validate_supply(const Arguments& arguments) {
  const std::string& set = only_argument(arguments, "SET");
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

}  // namespace waferwatt::cli
