// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <fstream>

#include "validate_sets.hpp"
#include "waferwatt/validation/training_cases.hpp"

namespace waferwatt::cli {
namespace {

void write_points(const std::string& file, const validation::TrainingReport& report) {
  std::ofstream out(file);
  out << report.points();
  if (!out.flush()) throw InputError(file + ": cannot be written");
}

}  // namespace

int validate_training(const Arguments& arguments) {
  const auto& catalog = *shared_catalog();
  const auto files = arguments.values("--cases");
  validation::TrainingCases cases;
  if (files.empty()) cases = validation::shipped_training_cases(catalog);
  for (const auto& file : files) cases.add(validation::read_training_cases(file, catalog));
  const auto report = validation::validate_training(cases, catalog);
  if (const auto file = arguments.value("--points")) write_points(*file, report);
  fmt::print("{}", arguments.has("--json") ? io::to_json(report.json()) : report.text());
  return kOk;
}

}  // namespace waferwatt::cli
