// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "waferwatt/core/number_text.hpp"
#include "waferwatt/validation/power_cases.hpp"

namespace waferwatt::validation {
namespace {

std::map<std::string, PercentErrors> errors_by(const std::vector<PowerPrediction>& rows, bool held_out_only) {
  std::map<std::string, std::vector<double>> errors;
  for (const auto& row : rows)
    if (!held_out_only || !row.fitted) errors[row.family].push_back(100 * row.error());
  std::map<std::string, PercentErrors> result;
  for (auto& [family, list] : errors) result[family] = percent_errors(std::move(list));
  return result;
}

io::Value json_of(const std::map<std::string, PercentErrors>& errors) {
  io::Value::Object object;
  for (const auto& [name, e] : errors)
    object.push_back({name, io::Value::Object{{"n", static_cast<std::int64_t>(e.n)}, {"median_abs_pct", e.median}, {"mean_abs_pct", e.mean}, {"p90_abs_pct", e.p90}, {"bias_pct", e.bias}}});
  return object;
}

}  // namespace

io::Value PowerReport::json() const {
  io::Value::List left_out, cases;
  for (const auto& [id, reason] : skipped) left_out.push_back(io::Value::Object{{"id", id}, {"reason", reason}});
  for (const auto& r : rows) {
    io::Value one = io::Value::Object{{"id", r.id}, {"family", r.family}, {"measured", r.measured}, {"predicted", r.predicted}, {"unit", r.unit}, {"error_pct", 100 * r.error()}, {"fitted", r.fitted}};
    if (r.goal) one["passes"] = io::Value{r.passes()};
    cases.push_back(std::move(one));
  }
  io::Value groups{io::Value::Object{}};
  groups["held out"] = json_of(errors_by(rows, true));
  return io::Value::Object{{"set", "power"},
                           {"n_cases", static_cast<std::int64_t>(rows.size())},
                           {"n_skipped", static_cast<std::int64_t>(skipped.size())},
                           {"skipped", std::move(left_out)},
                           {"metrics", json_of(errors_by(rows, false))},
                           {"groups", std::move(groups)},
                           {"cases", std::move(cases)}};
}

std::string PowerReport::text() const {
  std::string out = fmt::format("{:<20} {:<44} {:>10} {:>10} {:<6} {:>8}\n", "family", "case", "measured", "predicted", "unit", "error");
  int met = 0, with_goal = 0;
  for (const auto& r : rows) {
    out += fmt::format("{:<20} {:<44} {:>10} {:>10} {:<6} {:>+7.1f}%{}{}\n", r.family, r.id.substr(0, 44), compact_number(r.measured), compact_number(r.predicted), r.unit, 100 * r.error(),
                       r.goal ? (r.passes() ? "  pass" : fmt::format("  FAIL (goal {:.0f} %)", 100 * *r.goal)) : "", r.fitted ? "  (in the fit)" : "");
    with_goal += r.goal.has_value(), met += r.goal && r.passes();
  }
  for (const auto& [id, reason] : skipped) out += fmt::format("skipped {}: {}\n", id, reason);
  out += fmt::format("\n{:<20} {:>4} {:>8} {:>8} {:>8} {:>8}\n", "family", "n", "median", "mean", "p90", "bias");
  for (const auto& [family, e] : errors_by(rows, false)) out += fmt::format("{:<20} {:>4} {:>7.1f}% {:>7.1f}% {:>7.1f}% {:>+7.1f}%\n", family, e.n, e.median, e.mean, e.p90, e.bias);
  out += fmt::format("{} of {} goals met\n", met, with_goal);
  return out;
}

}  // namespace waferwatt::validation
