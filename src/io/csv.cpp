// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/io/csv.hpp"

#include <fmt/format.h>

#include <cmath>
#include <ostream>

namespace waferwatt::io {
namespace {

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

std::string cell(double number) { return std::isnan(number) ? "" : fmt::format("{}", number); }
std::string cell(std::int64_t number) { return fmt::format("{}", number); }
std::string cell(const std::string& text) { return quoted(text); }

}  // namespace

void write_csv(std::ostream& out, const Table& table) {
  for (std::size_t i = 0; i < table.n_columns(); ++i) out << (i > 0 ? "," : "") << quoted(table.column_names()[i]);
  out << '\n';
  for (std::size_t row = 0; row < table.n_rows(); ++row) {
    for (std::size_t i = 0; i < table.n_columns(); ++i)
      out << (i > 0 ? "," : "") << std::visit([row](const auto& column) { return cell(column[row]); }, table.column(i));
    out << '\n';
  }
}

}  // namespace waferwatt::io
