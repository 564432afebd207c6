// SPDX-License-Identifier: Apache-2.0
#pragma once
// JSON that is written straight to a text, as tables are too large for a document in memory.
#include <string>
#include <string_view>

#include "waferwatt/core/table.hpp"

namespace waferwatt::report {

/// Between quotes, escaped as JSON asks.
std::string json_quoted(std::string_view text);

/// {"name", "rows", "every", "columns": [{"name", "values"} or {"name", "texts", "at"}]}: numbers to six digits; a column of texts
/// is its different texts and, row by row, which of them. Of a table with more than `most_cells` only every so manieth row is there.
void append_table(std::string& json, const core::Table& table, std::size_t most_cells);

}  // namespace waferwatt::report
