// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <fstream>

#include "validate_sets.hpp"
#include "waferwatt/validation/serving_report.hpp"

namespace waferwatt::cli {

int validate_serving(const Arguments& arguments) {
  const auto& catalog = *shared_catalog();
  const auto file = arguments.value("--cases");
  if (!file) throw UsageError("validate serving needs --cases FILE");
  const auto cases = validation::read_serving_cases(*file, catalog);
  const auto report = validation::validate_serving(cases, catalog);
  if (const auto points = arguments.value("--points")) {
    std::ofstream out(*points);
    out << report.points();
    if (!out) throw InputError(*points + ": cannot be written");
  }
  fmt::print("{}", arguments.has("--json") ? io::to_json(report.json()) : report.text());
  return kOk;
}

}  // namespace waferwatt::cli
