// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tables as CSV.
#include <iosfwd>

#include "waferwatt/core/table.hpp"

namespace waferwatt::io {

/// Writes a header line and the rows, quoted as RFC 4180 says, lines ending in a line feed.
/// Numbers are written in the shortest form that reads back to the same value; NaN is an empty cell.
void write_csv(std::ostream& out, const Table& table);

}  // namespace waferwatt::io
