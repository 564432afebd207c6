// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/heat_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "waferwatt/report/html_page.hpp"

namespace waferwatt::report {
namespace {

struct Cell {
  std::int64_t first_switch = 0, n_links = 0;
  double mean = 0, largest = 0;
};
using Rows = std::vector<std::pair<std::string, std::vector<Cell>>>;

Rows rows_of(const core::Table& table) {
  Rows rows;
  const auto& kinds = table.texts("kind");
  for (std::size_t i = 0; i < table.n_rows(); ++i) {
    if (rows.empty() || rows.back().first != kinds[i]) rows.push_back({kinds[i], {}});
    rows.back().second.push_back({table.integers("first_switch")[i], table.integers("n_links")[i], table.numbers("mean_utilisation")[i],
                                  table.numbers("largest_utilisation")[i]});
  }
  return rows;
}

}  // namespace

std::string heat_map_section(const scenario::Result& result) {
  const auto table = std::ranges::find(result.tables, "link_use", &core::Table::name);
  if (table == result.tables.end() || table->n_rows() == 0) return "";
  constexpr int kRow = 28, kLabel = 230, kMap = 520, kWidth = 830;
  const Rows rows = rows_of(*table);
  const int height = static_cast<int>(rows.size()) * kRow;
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" role=\"img\" aria-label=\"Use of links\">\n", kWidth, height, kWidth, height);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto& [kind, cells] = rows[r];
    const int y = static_cast<int>(r) * kRow;
    const double width = static_cast<double>(kMap) / static_cast<double>(cells.size());
    const double hottest = std::ranges::max(cells, {}, &Cell::largest).largest;
    svg += fmt::format("<text x=\"0\" y=\"{}\">{}</text>", y + 18, html_escaped(kind));
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const Cell& cell = cells[i];
      const double x = kLabel + width * static_cast<double>(i);
      svg += fmt::format("<g><title>{}: switch {}, {} links, {:.1f} % of the time in the mean, {:.1f} % the hottest</title>"
                         "<rect class=\"track\" x=\"{:.2f}\" y=\"{}\" width=\"{:.2f}\" height=\"{}\"/>"
                         "<rect class=\"bar\" x=\"{:.2f}\" y=\"{}\" width=\"{:.2f}\" height=\"{}\" opacity=\"{:.3f}\"/></g>",
                         html_escaped(kind), cell.first_switch, cell.n_links, 100 * cell.mean, 100 * cell.largest, x, y + 2, width, kRow - 4, x, y + 2,
                         width, kRow - 4, std::clamp(cell.largest, 0.0, 1.0));
    }
    svg += fmt::format("<text x=\"{}\" y=\"{}\">{:.0f} %</text>\n", kLabel + kMap + 8, y + 18, 100 * hottest);
  }
  return "<h2>Use of links</h2>\n<div class=\"dim\">A row for each kind of links, a cell for each switch (or several); dark: its hottest link is busy "
         "all the time.</div>\n<div class=\"wide\">" + svg + "</svg></div>\n";
}

}  // namespace waferwatt::report
