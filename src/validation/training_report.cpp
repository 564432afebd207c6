// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "waferwatt/validation/software_fit.hpp"

namespace waferwatt::validation {
namespace {

io::Value json_of(const PercentErrors& e) {
  return io::Value::Object{{"n", static_cast<std::int64_t>(e.n)},
                           {"median_abs_pct", e.median},
                           {"mean_abs_pct", e.mean},
                           {"p90_abs_pct", e.p90},
                           {"bias_pct", e.bias}};
}

io::Value json_of(const std::map<std::string, PercentErrors>& metrics) {
  io::Value::Object object;
  for (const auto& [name, errors] : metrics) object.push_back({name, json_of(errors)});
  return object;
}

}  // namespace

PercentErrors percent_errors(std::vector<double> signed_percent) {
  PercentErrors e{.n = signed_percent.size()};
  if (e.n == 0) return e;
  for (double& value : signed_percent) {
    e.bias += value / static_cast<double>(e.n);
    value = std::abs(value);
    e.mean += value / static_cast<double>(e.n);
  }
  std::ranges::sort(signed_percent);
  const std::size_t middle = e.n / 2;
  e.median = e.n % 2 == 1 ? signed_percent[middle] : (signed_percent[middle - 1] + signed_percent[middle]) / 2;
  const auto rank = static_cast<std::size_t>(std::ceil(0.9 * static_cast<double>(e.n)));
  e.p90 = signed_percent[std::max<std::size_t>(rank, 1) - 1];
  return e;
}

TrainingReport validate_training(const TrainingCases& cases, const catalog::Catalog& catalog) {
  TrainingReport report;
  report.skipped = cases.skipped;
  std::map<std::string, std::vector<double>> all;
  std::map<std::string, std::map<std::string, std::vector<double>>> by_group;
  const Predictor predictor(catalog);
  for (const auto& c : cases.cases) {
    const auto predicted = predictor.predict(c, training::software_stack(c.software));
    const bool is_timed = c.measured > Time{};
    const double error = is_timed ? 100 * (predicted.time / c.measured - 1) : 0;
    if (is_timed) {
      const std::string metric = c.is_partial ? "iteration_time_partial" : "iteration_time";
      all[metric].push_back(error), by_group[c.group][metric].push_back(error);
    }
    if (!c.software_is_known) ++report.n_assumed_software;
    if (c.measured_memory) {
      const double memory_error = 100 * (predicted.memory / *c.measured_memory - 1);
      all["memory"].push_back(memory_error), by_group[c.group]["memory"].push_back(memory_error);
    }
    report.rows.push_back({c.id, c.group, c.measured.in(second), predicted.time.in(second), error, is_held_out(c),
                           predicted.breakdown, predicted.memory, c.measured_memory.value_or(DataSize{})});
  }
  report.n_cases = report.rows.size();
  for (auto& [metric, errors] : all) report.metrics[metric] = percent_errors(std::move(errors));
  for (auto& [group, metrics] : by_group)
    for (auto& [metric, errors] : metrics) report.groups[group][metric] = percent_errors(std::move(errors));
  std::ranges::stable_sort(report.rows, [](const auto& a, const auto& b) {
    return std::abs(a.error_percent) > std::abs(b.error_percent);
  });
  return report;
}

io::Value TrainingReport::json() const {
  io::Value::List left_out;
  for (const auto& s : skipped) left_out.push_back(io::Value::Object{{"id", s.id}, {"reason", s.reason}});
  io::Value::Object by_group;
  for (const auto& [group, errors] : groups) by_group.push_back({group, json_of(errors)});
  return io::Value::Object{{"set", "training"},
                           {"n_cases", static_cast<std::int64_t>(n_cases)},
                           {"n_skipped", static_cast<std::int64_t>(skipped.size())},
                           {"n_default_software", static_cast<std::int64_t>(n_assumed_software)},
                           {"skipped", std::move(left_out)},
                           {"metrics", json_of(metrics)},
                           {"groups", std::move(by_group)}};
}

std::string TrainingReport::points() const {
  std::string out = "id,group,half,measured_s,predicted_s,error_percent,memory_byte,measured_memory_byte";
  for (const auto& [name, time] : training::Breakdown{}.parts()) {
    std::string column = name;
    std::ranges::replace(column, ' ', '_');
    out += "," + column + "_s";
  }
  out += '\n';
  for (const auto& r : rows) {
    out += fmt::format("\"{}\",\"{}\",{},{:.6g},{:.6g},{:.3f},{:.6g},{:.6g}", r.id, r.group, r.held_out ? "held out" : "fitted",
                       r.measured_s, r.predicted_s, r.error_percent, r.memory.in(byte), r.measured_memory.in(byte));
    for (const auto& [name, time] : r.breakdown.parts()) out += fmt::format(",{:.6g}", time.in(second));
    out += '\n';
  }
  return out;
}

std::string TrainingReport::text() const {
  std::string out = fmt::format("training: {} cases, {} skipped\n\n{:<48} {:>22} {:>5} {:>8} {:>8} {:>8} {:>8}\n",
                                n_cases, skipped.size(), "group", "metric", "n", "median", "mean", "p90", "bias");
  const auto add = [&](const std::string& group, const std::map<std::string, PercentErrors>& errors) {
    for (const auto& [metric, e] : errors)
      out += fmt::format("{:<48} {:>22} {:>5} {:>7.2f}% {:>7.2f}% {:>7.2f}% {:>+7.2f}%\n", group, metric, e.n, e.median,
                         e.mean, e.p90, e.bias);
  };
  add("all", metrics);
  for (const auto& [group, errors] : groups) add(group, errors);
  out += "\nworst:\n";
  for (std::size_t i = 0; i < std::min<std::size_t>(5, rows.size()); ++i)
    out += fmt::format("  {:+.1f} %  {} ({}): measured {:.4g} s, predicted {:.4g} s\n", rows[i].error_percent,
                       rows[i].id, rows[i].group, rows[i].measured_s, rows[i].predicted_s);
  if (n_assumed_software > 0)
    out += fmt::format("\n{} cases are of software that is not known here; \"{}\" stands in\n", n_assumed_software,
                       training::software_stacks().front().name);
  std::map<std::string, std::size_t> reasons;
  for (const auto& s : skipped) ++reasons[s.reason];
  if (!reasons.empty()) out += "\nskipped:\n";
  for (const auto& [reason, n] : reasons) out += fmt::format("  {:>4}  {}\n", n, reason);
  return out;
}

}  // namespace waferwatt::validation
