// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/rows_json.hpp"

namespace waferwatt::report {

io::Value rows_json(const core::Table& table) {
  io::Value::List rows;
  for (std::size_t row = 0; row < table.n_rows(); ++row) {
    io::Value::Object object;
    for (std::size_t c = 0; c < table.n_columns(); ++c)
      object.push_back({table.column_names()[c], std::visit([row](const auto& values) { return io::Value{values[row]}; }, table.column(c))});
    rows.push_back(io::Value{std::move(object)});
  }
  return rows;
}

}  // namespace waferwatt::report
