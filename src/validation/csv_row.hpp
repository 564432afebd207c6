// SPDX-License-Identifier: Apache-2.0
#pragma once
// A row of measured operators by the names of its columns. A cell that is wrong is an error with its reason.
#include <string>
#include <string_view>
#include <vector>

#include "waferwatt/validation/measurement_file.hpp"

namespace waferwatt::validation {

class CsvRow {
 public:
  CsvRow(const std::vector<std::string>& columns, const std::vector<std::string_view>& cells) : columns_(columns), cells_(cells) {}

  bool has(std::string_view column) const;
  /// Empty where the column is absent.
  std::string_view text(std::string_view column) const;
  /// \throws InputError for what is no number
  double number(std::string_view column) const;
  /// A finite number above 0. \param what it is, as in "a time"
  double positive(std::string_view column, std::string_view what) const;
  /// \throws InputError for what is no whole number or below `least`
  std::int64_t dimension(std::string_view column, std::int64_t least = 1) const;

 private:
  const std::vector<std::string>& columns_;
  const std::vector<std::string_view>& cells_;
};

/// Without blanks on either side.
std::string_view trimmed(std::string_view text);

/// Format of the row's kernel by the name that collections give it. \throws InputError for formats without a model
void read_format(std::string_view dtype, Measurement& out);
/// The kernel format that a collection's name stands for; other names are returned as they are.
std::string format_name(std::string_view dtype);

}  // namespace waferwatt::validation
