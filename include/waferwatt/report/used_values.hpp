// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which values of the catalog a scenario rests on, and where they come from.
#include <string>
#include <vector>

#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/core/table.hpp"

namespace waferwatt::report {

struct UsedValue {
  std::string thing;  ///< catalog id, or "scenario" for facts written in the scenario
  std::string key;    ///< "tdp", "moe/n_routed_experts"
  std::string value;  ///< "700 W"; for a ramp its first and last point
  std::string range;  ///< "650 W to 750 W"; "by date" for a ramp's; or empty
  std::string quality;
  std::string source;  ///< title and publisher, or "scenario"
  std::string note;
};

/// The facts of every thing that a resolved scenario names, and of the parts those are made of
/// (accelerator, fabric, memory, packaging, node, grid).
std::vector<UsedValue> used_values(const io::Value& resolved, const catalog::Catalog& catalog);

/// The same as a table "inputs": of, value_of, value, range, quality, source, note.
core::Table inputs_table(const std::vector<UsedValue>& values);

}  // namespace waferwatt::report
