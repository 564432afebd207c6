// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/core/number_text.hpp"
#include "waferwatt/report/provenance.hpp"
#include "waferwatt/report/text_table.hpp"
#include "waferwatt/report/year_table.hpp"

namespace waferwatt::report {
namespace {

/// With a capital letter and a full stop.
std::string as_sentence(std::string text) {
  if (text.empty()) return text;
  if (text.front() >= 'a' && text.front() <= 'z') text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text.back() == '.' ? text : text + ".";
}

using io::Value;

constexpr std::size_t kManyScopes = 2;  // more of them are listed by line, not by bind
constexpr double kLeastShare = 0.005;  // smaller ones would print as 0 %
constexpr std::size_t kMostMetrics = 28;

Value as_json(const scenario::Metric& metric) {
  Value::Object dims;
  for (const auto& [key, value] : metric.dims) dims.push_back({key, Value{value}});
  const auto limit = [](const std::optional<double>& bound) { return bound ? Value{*bound} : Value{}; };
  return Value::Object{{"name", Value{metric.name}}, {"dims", Value{std::move(dims)}}, {"value", Value{metric.value}},
                       {"unit", Value{metric.unit}}, {"low", limit(metric.low)},       {"high", limit(metric.high)}};
}

Value as_json(const scenario::Binding& binding) {
  return Value::Object{{"resource", Value{binding.resource}},
                       {"scope", Value{binding.scope}},
                       {"share", Value{binding.share}},
                       {"text", Value{binding.text}}};
}

template <class T>
Value as_list(const std::vector<T>& things) {
  Value::List list;
  for (const auto& thing : things) list.push_back(as_json(thing));
  return list;
}

/// Scopes such as years get a line each; the sentences are those of the whole run.
std::string binds_text(const scenario::Result& result, const TerminalStyle& style) {
  using Align = TextTable::Align;
  const auto scopes = binds_by_scope(result);
  std::string text;
  if (scopes.size() > kManyScopes) {
    TextTable table({"what binds", ""});
    for (const auto& [scope, shares] : scopes) table.add({scope.empty() ? "whole run" : scope, shares});
    text = table.text(2, style) + '\n';
  }
  TextTable table({"charged to", "where", "share", ""}, {Align::left, Align::left, Align::right});
  for (const auto& bind : result.binds)
    if (bind.share >= kLeastShare && (scopes.size() <= kManyScopes || bind.scope.empty()))
      table.add({bind.resource, bind.scope, fmt::format("{:.0f} %", bind.share * 100), bind.text});
  return text + table.text(2, style);
}

std::string years_text(const scenario::Result& result, const TerminalStyle& style) {
  const YearTable years = year_table(result);
  if (years.rows.empty()) return "";
  std::vector<std::string> titles = {"by year", "of", "unit"};
  std::vector<TextTable::Align> alignment(3, TextTable::Align::left);
  for (const auto& year : years.years) {
    titles.push_back(year);
    alignment.push_back(TextTable::Align::right);
  }
  if (style.has_sparklines) titles.emplace_back("");
  TextTable table(titles, alignment);
  const std::size_t n = std::min(years.rows.size(), kMostMetrics);
  for (std::size_t i = 0; i < n; ++i) {
    const auto& row = years.rows[i];
    std::vector<std::string> cells = {row.name, row.of, row.unit};
    for (const auto& value : row.values) cells.push_back(value ? compact_number(*value) : "");
    if (style.has_sparklines) cells.push_back(sparkline(row.values));
    table.add(std::move(cells));
  }
  return table.text(2, style) + (n < years.rows.size() ? fmt::format("  ... and {} more rows in the report\n", years.rows.size() - n) : "") + '\n';
}

std::string metrics_text(const scenario::Result& result, const TerminalStyle& style) {
  using Align = TextTable::Align;
  TextTable table({"metric", "of", "value", "unit", "range"}, {Align::left, Align::left, Align::right});
  const auto metrics = other_metrics(result);
  const std::size_t n = std::min(metrics.size(), kMostMetrics);
  for (std::size_t i = 0; i < n; ++i) {
    const auto& metric = metrics[i];
    const std::string range =
        metric.low && metric.high ? fmt::format("{} to {}", grouped_number(*metric.low), grouped_number(*metric.high)) : "";
    table.add(
        {metric.name, dims_text(metric.dims), grouped_number(metric.value), metric.unit == "1" ? "" : metric.unit, range});
  }
  return table.text(2, style) + (n < metrics.size() ? fmt::format("  ... and {} more in the report\n", metrics.size() - n) : "");
}

}  // namespace

std::string dims_text(const std::map<std::string, std::string>& dims) {
  std::string text;
  for (const auto& [key, value] : dims) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, value);
  return text;
}

Value summary(const scenario::Scenario& scenario, const scenario::Outcome& outcome) {
  const scenario::Result& result = outcome.result;
  Value document{Value::Object{{"schema", Value{"waferwatt.summary/1"}},
                               {"name", Value{scenario.header.name}},
                               {"kind", Value{scenario.header.kind}},
                               {"question", Value{scenario.header.question}},
                               {"headline", Value{as_sentence(result.headline)}}}};
  if (!result.infeasible.empty()) document["infeasible"] = Value{result.infeasible};
  document["binds"] = as_list(result.binds);
  document["metrics"] = as_list(result.metrics);
  document["provenance"] = provenance(scenario, outcome);
  return document;
}

std::string headline(const scenario::Scenario& scenario, const scenario::Result& result, const TerminalStyle& style) {
  std::string text;
  if (!scenario.header.question.empty()) text += fmt::format("{}  {}\n", style.faint("Question"), scenario.header.question);
  if (!result.headline.empty()) text += fmt::format("{}    {}\n", style.faint("Answer"), style.bold(as_sentence(result.headline)));
  if (!result.binds.empty()) text += '\n' + binds_text(result, style);
  if (!result.metrics.empty()) text += '\n' + years_text(result, style) + metrics_text(result, style);
  return text;
}

}  // namespace waferwatt::report
