// SPDX-License-Identifier: Apache-2.0
#pragma once
// Columnar tables: what every run gives back. Names of columns carry their unit
// ("iteration_time_s"), as the numbers have left the type system.
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "waferwatt/core/vocabulary.hpp"

namespace waferwatt::core {

class Table {
 public:
  using Column = std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>>;
  using Cell = std::variant<double, std::int64_t, std::string>;
  enum class Kind { number, integer, text };

  struct ColumnSpec {
    std::string name;
    Kind kind = Kind::number;
  };

  Table() = default;
  Table(std::string name, std::vector<ColumnSpec> columns);

  /// Appends one row. \throws std::logic_error when the cells do not fit the columns
  void add(std::vector<Cell> row);

  const std::string& name() const { return name_; }
  std::size_t n_rows() const;
  std::size_t n_columns() const { return names_.size(); }
  const std::vector<std::string>& column_names() const { return names_; }
  const Column& column(std::size_t index) const { return columns_[index]; }

  /// \throws std::out_of_range naming the table's columns
  const Column& column(std::string_view name) const;
  const std::vector<double>& numbers(std::string_view name) const { return std::get<std::vector<double>>(column(name)); }
  const std::vector<std::string>& texts(std::string_view name) const { return std::get<std::vector<std::string>>(column(name)); }
  const std::vector<std::int64_t>& integers(std::string_view name) const { return std::get<std::vector<std::int64_t>>(column(name)); }

  /// Takes columns as they are. \throws std::logic_error when lengths differ
  static Table from_columns(std::string name, std::vector<std::string> names, std::vector<Column> columns);

 private:
  std::string name_;
  std::vector<std::string> names_;
  std::vector<Column> columns_;
};

}  // namespace waferwatt::core
