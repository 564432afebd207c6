// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>

namespace waferwatt::core {

Table::Table(std::string name, std::vector<ColumnSpec> columns) : name_(std::move(name)) {
  for (auto& column : columns) {
    names_.push_back(std::move(column.name));
    switch (column.kind) {
      case Kind::number: columns_.emplace_back(std::vector<double>{}); break;
      case Kind::integer: columns_.emplace_back(std::vector<std::int64_t>{}); break;
      case Kind::text: columns_.emplace_back(std::vector<std::string>{}); break;
    }
  }
}

void Table::add(std::vector<Cell> row) {
  if (row.size() != columns_.size())
    throw std::logic_error(fmt::format("table {} has {} columns, the row has {}", name_, columns_.size(), row.size()));
  for (std::size_t i = 0; i < row.size(); ++i)
    if (row[i].index() != columns_[i].index())
      throw std::logic_error(fmt::format("table {}, column {}: a cell of another kind", name_, names_[i]));
  for (std::size_t i = 0; i < row.size(); ++i)
    std::visit([&]<class T>(std::vector<T>& column) { column.push_back(std::get<T>(std::move(row[i]))); }, columns_[i]);
}

std::size_t Table::n_rows() const {
  if (columns_.empty()) return 0;
  return std::visit([](const auto& column) { return column.size(); }, columns_.front());
}

const Table::Column& Table::column(std::string_view name) const {
  for (std::size_t i = 0; i < names_.size(); ++i)
    if (names_[i] == name) return columns_[i];
  throw std::out_of_range(fmt::format("table {} has no column {}; it has {}", name_, name, fmt::join(names_, ", ")));
}

Table Table::from_columns(std::string name, std::vector<std::string> names, std::vector<Column> columns) {
  Table table;
  table.name_ = std::move(name);
  table.names_ = std::move(names);
  table.columns_ = std::move(columns);
  if (table.names_.size() != table.columns_.size())
    throw std::logic_error(fmt::format("table {}: {} names for {} columns", table.name_, table.names_.size(), table.columns_.size()));
  for (const auto& column : table.columns_)
    if (std::visit([](const auto& c) { return c.size(); }, column) != table.n_rows())
      throw std::logic_error(fmt::format("table {}: columns of different length", table.name_));
  return table;
}

}  // namespace waferwatt::core
