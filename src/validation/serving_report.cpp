// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/serving_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/validation/serving_halves.hpp"

namespace waferwatt::validation {
namespace {

using serving::BackendProfile;

using Errors = std::map<std::string, std::vector<double>>;

void add_errors(Errors& errors, const ServingCase& c, const ServingPrediction& p) {
  const auto add = [&](const char* metric, std::optional<double> measured, double predicted) {
    if (measured && *measured > 0) errors[metric].push_back(100 * (predicted / *measured - 1));
  };
  add("ttft", c.ttft_s, p.ttft_s);
  add("tpot", c.tpot_s, p.tpot_s);
  add("throughput", measured_rate(c), predicted_rate(c, p));
  add("energy_per_token", c.joule_per_token, p.joule_per_token);
}

/// With the half that the case is of, the first time that its measurement is met.
std::vector<std::string> groups_of(const ServingCase& c, OnceEach& once) {
  std::vector<std::string> groups{c.disaggregation ? "mode disaggregated" : "mode aggregated", "model " + c.model->id, "gpu " + c.accelerator->id,
                                  "backend " + (c.is_known_backend ? c.backend : "default")};
  if (!c.source.empty()) groups.push_back("source " + c.source);
  if (c.is_known_backend && is_fit_for_profiles(c) && once.is_new(c)) groups.push_back(fmt::format("half {}, {}{}", is_fitted_half(c) ? "fitted" : "held out", c.backend, c.disaggregation ? ", workers of their own" : ""));
  return groups;
}

io::Value json_of(const std::map<std::string, PercentErrors>& metrics) {
  io::Value::Object out;
  for (const auto& [name, e] : metrics)
    out.push_back({name, io::Value::Object{{"n", static_cast<std::int64_t>(e.n)},
                                           {"median_abs_pct", e.median},
                                           {"mean_abs_pct", e.mean},
                                           {"p90_abs_pct", e.p90},
                                           {"bias_pct", e.bias}}});
  return out;
}

}  // namespace

std::optional<double> measured_rate(const ServingCase& c) {
  if (c.tokens_per_s) return c.tokens_per_s;
  if (!c.ttft_s || !c.tpot_s || c.protocol != Protocol::closed_loop) return std::nullopt;
  const double n = static_cast<double>(c.load.output_tokens) * (1 - c.load.spread / 2);
  return static_cast<double>(c.load.concurrency) * n / (*c.ttft_s + (n - 1) * *c.tpot_s);
}

double predicted_rate(const ServingCase& c, const ServingPrediction& p) {
  if (c.tokens_per_s) return p.tokens_per_s;
  const double n = static_cast<double>(c.load.output_tokens) * (1 - c.load.spread / 2);
  return static_cast<double>(c.load.concurrency) * n / (p.ttft_s + (n - 1) * p.tpot_s);
}

BackendProfile shipped_profile(const ServingCase& c) {
  const auto* known = serving::find_backend(c.backend);
  return known ? *known : BackendProfile{};
}

ServingReport validate_serving(const ServingCases& cases, const catalog::Catalog& catalog, const ProfileOf& profile_of) {
  ServingReport report;
  report.skipped = cases.skipped;
  const auto predictions = predict(cases.cases, catalog, profile_of);
  Errors all;
  std::map<std::string, Errors> by_group;
  OnceEach once;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const ServingCase& c = cases.cases[i];
    if (!predictions[i].infeasible.empty()) {
      report.skipped.push_back({c.id, predictions[i].infeasible});
      continue;
    }
    add_errors(all, c, predictions[i]);
    for (const auto& group : groups_of(c, once)) add_errors(by_group[group], c, predictions[i]);
    if (!c.assumption.empty()) report.assumptions[c.assumption].push_back(c.id);
    report.n_default_backend += c.is_known_backend ? 0 : 1;
    report.rows.push_back({&c, predictions[i]});
  }
  report.n_cases = report.rows.size();
  for (auto& [metric, errors] : all) report.metrics[metric] = percent_errors(std::move(errors));
  for (auto& [group, metrics] : by_group)
    for (auto& [metric, errors] : metrics) report.groups[group][metric] = percent_errors(std::move(errors));
  return report;
}

io::Value ServingReport::json() const {
  io::Value::List left_out;
  for (const auto& s : skipped) left_out.push_back(io::Value::Object{{"id", s.id}, {"reason", s.reason}});
  io::Value::Object by_assumption;
  for (const auto& [assumption, ids] : assumptions) by_assumption.push_back({assumption, static_cast<std::int64_t>(ids.size())});
  io::Value::Object by_group;
  for (const auto& [group, errors] : groups) by_group.push_back({group, json_of(errors)});
  return io::Value::Object{{"set", "serving"},
                           {"n_cases", static_cast<std::int64_t>(n_cases)},
                           {"n_skipped", static_cast<std::int64_t>(skipped.size())},
                           {"n_default_backend", static_cast<std::int64_t>(n_default_backend)},
                           {"skipped", std::move(left_out)},
                           {"assumptions", std::move(by_assumption)},
                           {"metrics", json_of(metrics)},
                           {"groups", std::move(by_group)}};
}

std::string ServingReport::text() const {
  std::size_t width = 24;
  for (const auto& [group, errors] : groups) width = std::max(width, group.size());
  std::string out = fmt::format("serving: {} cases, {} skipped\n\n{:<{}} {:>16} {:>5} {:>8} {:>8} {:>8} {:>8}\n", n_cases, skipped.size(), "group", width,
                                "metric", "n", "median", "mean", "p90", "bias");
  const auto add = [&](const std::string& group, const std::map<std::string, PercentErrors>& errors) {
    for (const auto& [metric, e] : errors)
      out += fmt::format("{:<{}} {:>16} {:>5} {:>7.1f}% {:>7.1f}% {:>7.1f}% {:>+7.1f}%\n", group, width, metric, e.n, e.median, e.mean, e.p90, e.bias);
  };
  add("all", metrics);
  for (const auto& [group, errors] : groups) add(group, errors);
  if (n_default_backend > 0) out += fmt::format("\n{} cases are of backends without a profile: the default was taken\n", n_default_backend);
  if (!assumptions.empty()) out += "\nassumed where the source says nothing:\n";
  for (const auto& [assumption, ids] : assumptions) out += fmt::format("  {:>4}  {}\n", ids.size(), assumption);
  std::map<std::string, std::size_t> reasons;
  for (const auto& s : skipped) ++reasons[s.reason];
  if (!reasons.empty()) out += "\nskipped:\n";
  for (const auto& [reason, n] : reasons) out += fmt::format("  {:>4}  {}\n", n, reason);
  return out;
}

std::string ServingReport::points() const {
  std::string out = "id,source,backend,model,accelerator,configuration,concurrency,isl,osl,measured_ttft_s,ttft_s,measured_tpot_s,tpot_s,measured_tokens_per_s,tokens_per_s,measured_joule_per_token,joule_per_token\n";
  for (const auto& [c, p] : rows)
    out += fmt::format("{},\"{}\",{},{},{},\"{}\",{},{},{},{},{},{},{},{},{},{},{}\n", c->id, c->source, c->backend, c->model->id, c->accelerator->id, c->configuration,
                       c->load.concurrency, c->load.input_tokens, c->load.output_tokens, c->ttft_s.value_or(0), p.ttft_s, c->tpot_s.value_or(0),
                       p.tpot_s, measured_rate(*c).value_or(0), predicted_rate(*c, p), c->joule_per_token.value_or(0), p.joule_per_token);
  return out;
}

}  // namespace waferwatt::validation
