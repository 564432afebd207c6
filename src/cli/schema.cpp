// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/scenario/header.hpp"
#include "waferwatt/scenario/kinds.hpp"

namespace waferwatt::cli {
namespace {

/// Keys that scenarios of all kinds have go by this name.
constexpr std::string_view kEveryScenario = "scenario";

std::vector<std::string> all_kinds() {
  std::vector<std::string> names{std::string{kEveryScenario}};
  for (const auto& kind : scenario::kinds()) names.emplace_back(kind.name);
  for (auto& kind : catalog::kinds()) names.push_back(std::move(kind));
  return names;
}

io::Value schema_of(const std::string& name) {
  if (name == kEveryScenario) return io::json_schema(scenario::Header::record());
  for (const auto& kind : scenario::kinds())
    if (kind.name == name) return scenario::json_schema(kind);
  const auto known = catalog::kinds();
  if (std::ranges::find(known, name) == known.end())
    throw UsageError(fmt::format("unknown kind \"{}\"{}", name, core::suggestion(name, all_kinds(), "kinds")));
  return io::json_schema(catalog::record_of_kind(name));
}

const io::RecordBase& record_of(const std::string& name) {
  if (name == kEveryScenario) return scenario::Header::record();
  for (const auto& kind : scenario::kinds())
    if (kind.name == name) return kind.record();
  return catalog::record_of_kind(name);
}

int schema(const Arguments& arguments) {
  if (arguments.positional().empty())
    throw UsageError(fmt::format("KIND is missing; known kinds: {}", fmt::join(all_kinds(), ", ")));
  const std::string& name = only_argument(arguments, "KIND");
  const io::Value schema = schema_of(name);
  fmt::print("{}", arguments.has("--markdown") ? io::markdown_reference(record_of(name)) : io::to_json(schema));
  return kOk;
}

}  // namespace

Command schema_command() {
  return {.name = "schema",
          .arguments = "KIND",
          .doc = "Print the JSON Schema of a kind of scenario, of all scenarios (scenario), or of a kind of catalog file.",
          .examples =
              "  waferwatt schema training > training.schema.json\n"
              "  waferwatt schema accelerators\n",
          .options = {{"--markdown", "", "", "Print the reference page instead."}},
          .run = schema,
          .choices = all_kinds};
}

}  // namespace waferwatt::cli
