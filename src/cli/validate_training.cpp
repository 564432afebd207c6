// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "validate_sets.hpp"
#include "waferwatt/validation/training_cases.hpp"

namespace waferwatt::cli {

int validate_training(const Arguments& arguments) {
  const auto& catalog = *shared_catalog();
  const auto file = arguments.value("--cases");
  const auto cases = file ? validation::read_training_cases(*file, catalog) : validation::shipped_training_cases(catalog);
  const auto report = validation::validate_training(cases, catalog);
  fmt::print("{}", arguments.has("--json") ? io::to_json(report.json()) : report.text());
  return kOk;
}

}  // namespace waferwatt::cli
