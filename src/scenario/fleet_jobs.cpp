// SPDX-License-Identifier: Apache-2.0
#include "fleet_jobs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace waferwatt::scenario {
namespace {

using fleet::Job;
using fleet::JobRecord;
using fleet::JobState;

constexpr double kBoundedSlowdown = 600;  // seconds below which a job counts as so long
constexpr double kHour = 3600;
constexpr std::uint32_t kMostSpans = 5000;

struct Row {
  const Job& job;
  const JobRecord& record;
  const std::string& site;

  bool has_run() const { return record.accelerator_s > 0; }
};

std::string state_of(const Row& row) {
  constexpr std::array kNames{"waiting", "running", "completed", "rejected"};
  return kNames[static_cast<std::size_t>(row.record.state)];
}

double start_s(const Row& row) { return row.has_run() ? row.record.first_start_s : std::nan(""); }
double finish_s(const Row& row) { return row.record.state == JobState::completed ? row.record.finish_s : std::nan(""); }

using Text = std::string (*)(const Row&);
using Integer = std::int64_t (*)(const Row&);
using Number = double (*)(const Row&);
struct Column {
  const char* name;
  std::variant<Text, Integer, Number> value;
};

const Column kColumns[] = {
    {"job", Text([](const Row& r) { return r.job.name; })},
    {"state", Text(state_of)},
    {"site", Text([](const Row& r) { return r.site; })},
    {"n_accelerators", Integer([](const Row& r) { return r.job.n_accelerators; })},
    {"submit_s", Number([](const Row& r) { return r.job.submit.in(second); })},
    {"start_s", Number(start_s)},
    {"finish_s", Number(finish_s)},
    {"accelerator_hours_h", Number([](const Row& r) { return r.record.accelerator_s / kHour; })},
    {"lost_h", Number([](const Row& r) { return r.record.lost_s / kHour; })},
    {"capped_h", Number([](const Row& r) { return r.record.capped_s / kHour; })},
    {"failures", Integer([](const Row& r) { return std::int64_t{r.record.n_failures}; })},
    {"preemptions", Integer([](const Row& r) { return std::int64_t{r.record.n_preemptions}; })},
    {"energy_kwh", Number([](const Row& r) { return r.record.energy_j / 3.6e6; })},
    {"carbon_kg", Number([](const Row& r) { return r.record.carbon_kg; })},
    {"cost_usd", Number([](const Row& r) { return r.record.cost_usd; })},
};

std::vector<std::string> column_names() {
  std::vector<std::string> names;
  for (const auto& column : kColumns) names.emplace_back(column.name);
  return names;
}

template <class T>
std::vector<T> permuted(std::vector<T> values, const std::vector<std::size_t>& order) {
  std::vector<T> result;
  result.reserve(values.size());
  for (const std::size_t i : order) result.push_back(std::move(values[i]));
  return result;
}

}  // namespace

JobRows::JobRows(std::int64_t most) : most_(most) {
  for (const auto& column : kColumns)
    std::visit([&]<class V>(V (*)(const Row&)) { columns_.emplace_back(std::vector<V>()); }, column.value);
}

void JobRows::take(std::uint32_t number, const Job& job, const JobRecord& record, const std::string& site) {
  if (++n_taken_ > most_) {
    numbers_ = {}, columns_ = {};
    return;
  }
  numbers_.push_back(number);
  const Row row{job, record, site};
  for (std::size_t i = 0; i < columns_.size(); ++i)
    std::visit([&]<class V>(V (*value)(const Row&)) { std::get<std::vector<V>>(columns_[i]).push_back(value(row)); }, kColumns[i].value);
}

Table JobRows::table() {
  std::vector<std::size_t> order(numbers_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return numbers_[i]; });
  for (auto& column : columns_)
    std::visit([&](auto& values) { values = permuted(std::move(values), order); }, column);
  return Table::from_columns("jobs", column_names(), std::move(columns_));
}

void JobSpans::take(std::uint32_t number, const Job& job, const JobRecord& record, const std::string& site) {
  if (number >= kMostSpans || record.state == JobState::rejected) return;
  const Row row{job, record, site};
  spans_.push_back({number, job.n_accelerators, job.name, site, job.submit.in(second), start_s(row), finish_s(row)});
}

Table JobSpans::table(double end_s) {
  Table table("trace", {{"process", Table::Kind::text}, {"thread", Table::Kind::text}, {"name", Table::Kind::text}, {"category", Table::Kind::text}, {"start_s"}, {"duration_s"}});
  std::ranges::sort(spans_, {}, &Span::number);
  for (const auto& span : spans_) {
    const std::string row = fmt::format("{:04} {}", span.number, span.name), size = fmt::format("{} accelerators", span.n_accelerators);
    const double start = std::isnan(span.start_s) ? end_s : span.start_s, end = std::isnan(span.finish_s) ? end_s : span.finish_s;
    if (start > span.submit_s) table.add({span.site, row, "waits for " + size, std::string{"waits"}, span.submit_s, start - span.submit_s});
    if (end > start) table.add({span.site, row, "runs on " + size, std::string{"runs"}, start, end - start});
  }
  return table;
}

FleetJobs::FleetJobs(const FleetScenario& scenario, const fleet::FleetSpec& spec) : rows(scenario.largest_job_table), spec_(spec) {
  if (scenario.jobs_file) file_.emplace(*scenario.jobs_file, column_names());
}

void FleetJobs::take(std::uint32_t number, const Job& job, const JobRecord& record) {
  const std::string& site = spec_.sites[record.site].name;
  const Row row{job, record, site};
  ++n_jobs;
  n_preemptions += record.n_preemptions, accelerator_s += record.accelerator_s, carbon_kg += record.carbon_kg;
  if (record.state != JobState::rejected && row.has_run()) {
    wait_h.add((record.first_start_s - job.submit.in(second)) / kHour);
    if (record.state == JobState::completed)
      slowdown.add(std::max(1.0, (record.finish_s - job.submit.in(second)) / std::max(job.duration.in(second), kBoundedSlowdown)));
  }
  rows.take(number, job, record, site);
  spans.take(number, job, record, site);
  if (!file_) return;
  for (const auto& column : kColumns)
    std::visit([&](auto* value) { file_->add(value(row)); }, column.value);
  file_->end_row();
}

void FleetJobs::close() {
  if (file_) file_->close();
}

}  // namespace waferwatt::scenario
