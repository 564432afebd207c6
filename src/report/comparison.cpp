// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/number_text.hpp"
#include "waferwatt/report/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "waferwatt/report/summary.hpp"
#include "waferwatt/report/text_table.hpp"

namespace waferwatt::report {
namespace {

namespace fs = std::filesystem;
using io::Value;

std::string text_of(const Value& value, std::string_view key) {
  const Value* member = value.find(key);
  const auto* text = member ? member->get_if<std::string>() : nullptr;
  return text ? *text : "";
}

Value read_summary(const fs::path& folder, Diagnostics& diagnostics) {
  const fs::path file = folder / "summary.json";
  if (!fs::is_directory(folder))
    diagnostics.add({.file = folder.string(), .message = "no such results folder"});
  else if (!fs::exists(file))
    diagnostics.add({.file = folder.string(), .message = "no results folder: it has no summary.json"});
  else
    return io::read_json_file(file.string(), diagnostics);
  return {};
}

/// Puts the metrics of the i-th of `n` folders where those of the earlier ones are.
void add_metrics(const Value& summary, std::size_t i, std::size_t n, std::vector<ComparedMetric>& metrics) {
  const Value* list = summary.find("metrics");
  if (!list || !list->get_if<Value::List>()) return;
  for (const auto& entry : *list->get_if<Value::List>()) {
    ComparedMetric metric{.name = text_of(entry, "name"),
                          .dims = {},
                          .unit = text_of(entry, "unit"),
                          .values = std::vector<std::optional<double>>(n)};
    if (const Value* dims = entry.find("dims"); dims && dims->get_if<Value::Object>())
      for (const auto& [key, value] : *dims->get_if<Value::Object>())
        if (const auto* text = value.get_if<std::string>()) metric.dims[key] = *text;
    const auto same = [&](const ComparedMetric& m) {
      return m.name == metric.name && m.dims == metric.dims && m.unit == metric.unit;
    };
    auto at = std::ranges::find_if(metrics, same);
    if (at == metrics.end()) at = metrics.insert(metrics.end(), std::move(metric));
    if (const Value* value = entry.find("value"); value && value->is_number()) at->values[i] = value->number();
  }
}

}  // namespace

std::optional<double> ComparedMetric::change(std::size_t i) const {
  if (!values.front() || !values[i] || *values.front() == 0) return std::nullopt;
  return *values[i] / *values.front() - 1;
}

bool ComparedMetric::differs() const {
  return std::ranges::any_of(values, [&](const auto& value) { return value != values.front(); });
}

std::size_t Comparison::n_equal() const {
  return static_cast<std::size_t>(std::ranges::count_if(metrics, [](const auto& metric) { return !metric.differs(); }));
}

std::string Comparison::text() const {
  std::string result;
  for (std::size_t i = 0; i < folders.size(); ++i)
    result += fmt::format("{}  {}\n   {}\n", static_cast<char>('A' + i % 26), folders[i], headlines[i]);
  std::vector<std::string> titles = {"metric", "of", "unit", "A"};
  std::vector alignment = {TextTable::Align::left, TextTable::Align::left, TextTable::Align::left,
                           TextTable::Align::right};
  for (std::size_t i = 1; i < folders.size(); ++i) {
    titles.insert(titles.end(), {std::string(1, static_cast<char>('A' + i % 26)), "change"});
    alignment.insert(alignment.end(), 2, TextTable::Align::right);
  }
  TextTable table(std::move(titles), std::move(alignment));
  for (const auto& metric : metrics) {
    if (!metric.differs()) continue;
    std::vector<std::string> row = {metric.name, dims_text(metric.dims), metric.unit};
    for (std::size_t i = 0; i < folders.size(); ++i) {
      row.push_back(metric.values[i] ? grouped_number(*metric.values[i]) : "-");
      if (i > 0) row.push_back(metric.change(i) ? fmt::format("{:+.2f} %", *metric.change(i) * 100) : "");
    }
    table.add(std::move(row));
  }
  result += '\n';
  if (!table.empty()) result += table.text(0) + '\n';
  return result + fmt::format("{} of {} metrics are equal.\n", n_equal(), metrics.size());
}

Comparison compare(const std::vector<fs::path>& folders) {
  Diagnostics diagnostics;
  Comparison comparison;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    const Value summary = read_summary(folders[i], diagnostics);
    comparison.folders.push_back(folders[i].string());
    comparison.headlines.push_back(text_of(summary, "headline"));
    add_metrics(summary, i, folders.size(), comparison.metrics);
  }
  diagnostics.throw_if_any();
  return comparison;
}

}  // namespace waferwatt::report
