// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/serving_scenario.hpp"

#include <fmt/format.h>

#include "request_rows.hpp"
#include "serving_result.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"
#include "waferwatt/scenario/own_parts.hpp"

namespace waferwatt::scenario {
namespace {

serving::ReplicaGroup group_of(const ServingReplicas& replicas, const catalog::LanguageModel& model,
                               const catalog::Catalog& catalog) {
  Diagnostics diagnostics;
  serving::ReplicaGroup group;
  group.accelerator = replicas.accelerator->resolve(catalog.accelerators, diagnostics);
  diagnostics.throw_if_any();
  group.system = catalog.system_of(group.accelerator->id);
  group.plan.tensor_parallel = replicas.tensor_parallel;
  group.plan.data_parallel = replicas.data_parallel;
  group.plan.pipeline_parallel = replicas.pipeline_parallel;
  group.plan.expert_parallel = replicas.expert_parallel;
  group.plan.redundant_experts = replicas.redundant_experts;
  group.plan.two_batch_overlap = replicas.two_batch_overlap;
  serving::set_checkpoint_formats(group.plan, model, *group.accelerator, replicas.weight_format.value_or(model.weight_format),
                                 replicas.weight_scales == WeightScales::block ? cost::Recipe::block : cost::Recipe::plain);
  group.plan.kv_format = replicas.kv_format;
  group.engine = replicas.engine;
  if (const auto* backend = replicas.backend ? serving::find_backend(*replicas.backend) : nullptr) {
    group.engine.backend = *backend;
    group.engine.host_overhead = backend->step_overhead;
  }
  group.n_replicas = replicas.n_replicas;
  group.role = replicas.role;
  return group;
}

/// Hands each request to all: the figures, the rows, the file.
class Sinks final : public serving::RequestSink {
 public:
  explicit Sinks(const ServingScenario& scenario) : meter(scenario.service_level) {
    if (scenario.requests_file) file.emplace(*scenario.requests_file);
  }
  void take(const serving::RequestRecord& request) override {
    meter.take(request);
    rows.take(request);
    if (file) file->take(request);
  }
  serving::RequestMeter meter;
  RequestRows rows;
  std::optional<RequestFile> file;
};

/// The requests of a stream, counted on their way.
class CountedStream final : public serving::RequestStream {
 public:
  explicit CountedStream(serving::RequestStream& stream) : stream_(stream), statistics(stream.prefix_tokens()) {}
  bool next(serving::Request& request) override {
    if (!stream_.next(request)) return false;
    statistics.take(request);
    return true;
  }
  bool follow_up(const serving::RequestRecord& done, double now_s, serving::Request& request) override {
    return stream_.follow_up(done, now_s, request);
  }
  std::int64_t prefix_tokens() const override { return stream_.prefix_tokens(); }

 private:
  serving::RequestStream& stream_;

 public:
  traces::Statistics statistics;
};

}  // namespace

serving::Deployment deployment_of(const ServingScenario& scenario, const catalog::Catalog& catalog) {
  Diagnostics diagnostics;
  serving::Deployment deployment;
  deployment.model = scenario.model.resolve(catalog.language_models, diagnostics);
  diagnostics.throw_if_any();
  deployment.groups.clear();
  if (scenario.groups.empty()) deployment.groups.push_back(group_of(scenario, *deployment.model, catalog));
  for (const ServingReplicas& group : scenario.groups)
    deployment.groups.push_back(group_of(group, *deployment.model, catalog));
  deployment.router = scenario.router;
  deployment.service_level = scenario.service_level;
  deployment.admission = scenario.admission;
  deployment.autoscaling = scenario.autoscaling;
  deployment.failures = scenario.failures;
  deployment.transfer_bandwidth = scenario.transfer_bandwidth;
  return deployment;
}

serving::Rates rates_of(const ServingScenario& scenario, const catalog::Catalog& catalog) {
  Diagnostics diagnostics;
  const catalog::Grid* grid = scenario.grid.resolve(catalog.grids, diagnostics);
  diagnostics.throw_if_any();
  serving::Rates rates{.pue = scenario.pue, .carbon_intensity = grid->carbon_intensity->at(scenario.date)};
  std::size_t n_priced = 0;
  const auto add = [&](const ServingReplicas& group) {
    const auto price = group.accelerator_hour_price ? group.accelerator_hour_price : scenario.accelerator_hour_price;
    rates.accelerator_prices.push_back(price.value_or(MoneyRate{}));
    n_priced += price.has_value();
  };
  if (scenario.groups.empty()) add(scenario);
  for (const ServingReplicas& group : scenario.groups) add(group);
  if (n_priced < rates.accelerator_prices.size()) rates.accelerator_prices.clear();
  return rates;
}

Result run(const ServingScenario& scenario, const catalog::Catalog& catalog, const RunContext& context) {
  engine::SimgridLoop loop;
  return run(scenario, catalog, context, loop);
}

Result run(const ServingScenario& scenario, const catalog::Catalog& catalog, const RunContext& context,
           engine::EventLoop& loop) {
  return run(scenario, catalog, context, loop, OwnParts{});
}

Result run(const ServingScenario& scenario, const catalog::Catalog& catalog, const RunContext& context, engine::EventLoop& loop,
           const OwnParts& own) {
  const serving::Deployment deployment = deployment_of(scenario, catalog);
  const serving::Rates rates = rates_of(scenario, catalog);
  context.progress(0, "serving");
  const RandomStream random(context.seed, "serving");
  std::optional<serving::WorkloadStream> stream;
  if (!own.requests) {
    std::unique_ptr<traces::Source> trace;
    if (scenario.workload.trace) trace = std::make_unique<traces::ReplaySource>(*scenario.workload.trace);
    stream.emplace(scenario.workload, random, std::move(trace));
  }
  CountedStream counted(own.requests ? *own.requests : *stream);
  Sinks sinks(scenario);
  const serving::ServingOutcome outcome = serving::simulate(loop, deployment, counted, catalog, random, sinks, own.router, own.policy);
  Result result;
  if (!outcome.infeasible.empty()) {
    result.infeasible = outcome.infeasible;
    return result;
  }
  if (sinks.file) sinks.file->close();
  const serving::ServingSummary summary = serving::summarise(sinks.meter, outcome, deployment, rates);
  result.headline = headline_of(deployment, summary);
  result.binds = binds_of(summary);
  result.metrics = metrics_of(summary, outcome);
  result.tables = {percentile_table(summary), timeline_table(outcome, deployment), group_table(outcome, deployment),
                   workload_table(counted.statistics)};
  if (sinks.rows.are_complete()) result.tables.push_back(sinks.rows.table());
  result.tables.push_back(iteration_spans(outcome, deployment));
  result.tables.push_back(iteration_counters(outcome, deployment));
  result.ledger = ledger_of(summary);
  context.progress(1, "serving");
  return result;
}

}  // namespace waferwatt::scenario
