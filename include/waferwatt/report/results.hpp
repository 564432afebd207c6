// SPDX-License-Identifier: Apache-2.0
#pragma once
// A results folder, read back.
#include <filesystem>

#include "waferwatt/core/table.hpp"
#include "waferwatt/io/value.hpp"

namespace waferwatt::report {

struct Results {
  io::Value summary, resolved;
  Table inputs;               ///< inputs.csv: values of the catalog with their sources
  std::vector<Table> tables;  ///< by name; that of trace.json is "trace"
  Table ledger;
};

/// What is missing or broken goes to `diagnostics`: no folder, no summary.json. Other files may be absent.
Results read_results(const std::filesystem::path& folder, Diagnostics& diagnostics);

}  // namespace waferwatt::report
