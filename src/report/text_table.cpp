// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/text_table.hpp"

#include <algorithm>

namespace waferwatt::report {
namespace {

/// Characters, not bytes: what a terminal shows of UTF-8.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string TextTable::text(std::size_t margin, const TerminalStyle& style) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string result;
  for (const auto& row : rows_) {
    std::string line(margin, ' ');
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width(row[i]), ' ');
      const bool is_right = i < alignment_.size() && alignment_[i] == Align::right;
      line += (i > 0 ? "  " : "") + (is_right ? padding + row[i] : row[i] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += (&row == &rows_.front() ? style.faint(line) : line) + '\n';
  }
  return result;
}

}  // namespace waferwatt::report
