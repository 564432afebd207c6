// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/report/provenance.hpp"
#include "waferwatt/report/text_table.hpp"

namespace waferwatt::report {
namespace {

using io::Value;

constexpr std::size_t kMostBinds = 12;
constexpr double kLeastShare = 0.005;  // smaller ones would print as 0 %
constexpr std::size_t kMostMetrics = 24;

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

std::string binds_text(const scenario::Result& result) {
  using Align = TextTable::Align;
  TextTable table({"what binds", "where", "share", ""}, {Align::left, Align::left, Align::right});
  std::size_t n_shown = 0, n_left = 0;
  for (const auto& bind : result.binds) {
    if (bind.share < kLeastShare) continue;
    if (n_shown == kMostBinds) {
      ++n_left;
      continue;
    }
    ++n_shown;
    table.add({bind.resource, bind.scope, fmt::format("{:.0f} %", bind.share * 100), bind.text});
  }
  return table.text() + (n_left > 0 ? fmt::format("  ... and {} more\n", n_left) : "");
}

std::string metrics_text(const scenario::Result& result) {
  using Align = TextTable::Align;
  TextTable table({"metric", "of", "value", "unit", "range"}, {Align::left, Align::left, Align::right});
  const std::size_t n = std::min(result.metrics.size(), kMostMetrics);
  for (std::size_t i = 0; i < n; ++i) {
    const auto& metric = result.metrics[i];
    const std::string range =
        metric.low && metric.high ? fmt::format("{} to {}", number_text(*metric.low), number_text(*metric.high)) : "";
    table.add(
        {metric.name, dims_text(metric.dims), number_text(metric.value), metric.unit == "1" ? "" : metric.unit, range});
  }
  return table.text() +
         (n < result.metrics.size() ? fmt::format("  ... and {} more\n", result.metrics.size() - n) : "");
}

}  // namespace

std::string dims_text(const std::map<std::string, std::string>& dims) {
  std::string text;
  for (const auto& [key, value] : dims) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, value);
  return text;
}

std::string number_text(double value) {
  const double size = std::abs(value);
  if (!std::isfinite(value)) return "-";
  if (size == 0) return "0";
  if (size < 1e-3 || size >= 1e12) return fmt::format("{:.3e}", value);
  if (size < 9999.5) return fmt::format("{:.4g}", value);
  std::string digits = fmt::format("{:.0f}", size);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return (value < 0 ? "-" : "") + digits;
}

Value summary(const scenario::Scenario& scenario, const scenario::Outcome& outcome) {
  const scenario::Result& result = outcome.result;
  Value document{Value::Object{{"schema", Value{"waferwatt.summary/1"}},
                               {"name", Value{scenario.header.name}},
                               {"kind", Value{scenario.header.kind}},
                               {"question", Value{scenario.header.question}},
                               {"headline", Value{result.headline}}}};
  if (!result.infeasible.empty()) document["infeasible"] = Value{result.infeasible};
  document["binds"] = as_list(result.binds);
  document["metrics"] = as_list(result.metrics);
  document["provenance"] = provenance(scenario, outcome);
  return document;
}

std::string headline(const scenario::Scenario& scenario, const scenario::Result& result) {
  std::string text;
  if (!scenario.header.question.empty()) text += fmt::format("Question  {}\n", scenario.header.question);
  if (!result.headline.empty()) text += fmt::format("Answer    {}\n", result.headline);
  if (!result.binds.empty()) text += '\n' + binds_text(result);
  if (!result.metrics.empty()) text += '\n' + metrics_text(result);
  return text;
}

}  // namespace waferwatt::report
