// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tables as JSON for `--json`.
#include "waferwatt/core/table.hpp"
#include "waferwatt/io/value.hpp"

namespace waferwatt::report {

/// A list with an object for each row; keys are the names of the columns.
io::Value rows_json(const core::Table& table);

}  // namespace waferwatt::report
