// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/year_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "waferwatt/report/summary.hpp"

namespace waferwatt::report {
namespace {

constexpr double kLeastShare = 0.005;  // smaller ones would print as 0 %

bool has_years(const scenario::Result& result) {
  std::set<std::string> years;
  for (const auto& metric : result.metrics)
    if (const auto year = metric.dims.find("year"); year != metric.dims.end()) years.insert(year->second);
  return years.size() >= 2;
}

}  // namespace

YearTable year_table(const scenario::Result& result) {
  YearTable table;
  if (!has_years(result)) return table;
  for (const auto& metric : result.metrics)
    if (const auto year = metric.dims.find("year"); year != metric.dims.end()) table.years.push_back(year->second);
  std::ranges::sort(table.years);
  table.years.erase(std::unique(table.years.begin(), table.years.end()), table.years.end());

  std::map<std::pair<std::string, std::string>, std::size_t> row_of;
  for (const auto& metric : result.metrics) {
    auto dims = metric.dims;
    const auto year = dims.extract("year");
    if (year.empty()) continue;
    const std::string of = dims_text(dims);
    const auto [at, is_new] = row_of.emplace(std::pair{metric.name, of}, table.rows.size());
    if (is_new) table.rows.push_back({metric.name, of, metric.unit == "1" ? "" : metric.unit, std::vector<std::optional<double>>(table.years.size())});
    const auto column = std::ranges::find(table.years, year.mapped()) - table.years.begin();
    table.rows[at->second].values[static_cast<std::size_t>(column)] = metric.value;
  }
  return table;
}

std::vector<scenario::Metric> other_metrics(const scenario::Result& result) {
  std::vector<scenario::Metric> others;
  const bool in_years = has_years(result);
  for (const auto& metric : result.metrics)
    if (!in_years || !metric.dims.contains("year")) others.push_back(metric);
  return others;
}

std::vector<std::pair<std::string, std::string>> binds_by_scope(const scenario::Result& result) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& bind : result.binds) {
    if (bind.share < kLeastShare) continue;
    auto at = std::ranges::find(rows, bind.scope, &std::pair<std::string, std::string>::first);
    if (at == rows.end()) at = rows.insert(rows.end(), {bind.scope, ""});
    at->second += fmt::format("{}{} {:.0f} %", at->second.empty() ? "" : ", ", bind.resource, bind.share * 100);
  }
  return rows;
}

}  // namespace waferwatt::report
