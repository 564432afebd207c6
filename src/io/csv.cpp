// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/io/csv.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <ostream>

#include "csv_cell.hpp"

namespace waferwatt::io {

void append_cell(std::string& line, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    line += text;
    return;
  }
  line += '"';
  for (const char c : text) {
    if (c == '"') line += '"';
    line += c;
  }
  line += '"';
}

void append_cell(std::string& line, std::int64_t number) { fmt::format_to(std::back_inserter(line), "{}", number); }

void append_cell(std::string& line, double number) {
  if (!std::isnan(number)) fmt::format_to(std::back_inserter(line), "{}", number);
}

void write_csv(std::ostream& out, const Table& table) {
  std::string line;
  const auto end_line = [&] {
    if (!line.empty()) line.pop_back();
    out << line << '\n';
    line.clear();
  };
  for (const auto& name : table.column_names()) append_cell(line, name), line += ',';
  end_line();
  for (std::size_t row = 0; row < table.n_rows(); ++row) {
    for (std::size_t i = 0; i < table.n_columns(); ++i) {
      std::visit([&](const auto& column) { append_cell(line, column[row]); }, table.column(i));
      line += ',';
    }
    end_line();
  }
}

}  // namespace waferwatt::io
