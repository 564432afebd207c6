// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/serving_scenario.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "waferwatt/engine/simgrid_loop.hpp"

namespace waferwatt::scenario {
namespace {

using serving::Charge;
using serving::kNCharges;

constexpr double kMillisecond = 1e-3;

serving::Deployment deployment_of(const ServingScenario& scenario, const catalog::Catalog& catalog) {
  Diagnostics diagnostics;
  serving::Deployment deployment;
  deployment.model = scenario.model.resolve(catalog.language_models, diagnostics);
  deployment.accelerator = scenario.accelerator.resolve(catalog.accelerators, diagnostics);
  diagnostics.throw_if_any();
  deployment.system = catalog.system_of(deployment.accelerator->id);
  deployment.plan = {.tensor_parallel = scenario.tensor_parallel,
                     .expert_parallel = scenario.expert_parallel,
                     .weight_format = scenario.weight_format.value_or(
                         serving::runnable_format(*deployment.accelerator, deployment.model->weight_format)),
                     .kv_format = scenario.kv_format};
  deployment.engine = scenario.engine;
  deployment.n_replicas = scenario.n_replicas;
  deployment.router = scenario.router;
  return deployment;
}

serving::Rates rates_of(const ServingScenario& scenario, const catalog::Catalog& catalog) {
  Diagnostics diagnostics;
  const catalog::Grid* grid = scenario.grid.resolve(catalog.grids, diagnostics);
  diagnostics.throw_if_any();
  return {.accelerator_price = scenario.accelerator_hour_price,
          .pue = scenario.pue,
          .carbon_intensity = grid->carbon_intensity->at(scenario.date)};
}

std::string headline_of(const serving::Deployment& deployment, const serving::ServingSummary& s) {
  std::string text = fmt::format(
      "{} x {} serve {} at {:.0f} output tokens/s ({:.0f} per accelerator); {:.1f} % of {} requests meet the service "
      "level; TTFT p50 {:.0f} ms, p99 {:.0f} ms; "
      "TPOT p50 {:.1f} ms, p99 {:.1f} ms; {:.2f} J per output token",
      deployment.n_accelerators(), deployment.accelerator->name, deployment.model->name, s.output_tokens_per_s,
      s.output_tokens_per_s_per_accelerator,
      s.n_requests > 0 ? 100 * static_cast<double>(s.n_good) / static_cast<double>(s.n_requests) : 0.0, s.n_requests,
      s.ttft_s.p50 / kMillisecond, s.ttft_s.p99 / kMillisecond, s.tpot_s.p50 / kMillisecond,
      s.tpot_s.p99 / kMillisecond, s.joule_per_output_token);
  if (s.usd_per_million_output_tokens > 0)
    text += fmt::format("; {:.2f} USD per million output tokens", s.usd_per_million_output_tokens);
  return text;
}

struct ComponentTime {
  const char* resource;
  double time_s;
};

std::vector<ComponentTime> iteration_components(const serving::IterationCost& busy) {
  return {{"memory bandwidth", busy.memory_s},
          {"compute", busy.compute_s},
          {"kernel launch", busy.launch_s},
          {"scale-up network", busy.network_s},
          {"host", busy.host_s}};
}

void strongest_first(std::vector<Binding>& binds) {
  std::ranges::stable_sort(binds, std::ranges::greater{}, &Binding::share);
}

std::vector<Binding> binds_of(const serving::ServingSummary& s) {
  std::vector<Binding> requests, iterations;
  for (std::size_t i = 0; i < kNCharges && s.end_to_end_s > 0; ++i) {
    const double share = s.charged_s[i] / s.end_to_end_s;
    const char* name = serving::charge_name(static_cast<Charge>(i));
    if (share > 0)
      requests.push_back(
          {name, "requests", share,
           fmt::format("{:.1f} % of the time from arrival to last token is charged to {}", 100 * share, name)});
  }
  for (const auto& [resource, time_s] : iteration_components(s.busy)) {
    const double share = s.busy.time_s > 0 ? time_s / s.busy.time_s : 0;
    if (share > 0)
      iterations.push_back({resource, "iterations", share,
                            fmt::format("{:.1f} % of iteration time waits for {}", 100 * share, resource)});
  }
  strongest_first(requests);
  strongest_first(iterations);
  requests.insert(requests.end(), iterations.begin(), iterations.end());
  return requests;
}

void add_latency(std::vector<Metric>& metrics, const std::string& name, const serving::Percentiles& p) {
  const std::pair<const char*, double> values[] = {{"p50", p.p50}, {"p90", p.p90}, {"p99", p.p99}, {"mean", p.mean}};
  for (const auto& [statistic, value] : values)
    metrics.push_back({.name = name, .dims = {{"statistic", statistic}}, .value = value, .unit = "s"});
}

std::vector<Metric> metrics_of(const serving::ServingSummary& s) {
  std::vector<Metric> metrics;
  add_latency(metrics, "time_to_first_token", s.ttft_s);
  add_latency(metrics, "time_per_output_token", s.tpot_s);
  add_latency(metrics, "end_to_end_latency", s.e2e_s);
  const auto add = [&](const char* name, double value, const char* unit) {
    metrics.push_back({.name = name, .value = value, .unit = unit});
  };
  add("output_throughput", s.output_tokens_per_s, "token/s");
  add("input_throughput", s.input_tokens_per_s, "token/s");
  add("output_throughput_per_accelerator", s.output_tokens_per_s_per_accelerator, "token/s");
  add("goodput", s.goodput_requests_per_s, "1/s");
  add("requests_completed", static_cast<double>(s.n_completed), "1");
  add("requests_rejected", static_cast<double>(s.n_rejected), "1");
  add("preemptions", static_cast<double>(s.n_preemptions), "1");
  add("kv_occupancy_mean", s.kv_occupancy_mean, "1");
  add("kv_occupancy_peak", s.kv_occupancy_peak, "1");
  add("busy_fraction", s.busy_fraction, "1");
  add("accelerator_energy", s.energy_j, "J");
  add("energy_per_output_token", s.joule_per_output_token, "J/token");
  if (s.usd_per_million_output_tokens > 0) add("cost_per_output_token", s.usd_per_million_output_tokens, "USD/Mtoken");
  add("carbon_per_output_token", s.g_co2e_per_million_output_tokens, "gCO2e/Mtoken");
  add("expected_iteration_time_error", s.error, "1");
  return metrics;
}

Table request_table(const serving::ServingOutcome& outcome) {
  const std::size_t n = outcome.requests.size();
  std::vector<double> arrival(n), ttft(n), tpot(n), e2e(n);
  std::vector<std::int64_t> id(n), replica(n), input(n), output(n), preemptions(n);
  std::vector<std::string> state(n);
  std::array<std::vector<double>, kNCharges> charged;
  for (auto& column : charged) column.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const serving::RequestRecord& request = outcome.requests[i];
    id[i] = static_cast<std::int64_t>(i);
    replica[i] = request.replica;
    input[i] = request.input_tokens;
    output[i] = request.output_tokens;
    preemptions[i] = request.n_preemptions;
    state[i] = request.completed() ? "completed" : "rejected";
    arrival[i] = request.arrival_s;
    if (!request.completed()) continue;
    ttft[i] = request.time_to_first_token_s();
    tpot[i] = request.time_per_output_token_s();
    e2e[i] = request.end_to_end_s();
    for (std::size_t c = 0; c < kNCharges; ++c) charged[c][i] = request.charged_s[c];
  }
  std::vector<std::string> names{"request",       "state",  "replica", "arrival_s", "input_tokens",
                                 "output_tokens", "ttft_s", "tpot_s",  "e2e_s",     "n_preemptions"};
  std::vector<Table::Column> columns{id, state, replica, arrival, input, output, ttft, tpot, e2e, preemptions};
  for (std::size_t c = 0; c < kNCharges; ++c) {
    names.push_back(std::string(serving::charge_name(static_cast<Charge>(c))) + "_s");
    columns.emplace_back(std::move(charged[c]));
  }
  return Table::from_columns("requests", std::move(names), std::move(columns));
}

Table percentile_table(const serving::ServingSummary& s) {
  Table table("percentiles", {{"quantity", Table::Kind::text}, {"p50_s"}, {"p90_s"}, {"p99_s"}, {"mean_s"}});
  const std::pair<const char*, const serving::Percentiles*> rows[] = {
      {"time_to_first_token", &s.ttft_s}, {"time_per_output_token", &s.tpot_s}, {"end_to_end_latency", &s.e2e_s}};
  for (const auto& [name, p] : rows) table.add({std::string{name}, p->p50, p->p90, p->p99, p->mean});
  return table;
}

Table timeline_table(const serving::ServingOutcome& outcome, const serving::Deployment& deployment) {
  Table table("timeline", {{"start_s"},
                           {"length_s"},
                           {"arrivals_per_s"},
                           {"input_tokens_per_s"},
                           {"output_tokens_per_s"},
                           {"sequences_in_batch"},
                           {"requests_waiting"},
                           {"kv_occupancy"},
                           {"busy_fraction"},
                           {"power_w"}});
  const double n_replicas = static_cast<double>(deployment.n_replicas),
               split = static_cast<double>(deployment.plan.tensor_parallel);
  const double blocks = n_replicas * static_cast<double>(outcome.memory.n_kv_blocks);
  for (const serving::LoadInterval& interval : outcome.timeline.intervals()) {
    const double length = interval.length_s;
    const double idle_s = std::max(0.0, n_replicas * length - interval.busy_s);
    table.add({interval.start_s, length, static_cast<double>(interval.n_arrivals) / length,
               static_cast<double>(interval.prefill_tokens) / length,
               static_cast<double>(interval.output_tokens) / length, interval.sequence_seconds / length,
               interval.waiting_seconds / length, interval.kv_block_seconds / (length * blocks),
               interval.busy_s / (length * n_replicas),
               split * (interval.energy_j + idle_s * outcome.idle_power_w) / length});
  }
  return table;
}

Table ledger_of(const serving::ServingSummary& s) {
  Table ledger("ledger", {{"account", Table::Kind::text}, {"charged_to", Table::Kind::text}, {"time_s"}, {"share"}});
  for (std::size_t i = 0; i < kNCharges; ++i)
    ledger.add({std::string{"requests"}, std::string{serving::charge_name(static_cast<Charge>(i))}, s.charged_s[i],
                s.end_to_end_s > 0 ? s.charged_s[i] / s.end_to_end_s : 0.0});
  for (const auto& [resource, time_s] : iteration_components(s.busy))
    ledger.add(
        {std::string{"iterations"}, std::string{resource}, time_s, s.busy.time_s > 0 ? time_s / s.busy.time_s : 0.0});
  return ledger;
}

}  // namespace

const io::Record<ServingScenario>& ServingScenario::record() {
  using S = ServingScenario;
  static const auto record =
      io::Record<S>("serving_scenario", "A language model served by replicas of accelerators.")
          .required("model", &S::model, {.doc = "Language model."})
          .required("accelerator", &S::accelerator, {.doc = "Accelerator."})
          .optional("tensor_parallel", &S::tensor_parallel,
                    {.doc = "Accelerators of one replica.", .at_least = 1, .at_most = 4096})
          .optional("n_replicas", &S::n_replicas,
                    {.doc = "Replicas behind the router.", .at_least = 1, .at_most = 100000})
          .optional("router", &S::router, {.doc = "How requests are spread over replicas."})
          .optional("expert_parallel", &S::expert_parallel,
                    {.doc = "Whole experts per accelerator; false: a slice of every expert."})
          .optional("weight_format", &S::weight_format,
                    {.doc = "Number format of the weights; absent: the model's, or the next wider one the accelerator "
                            "computes in."})
          .optional("kv_format", &S::kv_format, {.doc = "Number format of the KV cache."})
          .optional("engine", &S::engine, {.doc = "Batching and memory of one replica."})
          .required("workload", &S::workload, {.doc = "The requests."})
          .optional("service_level", &S::service_level, {.doc = "Latencies that make a request count as good."})
          .optional("grid", &S::grid, {.doc = "Grid whose carbon intensity counts."})
          .optional("date", &S::date, {.doc = "When the carbon intensity is read."})
          .optional("pue", &S::pue,
                    {.doc = "Facility power over IT power; enters carbon only.", .at_least = 1.0, .at_most = 5.0})
          .optional("accelerator_hour_price", &S::accelerator_hour_price,
                    {.doc = "Price of one accelerator, e.g. \"2.5 USD/h\"; absent: no cost is reported.",
                     .above = 0 * usd / hour,
                     .at_most = 10000 * usd / hour});
  return record;
}

void check(const ServingScenario& scenario, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  scenario.model.resolve(catalog.language_models, diagnostics);
  scenario.grid.resolve(catalog.grids, diagnostics);
  const catalog::Accelerator* accelerator = scenario.accelerator.resolve(catalog.accelerators, diagnostics);
  if (accelerator && scenario.weight_format && !accelerator->peak(*scenario.weight_format))
    diagnostics.add(
        {.path = "/weight_format",
         .message = fmt::format("{} does not compute in {}; leave weight_format out, or use {}", accelerator->name,
                                io::enum_text(*scenario.weight_format),
                                io::enum_text(serving::runnable_format(*accelerator, *scenario.weight_format)))});
}

Result run(const ServingScenario& scenario, const catalog::Catalog& catalog, const RunContext& context) {
  engine::SimgridLoop loop;
  return run(scenario, catalog, context, loop);
}

Result run(const ServingScenario& scenario, const catalog::Catalog& catalog, const RunContext& context,
           engine::EventLoop& loop) {
  const serving::Deployment deployment = deployment_of(scenario, catalog);
  const serving::Rates rates = rates_of(scenario, catalog);
  context.progress(0, "serving");
  const serving::ServingOutcome outcome =
      serving::simulate(loop, deployment, scenario.workload, catalog, RandomStream(context.seed, "serving"));
  Result result;
  if (!outcome.infeasible.empty()) {
    result.infeasible = outcome.infeasible;
    return result;
  }
  const serving::ServingSummary summary = serving::summarise(outcome, deployment, scenario.service_level, rates);
  result.headline = headline_of(deployment, summary);
  result.binds = binds_of(summary);
  result.metrics = metrics_of(summary);
  result.tables = {percentile_table(summary), timeline_table(outcome, deployment), request_table(outcome)};
  result.ledger = ledger_of(summary);
  context.progress(1, "serving");
  return result;
}

}  // namespace waferwatt::scenario
