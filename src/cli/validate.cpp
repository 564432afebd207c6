// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/validation/training_cases.hpp"

namespace waferwatt::cli {
namespace {

/// What a set prints: a table for people, an object for programs.
struct Printed {
  std::string text;
  io::Value json;
};

Printed validate_training(const Arguments& arguments) {
  const auto& catalog = *shared_catalog();
  const auto file = arguments.value("--cases");
  const auto cases = file ? validation::read_training_cases(*file, catalog) : validation::shipped_training_cases(catalog);
  const auto report = validation::validate_training(cases, catalog);
  return {report.text(), report.json()};
}

struct Set {
  std::string_view name;
  Printed (*run)(const Arguments&);
};

constexpr Set kSets[] = {{"training", validate_training}};

int validate(const Arguments& arguments) {
  const std::string& name = only_argument(arguments, "SET");
  std::vector<std::string> known;
  for (const auto& set : kSets) {
    known.emplace_back(set.name);
    if (set.name != name) continue;
    const Printed printed = set.run(arguments);
    if (arguments.has("--json"))
      fmt::print("{}\n", io::to_json(printed.json));
    else
      fmt::print("{}", printed.text);
    return kOk;
  }
  throw UsageError(fmt::format("unknown set \"{}\"{}", name, core::suggestion(name, known, "sets")));
}

}  // namespace

Command validate_command() {
  return {.name = "validate",
          .arguments = "SET [--cases FILE] [--json]",
          .doc = "Compare predictions with measured cases.",
          .examples = "  waferwatt validate training\n  waferwatt validate training --cases measured.csv --json\n",
          .options = {{"--cases", "", "FILE", "Measured cases, in the columns that the documentation gives."},
                      {"--json", "", "", "Print one JSON object."}},
          .run = validate};
}

}  // namespace waferwatt::cli
