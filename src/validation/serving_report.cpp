// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/serving_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace waferwatt::validation {
namespace {

using serving::BackendProfile;
using serving::EngineSettings;

EngineSettings engine_of(const ServingCase& c, const BackendProfile& profile) {
  EngineSettings engine;
  engine.backend = profile;
  engine.host_overhead = profile.step_overhead;
  engine.max_batched_tokens = profile.max_batched_tokens;
  engine.memory_utilisation = profile.memory_utilisation;
  engine.max_sequences = std::max<std::int64_t>(1, c.load.concurrency);
  return engine;
}

/// `prompts` has the layout of the prefill workers; null when there are none.
ServingPrediction prediction(const ServingCase& c, serving::IterationModel& model, serving::IterationModel* prompts, const EngineSettings& engine) {
  const auto memory = serving::memory_plan(*c.model, *c.accelerator, c.plan, engine);
  const auto run = [&] {
    if (!prompts) return serving::closed_loop(model, engine, memory, c.load);
    const auto& plan = c.disaggregation->prefill_plan;
    const auto link = c.accelerator->nic_bandwidth ? c.accelerator->nic_bandwidth->value : 50 * giga * byte / second;
    return serving::disaggregated_loop(*prompts, model, engine, memory,
                                       {c.disaggregation->n_prefill, c.disaggregation->n_decode, link * static_cast<double>(plan.n_accelerators())},
                                       c.model->kv_cache_per_token(plan.kv_format), c.load);
  };
  const auto out = run();
  if (!out.infeasible.empty()) return {.infeasible = out.infeasible};
  ServingPrediction p;
  const BackendProfile& backend = engine.backend;
  p.ttft_s = (out.time_to_first_token + backend.request_overhead + backend.first_token_steps * out.step_time).in(second);
  p.tpot_s = out.time_per_output_token.in(second);
  p.tokens_per_s = out.output_rate.in(token / second);
  p.joule_per_token = out.energy_per_output_token.in(joule);
  return p;
}

/// Tokens a second of a closed loop follow from what every request takes.
std::optional<double> measured_rate(const ServingCase& c) {
  if (c.tokens_per_s) return c.tokens_per_s;
  if (!c.ttft_s || !c.tpot_s) return std::nullopt;
  const double n = static_cast<double>(c.load.output_tokens) * (1 - c.load.spread / 2);
  return static_cast<double>(c.load.concurrency) * n / (*c.ttft_s + (n - 1) * *c.tpot_s);
}

double predicted_rate(const ServingCase& c, const ServingPrediction& p) {
  if (c.tokens_per_s) return p.tokens_per_s;
  const double n = static_cast<double>(c.load.output_tokens) * (1 - c.load.spread / 2);
  return static_cast<double>(c.load.concurrency) * n / (p.ttft_s + (n - 1) * p.tpot_s);
}

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

BackendProfile shipped_profile(const ServingCase& c) {
  const auto* known = serving::find_backend(c.backend);
  return known ? *known : BackendProfile{};
}

std::vector<ServingPrediction> predict(const std::vector<ServingCase>& cases, const catalog::Catalog& catalog, const ProfileOf& profile_of) {
  std::map<std::string, std::vector<std::size_t>> by_configuration;
  for (std::size_t i = 0; i < cases.size(); ++i) by_configuration[cases[i].accelerator->id + '\n' + cases[i].configuration].push_back(i);
  std::vector<ServingPrediction> predictions(cases.size());
  std::map<std::string, cost::OperatorModel> operators;
  for (const auto& [name, members] : by_configuration) {
    const ServingCase& first = cases[members.front()];
    const auto& accelerator = *first.accelerator;
    const auto& model = operators.try_emplace(accelerator.id, accelerator, catalog).first->second;
    const auto network =
        network::network_of(accelerator, catalog.system_of(accelerator.id), nullptr, first.plan.n_accelerators(), catalog);
    if (!network) {
      for (const auto i : members) predictions[i].infeasible = "nothing is known of the network between the accelerators";
      continue;
    }
    const BackendProfile profile = profile_of(first);
    serving::IterationModel iterations(*first.model, model, first.plan, *network, engine_of(first, profile));
    std::optional<serving::IterationModel> prompts;
    if (first.disaggregation) prompts.emplace(*first.model, model, first.disaggregation->prefill_plan, *network, engine_of(first, profile));
    for (const auto i : members) predictions[i] = prediction(cases[i], iterations, prompts ? &*prompts : nullptr, engine_of(cases[i], profile));
  }
  return predictions;
}

ServingReport validate_serving(const ServingCases& cases, const catalog::Catalog& catalog, const ProfileOf& profile_of) {
  ServingReport report;
  report.skipped = cases.skipped;
  const auto predictions = predict(cases.cases, catalog, profile_of);
  Errors all;
  std::map<std::string, Errors> by_group;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const ServingCase& c = cases.cases[i];
    if (!predictions[i].infeasible.empty()) {
      report.skipped.push_back({c.id, predictions[i].infeasible});
      continue;
    }
    add_errors(all, c, predictions[i]);
    for (const auto& group : {std::string(c.disaggregation ? "mode disaggregated" : "mode aggregated"), "model " + c.model->id, "gpu " + c.accelerator->id, "backend " + (c.is_known_backend ? c.backend : "default")})
      add_errors(by_group[group], c, predictions[i]);
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
  io::Value::Object by_group;
  for (const auto& [group, errors] : groups) by_group.push_back({group, json_of(errors)});
  return io::Value::Object{{"set", "serving"},
                           {"n_cases", static_cast<std::int64_t>(n_cases)},
                           {"n_skipped", static_cast<std::int64_t>(skipped.size())},
                           {"n_default_backend", static_cast<std::int64_t>(n_default_backend)},
                           {"skipped", std::move(left_out)},
                           {"metrics", json_of(metrics)},
                           {"groups", std::move(by_group)}};
}

std::string ServingReport::text() const {
  std::string out = fmt::format("serving: {} cases, {} skipped\n\n{:<34} {:>16} {:>5} {:>8} {:>8} {:>8} {:>8}\n", n_cases, skipped.size(),
                                "group", "metric", "n", "median", "mean", "p90", "bias");
  const auto add = [&](const std::string& group, const std::map<std::string, PercentErrors>& errors) {
    for (const auto& [metric, e] : errors)
      out += fmt::format("{:<34} {:>16} {:>5} {:>7.1f}% {:>7.1f}% {:>7.1f}% {:>+7.1f}%\n", group, metric, e.n, e.median, e.mean, e.p90, e.bias);
  };
  add("all", metrics);
  for (const auto& [group, errors] : groups) add(group, errors);
  if (n_default_backend > 0) out += fmt::format("\n{} cases are of backends without a profile: the default was taken\n", n_default_backend);
  std::map<std::string, std::size_t> reasons;
  for (const auto& s : skipped) ++reasons[s.reason];
  if (!reasons.empty()) out += "\nskipped:\n";
  for (const auto& [reason, n] : reasons) out += fmt::format("  {:>4}  {}\n", n, reason);
  return out;
}

std::string ServingReport::points() const {
  std::string out = "id,backend,model,accelerator,configuration,concurrency,isl,osl,measured_ttft_s,ttft_s,measured_tpot_s,tpot_s,tokens_per_s,joule_per_token\n";
  for (const auto& [c, p] : rows)
    out += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", c->id, c->backend, c->model->id, c->accelerator->id, c->configuration,
                       c->load.concurrency, c->load.input_tokens, c->load.output_tokens, c->ttft_s.value_or(0), p.ttft_s, c->tpot_s.value_or(0),
                       p.tpot_s, p.tokens_per_s, p.joule_per_token);
  return out;
}

}  // namespace waferwatt::validation
