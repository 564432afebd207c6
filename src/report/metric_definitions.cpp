// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/metric_definitions.hpp"

#include "page_assets.hpp"

namespace waferwatt::report {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string_view::npos ? std::string_view{} : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(separator, at), text.size());
    parts.emplace_back(trimmed(text.substr(at, end - at)));
    at = end + separator.size();
  }
  return parts;
}

}  // namespace

std::vector<MetricDefinition> metric_definitions() {
  std::vector<MetricDefinition> definitions;
  std::vector<std::string> kinds;
  for (const std::string& line : split(page_asset("metrics.md"), "\n")) {
    if (line.starts_with("## ")) kinds = split(std::string_view{line}.substr(3), " and ");
    if (!line.starts_with("| `")) continue;  // a row "| `name`, `name` | dims | unit | meaning |"
    const auto cells = split(std::string_view{line}.substr(1, line.size() - 2), "|");
    if (cells.size() != 4) continue;
    for (const std::string& name : split(cells[0], ","))
      if (name.size() > 2) definitions.push_back({kinds, name.substr(1, name.size() - 2), cells[1], cells[2], cells[3]});
  }
  return definitions;
}

}  // namespace waferwatt::report
