// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "validate_sets.hpp"
#include "waferwatt/validation/power_cases.hpp"

namespace waferwatt::cli {

int validate_power(const Arguments& arguments) {
  const auto catalog = shared_catalog();
  const auto shipped = catalog->folder.parent_path() / "backtests" / "power.json";
  const auto report = validation::validate_power(arguments.value("--cases").value_or(shipped.string()), *catalog);
  fmt::print("{}", arguments.has("--json") ? io::to_json(report.json()) : report.text());
  return kOk;
}

}  // namespace waferwatt::cli
