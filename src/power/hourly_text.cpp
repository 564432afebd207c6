// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/power/hourly_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace waferwatt::power {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostMessages = 10;

struct Row {
  HourIndex hour;
  double value;
  int line;
};

struct Clock {
  HourIndex hour;
  bool has_zone;
};

std::vector<std::string_view> cells(std::string_view line) {
  std::vector<std::string_view> result;
  for (std::size_t begin = 0;;) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    std::string_view cell = line.substr(begin, end - begin);
    while (!cell.empty() && (cell.front() == ' ' || cell.front() == '"')) cell.remove_prefix(1);
    while (!cell.empty() && (cell.back() == ' ' || cell.back() == '"' || cell.back() == '\r')) cell.remove_suffix(1);
    result.push_back(cell);
    if (end == line.size()) return result;
    begin = end + 1;
  }
}

std::optional<int> two_digits(std::string_view text, std::size_t at) {
  if (text.size() < at + 2 || text[at] < '0' || text[at] > '9' || text[at + 1] < '0' || text[at + 1] > '9') return std::nullopt;
  return (text[at] - '0') * 10 + (text[at + 1] - '0');
}

/// "2022-01-01 05:00", "2022-01-01T05:00:00+02:00", "...Z".
std::optional<Clock> clock_of(std::string_view text, double utc_offset_hours, std::string& problem) {
  const auto date = Date::parse(text.substr(0, 10));
  const auto hour = two_digits(text, 11), minute = two_digits(text, 14);
  if (!date || !hour || !minute || *hour > 23 || (text[10] != ' ' && text[10] != 'T')) {
    problem = fmt::format("\"{}\" is no time; write \"2024-03-31 05:00\" or \"2024-03-31T05:00:00+02:00\"", text);
    return std::nullopt;
  }
  if (*minute != 0) {
    problem = fmt::format("\"{}\" is not a full hour; give hourly means", text);
    return std::nullopt;
  }
  double offset = utc_offset_hours;
  const std::size_t sign = text.find_last_of("+-Z");
  const bool has_zone = sign != std::string_view::npos && sign > 15;
  if (has_zone) {
    offset = 0;
    if (text[sign] != 'Z') {
      const auto hours = two_digits(text, sign + 1);
      const auto minutes = two_digits(text, sign + 4);
      if (!hours) problem = fmt::format("\"{}\" has no zone that can be read; write \"+02:00\" or \"Z\"", text);
      if (!hours) return std::nullopt;
      offset = (text[sign] == '-' ? -1 : 1) * (*hours + minutes.value_or(0) / 60.0);
    }
  }
  return Clock{static_cast<HourIndex>(std::floor(date->days() * 24 + *hour - offset + 1e-6)), has_zone};
}

double value_of(std::string_view text, const HourlyColumns& columns) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = error == std::errc{} && stop == text.data() + text.size() && std::isfinite(value);
  return is_number && value >= columns.low && value <= columns.high ? value : kMissing;
}

std::optional<std::size_t> column_of(const std::string& file, const std::vector<std::string_view>& header, const std::string& name, Diagnostics& diagnostics) {
  const auto at = std::ranges::find(header, name);
  if (at != header.end()) return static_cast<std::size_t>(at - header.begin());
  const std::vector<std::string> known(header.begin(), header.end());
  diagnostics.add({file, 1, 1, "", fmt::format("no column \"{}\"{}", name, suggestion(name, known, "columns"))});
  return std::nullopt;
}

/// Clocks change in the first hours of a Sunday from March to April and from September to November, on either hemisphere.
bool may_change_clocks(HourIndex hour, double utc_offset_hours) {
  const auto local = static_cast<double>(hour) + utc_offset_hours;
  const Date date = Date::from_days(std::floor(local / 24));
  const bool is_sunday = static_cast<std::int64_t>(date.days() + 4) % 7 == 0;  // 1970-01-01 was a Thursday
  const int month = date.month();
  return is_sunday && (month == 3 || month == 4 || (month >= 9 && month <= 11)) && std::fmod(local, 24) <= 4;
}

/// Brings rows of local clocks from summer time, an hour ahead, to standard time. It begins where an hour is missing and
/// ends where one comes twice; where the other end is lost although the file goes on, nothing is done.
/// \returns how many changes of the clock were undone
std::int64_t undo_summer_time(std::vector<Row>& rows, double utc_offset_hours) {
  constexpr HourIndex kLongestSummer = 24 * 250;
  struct Change {
    std::size_t at;
    bool is_forward;
  };
  std::vector<Change> changes;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const HourIndex step = rows[i].hour - rows[i - 1].hour;
    if ((step == 2 || step == 0) && may_change_clocks(rows[i].hour - (step == 2), utc_offset_hours)) changes.push_back({i, step == 2});
  }
  std::int64_t n_undone = 0;
  const auto shift = [&](std::size_t from, std::size_t until, std::int64_t n_changes) {
    if (rows[until - 1].hour - rows[from].hour > kLongestSummer) return;
    for (std::size_t i = from; i < until; ++i) --rows[i].hour;
    n_undone += n_changes;
  };
  for (std::size_t k = 0; k < changes.size(); ++k) {
    if (!changes[k].is_forward) {
      if (k == 0) shift(0, changes[k].at, 1);
    } else if (k + 1 == changes.size()) {
      shift(changes[k].at, rows.size(), 1);
    } else if (!changes[k + 1].is_forward) {
      shift(changes[k].at, changes[k + 1].at, 2);
    }
  }
  return n_undone;
}

std::vector<Row> rows_of(const std::string& file, std::string_view text, const HourlyColumns& columns, bool& has_zone, HourlyRepairs& repairs, Diagnostics& diagnostics) {
  std::vector<Row> rows;
  std::optional<std::size_t> time, value;
  std::size_t n_problems = 0;
  int line_number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const auto row = cells(text.substr(begin, end - begin));
    begin = end + 1;
    ++line_number;
    if (row.size() == 1 && row[0].empty()) continue;
    if (line_number == 1) {
      time = column_of(file, row, columns.time, diagnostics), value = column_of(file, row, columns.value, diagnostics);
      if (!time || !value) return {};
      continue;
    }
    std::string problem;
    if (row.size() <= *time) problem = fmt::format("the row has {} cells and no \"{}\"", row.size(), columns.time);
    const auto clock = problem.empty() ? clock_of(row[*time], columns.utc_offset_hours, problem) : std::nullopt;
    if (!clock) {
      if (++n_problems <= kMostMessages) diagnostics.add({file, line_number, 1, "", std::move(problem)});
      continue;
    }
    has_zone = has_zone || clock->has_zone;
    const double read = row.size() > *value ? value_of(row[*value], columns) : kMissing;
    repairs.n_bad += std::isnan(read);
    if (!rows.empty() && clock->hour < rows.back().hour) ++repairs.n_out_of_order;
    rows.push_back({clock->hour, read, line_number});
  }
  repairs.n_rows = static_cast<std::int64_t>(rows.size());
  if (n_problems > kMostMessages) diagnostics.add({file, 1, 1, "", fmt::format("{} more times cannot be read", n_problems - kMostMessages)});
  if (n_problems > 0) return {};
  if (rows.empty()) diagnostics.add({file, 1, 1, "", "no hours; expected a header and one row an hour"});
  return rows;
}

/// Rows in order, one an hour; rows of the same hour become their mean.
std::vector<Row> joined(std::vector<Row> rows, HourlyRepairs& repairs) {
  std::ranges::stable_sort(rows, {}, &Row::hour);
  std::vector<Row> result;
  for (std::size_t i = 0; i < rows.size();) {
    double sum = 0, n = 0;
    const std::size_t first = i;
    for (; i < rows.size() && rows[i].hour == rows[first].hour; ++i)
      if (!std::isnan(rows[i].value)) sum += rows[i].value, n += 1;
    repairs.n_repeated += static_cast<std::int64_t>(i - first - 1);
    result.push_back({rows[first].hour, n > 0 ? sum / n : kMissing, rows[first].line});
  }
  return result;
}

}  // namespace

std::string HourlyRepairs::text() const {
  std::string text = fmt::format("{} rows", n_rows);
  const auto add = [&](std::int64_t n, const char* what) {
    if (n > 0) text += fmt::format(", {} {}", n, what);
  };
  add(n_bad, "bad values bridged");
  add(n_missing, "missing hours bridged");
  add(n_repeated, "repeated hours averaged");
  add(n_out_of_order, "rows sorted");
  add(n_daylight_saving, "daylight saving shifts undone");
  return text;
}

Hourly<double> read_hours(const std::string& file, std::string_view text, const HourlyColumns& columns, HourlyRepairs& repairs, Diagnostics& diagnostics) {
  bool has_zone = false;
  auto raw = rows_of(file, text, columns, has_zone, repairs, diagnostics);
  if (raw.empty()) return {};
  if (!has_zone) repairs.n_daylight_saving = undo_summer_time(raw, columns.utc_offset_hours);
  auto rows = joined(std::move(raw), repairs);
  std::erase_if(rows, [](const Row& row) { return std::isnan(row.value); });
  if (rows.empty()) {
    diagnostics.add({file, 1, 1, "", fmt::format("column \"{}\" has no value between {} and {}", columns.value, columns.low, columns.high)});
    return {};
  }
  std::vector<double> values;
  std::int64_t n_bridged = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i > 0) {
      const HourIndex gap = rows[i].hour - rows[i - 1].hour - 1;
      if (gap > columns.longest_gap) {
        diagnostics.add({file, rows[i].line, 1, "", fmt::format("{} hours without a value before this row; at most {} are bridged (longest_gap)", gap, columns.longest_gap)});
        return {};
      }
      n_bridged += gap;
      for (HourIndex h = 1; h <= gap; ++h)
        values.push_back(rows[i - 1].value + (rows[i].value - rows[i - 1].value) * static_cast<double>(h) / static_cast<double>(gap + 1));
    }
    values.push_back(rows[i].value);
  }
  repairs.n_missing = std::max<std::int64_t>(n_bridged - repairs.n_bad, 0);
  return {rows.front().hour, std::move(values)};
}

}  // namespace waferwatt::power
