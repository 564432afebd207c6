// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/fleet/job_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <numbers>

namespace waferwatt::fleet {
namespace {

constexpr std::size_t kMostMessages = 10;

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '"'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && stop == text.data() + text.size() && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::vector<std::string_view> split(std::string_view line, char separator) {
  std::vector<std::string_view> cells;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(separator, begin), line.size());
    const auto cell = trimmed(line.substr(begin, end - begin));
    if (separator == ',' || !cell.empty()) cells.push_back(cell);
    begin = end + 1;
  }
  return cells;
}

using Row = TraceJobs::Row;
using Rows = std::deque<Row>;

class TraceReader {
 public:
  TraceReader(const std::string& file, Diagnostics& diagnostics) : file_(file), diagnostics_(diagnostics) {}

  Rows csv(std::string_view text) {
    Rows rows;
    for_each_line(text, [&](std::string_view line, int number) {
      const auto cells = split(line, ',');
      if (number == 1) return read_header(cells);
      Row row{.submit_s = cell(cells, submit_, number), .n = cell(cells, n_, number), .duration_s = cell(cells, duration_, number)};
      if (estimate_) row.estimate_s = cell(cells, estimate_, number);
      if (start_) row.start_s = cell(cells, start_, number);
      if (priority_) row.priority = cell(cells, priority_, number);
      if (user_ && *user_ < cells.size()) row.user = number_of_user(cells[*user_]);
      if (name_ && *name_ < cells.size()) row.name = cells[*name_];
      if (kind_ && *kind_ < cells.size()) row.is_serving = cells[*kind_] == "serving";
      rows.push_back(std::move(row));
      return true;
    });
    return rows;
  }

  Rows swf(std::string_view text, double processors_per_accelerator) {
    Rows rows;
    for_each_line(text, [&](std::string_view line, int number) {
      if (line.front() == ';') return true;
      const auto cells = split(line, ' ');
      if (cells.size() < 18) return complain(number, fmt::format("a row of SWF has 18 fields, this one {}", cells.size()));
      const auto at = [&](std::size_t field) { return cell(cells, field - 1, number); };
      const double processors = at(8) > 0 ? at(8) : at(5);
      rows.push_back({.submit_s = at(2), .n = std::ceil(std::max(processors, 0.0) / processors_per_accelerator), .duration_s = at(4),
                      .estimate_s = std::max(at(9), 0.0), .start_s = at(3) >= 0 ? at(2) + at(3) : -1, .name = std::string{cells[0]}, .user = number_of_user(cells[11])});
      return true;
    });
    return rows;
  }

 private:
  template <class F>
  void for_each_line(std::string_view text, F visit) {
    int number = 0;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      const auto line = trimmed(text.substr(begin, end - begin));
      begin = end + 1, ++number;
      if (!line.empty() && !visit(line, number)) return;
    }
  }

  bool read_header(const std::vector<std::string_view>& header) {
    const auto find = [&](std::initializer_list<std::string_view> names) -> std::optional<std::size_t> {
      for (const auto name : names)
        if (const auto at = std::ranges::find(header, name); at != header.end()) return static_cast<std::size_t>(at - header.begin());
      return std::nullopt;
    };
    submit_ = find({"submit_s", "arrival_s", "timestamp", "submit_time"});
    n_ = find({"accelerators", "gpu_num", "num_gpus", "n_accelerators"});
    duration_ = find({"duration_s", "duration", "run_time_s"});
    start_ = find({"start_s"}), estimate_ = find({"estimate_s"}), priority_ = find({"priority"}), user_ = find({"user"});
    kind_ = find({"kind", "class"}), name_ = find({"name", "job_id"});
    const std::vector<std::string> known(header.begin(), header.end());
    const auto need = [&](const std::optional<std::size_t>& column, const char* name) {
      if (!column) diagnostics_.add({file_, 1, 1, "", fmt::format("no column \"{}\"{}", name, suggestion(name, known, "columns"))});
      return column.has_value();
    };
    const bool has_submit = need(submit_, "submit_s"), has_n = need(n_, "accelerators"), has_duration = need(duration_, "duration_s");
    return has_submit && has_n && has_duration;
  }

  double cell(const std::vector<std::string_view>& cells, std::optional<std::size_t> column, int line) {
    if (*column >= cells.size()) return complain(line, fmt::format("the row has {} cells, column {} is missing", cells.size(), *column + 1)), 0;
    if (const auto value = number_of(cells[*column])) return *value;
    return complain(line, fmt::format("\"{}\" is no number", cells[*column])), 0;
  }

  std::int32_t number_of_user(std::string_view name) {
    if (name.empty()) return -1;
    return users_.try_emplace(std::string{name}, static_cast<std::int32_t>(users_.size())).first->second;
  }

  bool complain(int line, std::string message) {
    if (++n_problems_ <= kMostMessages) diagnostics_.add({file_, line, 1, "", std::move(message)});
    return n_problems_ <= kMostMessages;
  }

  const std::string& file_;
  Diagnostics& diagnostics_;
  std::size_t n_problems_ = 0;
  std::map<std::string, std::int32_t> users_;
  std::optional<std::size_t> submit_, n_, duration_, start_, estimate_, priority_, user_, kind_, name_;
};

}  // namespace

std::string TraceCounts::text() const {
  std::string text = fmt::format("{} jobs in the trace", n_rows);
  if (n_outside > 0) text += fmt::format(", {} outside the window", n_outside);
  if (n_empty > 0) text += fmt::format(", {} without accelerators or time left out", n_empty);
  return text;
}

TraceJobs::TraceJobs(const std::string& file, std::string_view text, const TraceOptions& options, Job defaults, Diagnostics& diagnostics)
    : options_(options), defaults_(std::move(defaults)) {
  TraceReader reader(file, diagnostics);
  const std::size_t n_before = diagnostics.found().size();
  auto rows = options.format == TraceFormat::csv ? reader.csv(text) : reader.swf(text, options.processors_per_accelerator);
  if (diagnostics.found().size() > n_before) return;
  if (rows.empty()) diagnostics.add({file, 1, 1, "", "no jobs"});
  if (!std::ranges::is_sorted(rows, {}, &Row::submit_s)) std::ranges::stable_sort(rows, {}, &Row::submit_s);
  counts_.n_rows = static_cast<std::int64_t>(rows.size());
  const double origin = rows.empty() ? 0 : rows.front().submit_s, until_s = origin + options.until.in(second);
  from_s_ = origin + options.from.in(second);
  const auto n_outside = std::erase_if(rows, [&](const Row& row) { return row.submit_s < from_s_ || (options.until > 0 * second && row.submit_s >= until_s); });
  const auto n_empty = std::erase_if(rows, [](const Row& row) { return row.n < 1 || row.duration_s <= 0; });
  counts_.n_outside = static_cast<std::int64_t>(n_outside), counts_.n_empty = static_cast<std::int64_t>(n_empty);
  rows_ = std::move(rows);
}

bool TraceJobs::has_starts() const {
  return std::ranges::any_of(rows_, [](const Row& row) { return row.start_s >= row.submit_s; });
}

bool TraceJobs::next(Job& job) {
  if (at_ == rows_.size()) return false;
  const Row& row = rows_[at_++];
  job = defaults_;
  job.name = row.name;
  job.submit = (row.submit_s - from_s_) / options_.rate_scale * second;
  job.n_accelerators = std::max<std::int64_t>(1, std::llround(row.n * options_.size_scale));
  job.duration = row.duration_s * second;
  job.estimate = std::max(row.estimate_s, 0.0) * second;
  if (row.start_s >= row.submit_s) job.recorded_start = job.submit + (row.start_s - row.submit_s) * second;
  if (row.priority != 0) job.priority = row.priority;
  if (row.user >= 0) job.user = static_cast<std::uint32_t>(row.user);
  if (row.is_serving) job.kind = JobKind::serving;
  return true;
}

GeneratedJobs::GeneratedJobs(JobGenerator generator, Job defaults, RandomStream random)
    : g_(std::move(generator)), defaults_(std::move(defaults)), start_(random), random_(random) {
  for (const double weight : g_.weights) sum_of_weights_ += weight;
}

double GeneratedJobs::draw_size() {
  double at = random_.uniform() * sum_of_weights_;
  for (std::size_t i = 0; i + 1 < g_.weights.size(); ++i)
    if ((at -= g_.weights[i]) < 0) return g_.sizes[i];
  return g_.sizes.back();
}

bool GeneratedJobs::next(Job& job) {
  if (n_given_ == g_.n_jobs) return false;
  // Thinning of a stream at the day's highest rate.
  double rate = 0;
  do {
    at_s_ += random_.exponential(g_.mean_gap.in(second) / (1 + g_.daily_swing));
    rate = 1 + g_.daily_swing * std::cos(2 * std::numbers::pi * (at_s_ / 86400 - 0.6));
  } while (random_.uniform() * (1 + g_.daily_swing) > rate);
  job = defaults_;
  job.name = fmt::format("job-{}", n_given_++);
  job.submit = at_s_ * second;
  job.n_accelerators = static_cast<std::int64_t>(draw_size());
  job.duration = random_.lognormal(g_.median_duration.in(second), g_.duration_spread) * std::pow(static_cast<double>(job.n_accelerators), g_.size_exponent) * second;
  job.estimate = job.duration * random_.uniform(1, g_.estimate_factor);
  job.user = static_cast<std::uint32_t>(random_.below(static_cast<std::uint64_t>(g_.n_users)));
  return true;
}

}  // namespace waferwatt::fleet
