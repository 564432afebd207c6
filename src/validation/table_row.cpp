// SPDX-License-Identifier: Apache-2.0
#include "table_row.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "text_file.hpp"

namespace waferwatt::validation {

std::string TableRow::text(std::string_view column) const {
  const auto at = std::ranges::find(columns_, column);
  const auto index = static_cast<std::size_t>(at - columns_.begin());
  return at == columns_.end() || index >= cells_.size() ? std::string{} : std::string{cells_[index]};
}

std::optional<double> TableRow::number(std::string_view column) const {
  const std::string cell = text(column);
  if (cell.empty()) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc{} || end != cell.data() + cell.size())
    throw InputError(fmt::format("{}: expected a number, got \"{}\"", column, cell));
  if (value < 0) throw InputError(fmt::format("{}: {} is negative", column, cell));
  return value;
}

std::int64_t TableRow::whole(std::string_view column, std::int64_t otherwise) const {
  const auto value = number(column);
  return value ? static_cast<std::int64_t>(*value) : otherwise;
}

std::int64_t TableRow::required(std::string_view column) const {
  const auto value = number(column);
  if (!value || *value < 1) throw Unusable(fmt::format("{} is not given", column));
  return static_cast<std::int64_t>(*value);
}

std::vector<Skipped> for_each_row(const std::string& file, std::string_view text, std::initializer_list<const char*> needed,
                                  const std::function<void(const TableRow&)>& use) {
  std::vector<Skipped> skipped;
  core::Diagnostics diagnostics;
  std::vector<std::string> columns;
  int line = 0;
  for (std::size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find('\n', start), text.size());
    const auto row_cells = cells(text.substr(start, end - start));
    start = end + 1, ++line;
    if (line == 1) {
      for (const auto cell : row_cells) columns.emplace_back(cell);
      for (const char* name : needed)
        if (std::ranges::find(columns, name) == columns.end())
          diagnostics.add({.file = file, .line = 1, .column = 1, .message = fmt::format("column \"{}\" is missing", name)});
      diagnostics.throw_if_any();
      continue;
    }
    if (row_cells.size() == 1 && row_cells[0].empty()) continue;
    const TableRow row(columns, row_cells);
    try {
      if (row_cells.size() > columns.size()) throw InputError(fmt::format("{} cells in {} columns", row_cells.size(), columns.size()));
      use(row);
    } catch (const Unusable& reason) {
      const std::string id = row.text("id");
      skipped.push_back({id.empty() ? fmt::format("line {}", line) : id, reason.what()});
    } catch (const InputError& error) {
      diagnostics.add({.file = file, .line = line, .column = 1, .message = error.diagnostics().front().message});
    }
  }
  if (line == 0) diagnostics.add({.file = file, .line = 1, .column = 1, .message = "the file is empty"});
  diagnostics.throw_if_any();
  return skipped;
}

}  // namespace waferwatt::validation
