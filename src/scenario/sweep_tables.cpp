// SPDX-License-Identifier: Apache-2.0
#include "sweep_tables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <set>

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

std::string dims_of(const Metric& metric) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : metric.dims) parts.push_back(key + "=" + value);
  return fmt::format("{}", fmt::join(parts, ";"));
}

/// "compute", "training_flop[owner=china;year=2028]".
std::string label_of(const Metric& metric) { return metric.dims.empty() ? metric.name : fmt::format("{}[{}]", metric.name, dims_of(metric)); }

const Metric* find_metric(const PointRecord& record, const std::string& label) {
  const bool is_plain = label.find('[') == std::string::npos;
  const auto at = std::ranges::find_if(record.metrics, [&](const Metric& m) { return is_plain ? m.dims.empty() && m.name == label : !m.dims.empty() && label_of(m) == label; });
  return at == record.metrics.end() ? nullptr : &*at;
}

std::optional<double> value_of(const PointRecord& record, const std::string& label) {
  const Metric* metric = find_metric(record, label);
  return metric ? std::optional{metric->value} : std::nullopt;
}

/// "compute_h100e_week", "token_price_tier_mid_year_2028_usd_per_mtoken".
std::string column_name(const Metric& metric) {
  std::string name = metric.name;
  for (const auto& [key, value] : metric.dims) name += "_" + snake(key) + "_" + snake(value);
  return metric.unit == "1" || metric.unit.empty() ? name : name + "_" + snake(metric.unit);
}

std::optional<std::string> asked(const Sweep& sweep) { return sweep.minimise ? sweep.minimise : sweep.maximise ? sweep.maximise : sweep.about; }

/// The metric that is asked about, and those without dimensions in the order in which points have them.
std::vector<Metric> side_by_side(const Sweep& sweep, const std::vector<PointRecord>& records) {
  std::vector<Metric> metrics;
  const auto add = [&](const Metric& metric) {
    if (std::ranges::find(metrics, label_of(metric), label_of) == metrics.end()) metrics.push_back(metric);
  };
  if (const auto label = asked(sweep))
    for (const auto& record : records)
      if (const Metric* metric = find_metric(record, *label)) add(*metric);
  for (const auto& record : records)
    for (const auto& metric : record.metrics)
      if (metric.dims.empty()) add(metric);
  return metrics;
}

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

/// One row for each point: its name where it has one, its values on the axes, how it ended, its metrics side by side.
Table points_table(const Sweep& sweep, const std::vector<SweepPoint>& points, const std::vector<PointRecord>& records) {
  std::vector<Table::ColumnSpec> columns{{"point", Kind::integer}};
  if (!sweep.names.empty()) columns.push_back({"name", Kind::text});
  for (const auto& axis : sweep.axes.list) columns.push_back({axis.path, Kind::text});
  for (const char* name : {"status", "reason", "binds"}) columns.push_back({name, Kind::text});
  const auto metrics = side_by_side(sweep, records);
  for (const auto& metric : metrics) columns.push_back({column_name(metric)});
  Table table("points", columns);
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::vector<Table::Cell> row{static_cast<std::int64_t>(i + 1)};
    if (!sweep.names.empty()) row.emplace_back(sweep.names[i]);
    for (const auto& value : points[i].values) row.emplace_back(text_of(value));
    row.emplace_back(io::enum_text(records[i].status));
    row.emplace_back(records[i].reason);
    row.emplace_back(records[i].binds);
    for (const auto& metric : metrics) row.emplace_back(value_of(records[i], label_of(metric)).value_or(kNothing));
    table.add(std::move(row));
  }
  return table;
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

/// What tells points apart: an axis, or their names.
struct Distinction {
  std::string axis;
  std::vector<std::string> values;  ///< by point
};

std::vector<Distinction> distinctions(const Sweep& sweep, const std::vector<SweepPoint>& points) {
  if (!sweep.names.empty()) return {{"point", sweep.names}};
  std::vector<Distinction> found;
  if (sweep.mode != SweepMode::cartesian) return found;
  for (std::size_t a = 0; a < sweep.axes.list.size(); ++a) {
    found.push_back({sweep.axes.list[a].path, {}});
    for (const auto& point : points) found.back().values.push_back(text_of(point.values[a]));
  }
  return found;
}

/// What each value of each axis does to each metric, whatever the others are; of named points, what each gives.
Table effects_table(const Sweep& sweep, const std::vector<SweepPoint>& points, const std::vector<PointRecord>& records) {
  Table table("effects", {{"axis", Kind::text}, {"axis_value", Kind::text}, {"metric", Kind::text}, {"unit", Kind::text}, {"mean"}, {"lowest"}, {"highest"}, {"points", Kind::integer}});
  for (const auto& [axis, values] : distinctions(sweep, points))
    for (const auto& metric : side_by_side(sweep, records)) {
      const std::string label = label_of(metric);
      std::vector<std::pair<std::string, Spread>> spreads;
      for (std::size_t i = 0; i < points.size(); ++i) {
        auto at = std::ranges::find(spreads, values[i], &std::pair<std::string, Spread>::first);
        if (at == spreads.end()) at = spreads.insert(spreads.end(), {values[i], {}});
        if (const auto found = value_of(records[i], label)) at->second.add(*found);
      }
      for (const auto& [value, spread] : spreads)
        if (spread.n > 0) table.add({axis, value, label, metric.unit, spread.sum / static_cast<double>(spread.n), spread.least, spread.most, spread.n});
    }
  return table;
}

std::string where_text(const Sweep& sweep, const std::vector<SweepPoint>& points, std::size_t i) {
  if (!sweep.names.empty()) return fmt::format("\"{}\"", sweep.names[i]);
  std::vector<std::string> parts;
  for (std::size_t a = 0; a < sweep.axes.list.size(); ++a) parts.push_back(fmt::format("{} = {}", sweep.axes.list[a].path, text_of(points[i].values[a])));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string number_text(const Metric& metric, double value) { return compact_number(value, 4) + (metric.unit == "1" || metric.unit.empty() ? "" : " " + metric.unit); }

/// The points with the lowest and the highest value of a metric.
struct Extremes {
  std::optional<std::size_t> lowest, highest;
};
Extremes extremes(const std::vector<PointRecord>& records, const std::string& metric) {
  Extremes found;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto value = value_of(records[i], metric);
    if (!value || records[i].status != PointStatus::ok) continue;
    if (!found.lowest || *value < *value_of(records[*found.lowest], metric)) found.lowest = i;
    if (!found.highest || *value > *value_of(records[*found.highest], metric)) found.highest = i;
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

/// "jobs carbon", "training flop of owner china, year 2028".
std::string in_words(const Metric& metric) {
  std::string name = metric.name;
  std::ranges::replace(name, '_', ' ');
  std::vector<std::string> parts;
  for (const auto& [key, value] : metric.dims) parts.push_back(key + " " + value);
  return parts.empty() ? name : fmt::format("{} of {}", name, fmt::join(parts, ", "));
}

/// More named points than this are not listed one by one in the headline.
constexpr std::size_t kMostListedPoints = 8;

/// "compute in H100e week: 10.21 G with "no rules", 9.236 G with "controls"".
std::string listed(const Sweep& sweep, const std::vector<PointRecord>& records, const Metric& metric) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < records.size(); ++i)
    if (const auto value = value_of(records[i], label_of(metric)); value && records[i].status == PointStatus::ok) parts.push_back(fmt::format("{} with \"{}\"", compact_number(*value, 4), sweep.names[i]));
  const std::string unit = metric.unit == "1" || metric.unit.empty() ? "" : " in " + metric.unit;
  return fmt::format("{}{}: {}", in_words(metric), unit, fmt::join(parts, ", "));
}

/// The metric that a headline is about, as the first point with it has it.
const Metric& asked_for(const std::string& label, const std::vector<PointRecord>& records) {
  std::set<std::string> labels;
  for (const auto& record : records) {
    if (const Metric* metric = find_metric(record, label)) return *metric;
    for (const auto& each : record.metrics) labels.insert(label_of(each));
  }
  throw InputError(fmt::format("/sweep: no metric \"{}\"{}", label, core::suggestion(label, std::vector<std::string>(labels.begin(), labels.end()), "metrics")));
}

/// Which of the named points is best, where the sweep says what is.
std::string best_of(const Sweep& sweep, std::size_t lowest, std::size_t highest) {
  if (sweep.maximise) return fmt::format("; highest with \"{}\"", sweep.names[highest]);
  return sweep.minimise ? fmt::format("; lowest with \"{}\"", sweep.names[lowest]) : "";
}

/// More values of a first axis than this are not told one by one.
constexpr std::size_t kMostToldApart = 4;

/// Over two axes, the best of the second for each value of the first: "goodput is highest, 21 1/s at model = a, rate = 2 1/s; 90 1/s at
/// model = b, rate = 9 1/s". Empty for other sweeps.
std::string best_of_each(const Sweep& sweep, const std::vector<SweepPoint>& points, const std::vector<PointRecord>& records, const Metric& metric) {
  const bool wants_best = sweep.maximise || sweep.minimise;
  if (!wants_best || sweep.mode != SweepMode::cartesian || sweep.axes.list.size() != 2 || !sweep.names.empty()) return "";
  const std::size_t n_each = sweep.axes.list[1].values.size(), n_first = records.size() / std::max<std::size_t>(1, n_each);
  if (n_first < 2 || n_first > kMostToldApart) return "";
  std::vector<std::string> parts;
  for (std::size_t first = 0; first < n_first; ++first) {
    const std::vector<PointRecord> own(records.begin() + static_cast<std::ptrdiff_t>(first * n_each), records.begin() + static_cast<std::ptrdiff_t>((first + 1) * n_each));
    const auto [lowest, highest] = extremes(own, label_of(metric));
    if (!lowest) continue;
    const std::size_t best = sweep.maximise ? *highest : *lowest;
    parts.push_back(fmt::format("{} at {}", number_text(metric, *value_of(own[best], label_of(metric))), where_text(sweep, points, first * n_each + best)));
  }
  return fmt::format("{} is {}: {}", in_words(metric), sweep.maximise ? "highest" : "lowest", fmt::join(parts, "; "));
}

std::string headline(const Sweep& sweep, const std::vector<SweepPoint>& points, const std::vector<PointRecord>& records) {
  const auto wanted = asked(sweep);
  const auto metrics = side_by_side(sweep, records);
  if (metrics.empty() && !wanted) return counts_text(records) + "; none has a metric of its own.";
  if (std::ranges::all_of(records, [](const PointRecord& r) { return r.metrics.empty(); })) return counts_text(records) + ".";
  const std::string name = wanted ? *wanted : metrics.front().name;
  const Metric& metric = asked_for(name, records);
  const auto [lowest, highest] = extremes(records, name);
  if (!lowest) return counts_text(records) + ".";
  const auto value = [&](std::size_t i) { return number_text(metric, *value_of(records[i], name)); };
  const std::string words = in_words(metric);
  const auto at = [&](std::size_t i) { return where_text(sweep, points, i); };
  const bool is_constant = *value_of(records[*lowest], name) == *value_of(records[*highest], name);
  if (is_constant && records.size() > 1) return fmt::format("{} is {} at all of them ({}).", words, value(*lowest), counts_text(records));
  if (!sweep.names.empty() && records.size() <= kMostListedPoints) return fmt::format("{}{} ({}).", listed(sweep, records, metric), best_of(sweep, *lowest, *highest), counts_text(records));
  if (const std::string each = best_of_each(sweep, points, records, metric); !each.empty()) return fmt::format("{} ({}).", each, counts_text(records));
  if (sweep.maximise) return fmt::format("{} is highest, {}, at {}; it is at least {} ({}).", words, value(*highest), at(*highest), value(*lowest), counts_text(records));
  if (sweep.minimise) return fmt::format("{} is lowest, {}, at {}; it is at most {} ({}).", words, value(*lowest), at(*lowest), value(*highest), counts_text(records));
  return fmt::format("{} goes from {} at {} to {} at {} ({}).", words, value(*lowest), at(*lowest), value(*highest), at(*highest), counts_text(records));
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
std::vector<Metric> range_metrics(const Sweep& sweep, const std::vector<PointRecord>& records) {
  std::vector<Metric> result;
  for (const auto& metric : side_by_side(sweep, records)) {
    const std::string label = label_of(metric);
    const auto [lowest, highest] = extremes(records, label);
    if (!lowest) continue;
    for (const auto& [of, i] : {std::pair{"lowest", *lowest}, std::pair{"highest", *highest}}) {
      result.push_back({metric.name, metric.dims, *value_of(records[i], label), metric.unit, {}, {}});
      result.back().dims["of"] = of;
    }
  }
  return result;
}

}  // namespace

Result sweep_result(const Sweep& sweep, const std::vector<SweepPoint>& points, const std::vector<PointRecord>& records) {
  Result result;
  result.headline = headline(sweep, points, records);
  result.binds = binds(records);
  result.metrics = range_metrics(sweep, records);
  result.tables = {points_table(sweep, points, records), metrics_table(records), effects_table(sweep, points, records)};
  if (std::ranges::all_of(records, [](const PointRecord& r) { return r.status == PointStatus::infeasible || r.status == PointStatus::skipped; }))
    result.infeasible = fmt::format("none of {} points has a solution; the first: {}", records.size(), records.front().reason);
  return result;
}

}  // namespace waferwatt::scenario
