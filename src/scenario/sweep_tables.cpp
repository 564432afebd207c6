// SPDX-License-Identifier: Apache-2.0
#include "sweep_tables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "waferwatt/core/number_text.hpp"

namespace waferwatt::scenario {
namespace {

using Kind = Table::Kind;

/// "8", "700 W", "data 128, tensor 4": on one line.
std::string text_of(const io::Value& value) {
  std::vector<std::string> parts;
  if (const auto* text = value.get_if<std::string>()) return *text;
  if (const auto* object = value.get_if<io::Value::Object>()) {
    for (const auto& [key, own] : *object) parts.push_back(key + " " + text_of(own));
    return fmt::format("{}", fmt::join(parts, ", "));
  }
  if (const auto* list = value.get_if<io::Value::List>()) {
    for (const auto& own : *list) parts.push_back(text_of(own));
    return fmt::format("[{}]", fmt::join(parts, ", "));
  }
  std::string json = io::to_json(value);
  while (!json.empty() && json.back() == '\n') json.pop_back();
  return json;
}

std::string snake(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '/') result += "_per_";
    else if (std::isalnum(static_cast<unsigned char>(c))) result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else result += '_';
  }
  return result;
}

std::string column_name(const Metric& metric) { return metric.unit == "1" || metric.unit.empty() ? metric.name : metric.name + "_" + snake(metric.unit); }

/// The metrics without dimensions, in the order in which points have them.
std::vector<Metric> plain_metrics(const std::vector<PointRecord>& records) {
  std::vector<Metric> metrics;
  for (const auto& record : records)
    for (const auto& metric : record.metrics)
      if (metric.dims.empty() && std::ranges::none_of(metrics, [&](const Metric& m) { return m.name == metric.name; })) metrics.push_back(metric);
  return metrics;
}

std::optional<double> plain_value(const PointRecord& record, const std::string& name) {
  for (const auto& metric : record.metrics)
    if (metric.dims.empty() && metric.name == name) return metric.value;
  return std::nullopt;
}

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

/// One row for each point: its values on the axes, how it ended, its metrics side by side.
Table points_table(const Sweep& sweep, const std::vector<SweepPoint>& points, const std::vector<PointRecord>& records) {
  std::vector<Table::ColumnSpec> columns{{"point", Kind::integer}};
  for (const auto& axis : sweep.axes.list) columns.push_back({axis.path, Kind::text});
  for (const char* name : {"status", "reason", "binds"}) columns.push_back({name, Kind::text});
  const auto metrics = plain_metrics(records);
  for (const auto& metric : metrics) columns.push_back({column_name(metric)});
  Table table("points", columns);
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::vector<Table::Cell> row{static_cast<std::int64_t>(i + 1)};
    for (const auto& value : points[i].values) row.emplace_back(text_of(value));
    row.emplace_back(io::enum_text(records[i].status));
    row.emplace_back(records[i].reason);
    row.emplace_back(records[i].binds);
    for (const auto& metric : metrics) row.emplace_back(plain_value(records[i], metric.name).value_or(kNothing));
    table.add(std::move(row));
  }
  return table;
}

std::string dims_of(const Metric& metric) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : metric.dims) parts.push_back(key + "=" + value);
  return fmt::format("{}", fmt::join(parts, ";"));
}

/// Every metric of every point, in rows.
Table metrics_table(const std::vector<PointRecord>& records) {
  Table table("metrics", {{"point", Kind::integer}, {"name", Kind::text}, {"dims", Kind::text}, {"value"}, {"unit", Kind::text}, {"low"}, {"high"}});
  for (std::size_t i = 0; i < records.size(); ++i)
    for (const auto& metric : records[i].metrics)
      table.add({static_cast<std::int64_t>(i + 1), metric.name, dims_of(metric), metric.value, metric.unit, metric.low.value_or(kNothing), metric.high.value_or(kNothing)});
  return table;
}

struct Spread {
  double sum = 0, least = std::numeric_limits<double>::infinity(), most = -std::numeric_limits<double>::infinity();
  std::int64_t n = 0;

  void add(double value) {
    sum += value;
    least = std::min(least, value);
    most = std::max(most, value);
    ++n;
  }
};

/// What each value of each axis does to each metric, whatever the others are.
Table effects_table(const Sweep& sweep, const std::vector<SweepPoint>& points, const std::vector<PointRecord>& records) {
  Table table("effects", {{"axis", Kind::text}, {"axis_value", Kind::text}, {"metric", Kind::text}, {"unit", Kind::text}, {"mean"}, {"lowest"}, {"highest"}, {"points", Kind::integer}});
  if (sweep.mode != SweepMode::cartesian) return table;
  for (std::size_t a = 0; a < sweep.axes.list.size(); ++a)
    for (const auto& metric : plain_metrics(records)) {
      std::vector<std::pair<std::string, Spread>> spreads;
      for (std::size_t i = 0; i < points.size(); ++i) {
        const std::string value = text_of(points[i].values[a]);
        auto at = std::ranges::find(spreads, value, &std::pair<std::string, Spread>::first);
        if (at == spreads.end()) at = spreads.insert(spreads.end(), {value, {}});
        if (const auto found = plain_value(records[i], metric.name)) at->second.add(*found);
      }
      for (const auto& [value, spread] : spreads)
        if (spread.n > 0)
          table.add({sweep.axes.list[a].path, value, metric.name, metric.unit, spread.sum / static_cast<double>(spread.n), spread.least, spread.most, spread.n});
    }
  return table;
}

std::string where_text(const Sweep& sweep, const SweepPoint& point) {
  std::vector<std::string> parts;
  for (std::size_t a = 0; a < sweep.axes.list.size(); ++a) parts.push_back(fmt::format("{} = {}", sweep.axes.list[a].path, text_of(point.values[a])));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string number_text(const Metric& metric, double value) { return grouped_number(value) + (metric.unit == "1" || metric.unit.empty() ? "" : " " + metric.unit); }

/// The points with the lowest and the highest value of a metric.
struct Extremes {
  std::optional<std::size_t> lowest, highest;
};
Extremes extremes(const std::vector<PointRecord>& records, const std::string& metric) {
  Extremes found;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto value = plain_value(records[i], metric);
    if (!value || records[i].status != PointStatus::ok) continue;
    if (!found.lowest || *value < *plain_value(records[*found.lowest], metric)) found.lowest = i;
    if (!found.highest || *value > *plain_value(records[*found.highest], metric)) found.highest = i;
  }
  return found;
}

std::string counts_text(const std::vector<PointRecord>& records) {
  const auto count = [&](PointStatus status) { return std::ranges::count(records, status, &PointRecord::status); };
  std::string text = fmt::format("{} points", records.size());
  if (const auto n = count(PointStatus::infeasible)) text += fmt::format(", {} without a solution", n);
  if (const auto n = count(PointStatus::skipped)) text += fmt::format(", {} skipped", n);
  if (const auto n = count(PointStatus::failed)) text += fmt::format(", {} failed", n);
  return text;
}

std::string headline(const Sweep& sweep, const std::vector<SweepPoint>& points, const std::vector<PointRecord>& records) {
  const auto metrics = plain_metrics(records);
  if (metrics.empty()) return counts_text(records) + "; none has a metric of its own.";
  const auto wanted = sweep.minimise ? sweep.minimise : sweep.maximise;
  const std::string name = wanted.value_or(metrics.front().name);
  const auto metric = std::ranges::find(metrics, name, &Metric::name);
  if (metric == metrics.end()) {
    std::vector<std::string> names;
    for (const auto& each : metrics) names.push_back(each.name);
    throw InputError(fmt::format("/sweep: no metric \"{}\"{}", name, core::suggestion(name, names, "metrics")));
  }
  const auto [lowest, highest] = extremes(records, name);
  if (!lowest) return counts_text(records) + ".";
  const auto value = [&](std::size_t i) { return number_text(*metric, *plain_value(records[i], name)); };
  const auto at = [&](std::size_t i) { return where_text(sweep, points[i]); };
  if (sweep.maximise) return fmt::format("{} is highest, {}, at {}; it is at least {} ({}).", name, value(*highest), at(*highest), value(*lowest), counts_text(records));
  if (sweep.minimise) return fmt::format("{} is lowest, {}, at {}; it is at most {} ({}).", name, value(*lowest), at(*lowest), value(*highest), counts_text(records));
  return fmt::format("{} goes from {} at {} to {} at {} ({}).", name, value(*lowest), at(*lowest), value(*highest), at(*highest), counts_text(records));
}

/// In how many of the points each resource binds most.
std::vector<Binding> binds(const std::vector<PointRecord>& records) {
  std::map<std::string, std::size_t> counts;
  std::size_t n = 0;
  for (const auto& record : records)
    if (!record.binds.empty()) {
      ++counts[record.binds];
      ++n;
    }
  std::vector<Binding> result;
  for (const auto& [resource, count] : counts)
    result.push_back({resource, "", static_cast<double>(count) / static_cast<double>(n), fmt::format("binds most in {} of {} points", count, n)});
  std::ranges::stable_sort(result, [](const Binding& a, const Binding& b) { return a.share > b.share; });
  return result;
}

/// The lowest and the highest value of each metric over all points.
std::vector<Metric> range_metrics(const std::vector<PointRecord>& records) {
  std::vector<Metric> result;
  for (const auto& metric : plain_metrics(records)) {
    const auto [lowest, highest] = extremes(records, metric.name);
    if (!lowest) continue;
    result.push_back({metric.name, {{"of", "lowest"}}, *plain_value(records[*lowest], metric.name), metric.unit, {}, {}});
    result.push_back({metric.name, {{"of", "highest"}}, *plain_value(records[*highest], metric.name), metric.unit, {}, {}});
  }
  return result;
}

}  // namespace

Result sweep_result(const Sweep& sweep, const std::vector<SweepPoint>& points, const std::vector<PointRecord>& records) {
  Result result;
  result.headline = headline(sweep, points, records);
  result.binds = binds(records);
  result.metrics = range_metrics(records);
  result.tables = {points_table(sweep, points, records), metrics_table(records), effects_table(sweep, points, records)};
  if (std::ranges::all_of(records, [](const PointRecord& r) { return r.status == PointStatus::infeasible || r.status == PointStatus::skipped; }))
    result.infeasible = fmt::format("none of {} points has a solution; the first: {}", records.size(), records.front().reason);
  return result;
}

}  // namespace waferwatt::scenario
