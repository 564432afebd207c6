// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/report/rows_json.hpp"
#include "waferwatt/report/text_table.hpp"
#include "waferwatt/report/used_values.hpp"
#include "waferwatt/scenario/scenario.hpp"

namespace waferwatt::cli {
namespace {

int explain(const Arguments& arguments) {
  const auto scenario =
      scenario::load(only_argument(arguments, "FILE"), shared_catalog(), {.overrides = arguments.values("--set")});
  const io::Value resolved = scenario.resolved();
  const auto values = report::used_values(resolved, *scenario.catalog);
  if (arguments.has("--json")) {
    fmt::print("{}", io::to_json(io::Value::Object{{"scenario", resolved}, {"values", report::rows_json(report::inputs_table(values))}}));
    return kOk;
  }
  fmt::print("{}", io::to_json(resolved));
  std::string thing;
  report::TextTable table({"value of", "value", "range", "quality", "source"});
  for (const auto& value : values) {
    if (value.thing != thing) table.add({thing = value.thing});
    table.add({"  " + value.key, value.value, value.range, value.quality, value.source});
  }
  if (!table.empty()) fmt::print("\n{}", table.text(0));
  return kOk;
}

}  // namespace

Command explain_command() {
  return {.name = "explain",
          .arguments = "FILE [OPTIONS]",
          .doc = "Show the resolved scenario, and each value of the catalog behind it with its source.",
          .examples = "  waferwatt explain scenarios/supply-cowos-2024.json\n"
                      "  waferwatt explain scenarios/train-llama3-70b-h100.json --json | jq '.values[] | select(.quality == \"guess\")'\n",
          .options = {{"--set", "", "PATH=VALUE", "Replace a value; may be repeated.", true},
                      {"--json", "", "", "Print one object: \"scenario\", and \"values\" with their sources."}},
          .run = explain};
}

}  // namespace waferwatt::cli
