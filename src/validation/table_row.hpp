// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lines of a table with a header, by the names of its columns.
#include <functional>
#include <initializer_list>

#include "published_row.hpp"
#include "waferwatt/validation/skipped.hpp"

namespace waferwatt::validation {

class TableRow {
 public:
  TableRow(const std::vector<std::string>& columns, std::vector<std::string_view> cells) : columns_(columns), cells_(std::move(cells)) {}

  std::size_t n_cells() const { return cells_.size(); }
  std::string text(std::string_view column) const;
  /// Nothing for an empty cell. \throws InputError for what is no number, or is negative
  std::optional<double> number(std::string_view column) const;
  std::int64_t whole(std::string_view column, std::int64_t otherwise) const;
  /// \throws Unusable when the cell is empty or below 1
  std::int64_t required(std::string_view column) const;

 private:
  const std::vector<std::string>& columns_;
  std::vector<std::string_view> cells_;
};

/// Gives every line to `use`. \returns those that it threw Unusable for
/// \throws InputError for columns that are missing, and with every line that cannot be read
std::vector<Skipped> for_each_row(const std::string& file, std::string_view text, std::initializer_list<const char*> columns,
                                      const std::function<void(const TableRow&)>& use);

}  // namespace waferwatt::validation
