// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "deployment_run.hpp"

namespace waferwatt::serving {
namespace {

/// The models of one group, on the heap: they refer to each other.
struct OwnModels {
  OwnModels(const Deployment& deployment, const ReplicaGroup& group, const network::TwoLevelNetwork& network,
            const catalog::Catalog& catalog)
      : operators(*group.accelerator, catalog),
        iterations(*deployment.model, operators, group.plan, network, group.engine),
        costs(iterations, group.engine.scheduler.draft_tokens, group.engine.scheduler.draft_cost) {}

  cost::OperatorModel operators;
  IterationModel iterations;
  TabulatedCosts costs;
};

std::int64_t context_limit(const Deployment& deployment) {
  return deployment.model && deployment.model->context_length ? deployment.model->context_length->value
                                                              : std::numeric_limits<std::int64_t>::max();
}

/// The link from one replica to another: beyond the scale-up domain where something is known of that.
network::LinkSpec link_between_replicas(const network::TwoLevelNetwork& network) {
  return network.scale_out().bandwidth > Bandwidth{} ? network.scale_out() : network.scale_up();
}

class Keeper final : public RequestSink {
 public:
  explicit Keeper(std::vector<RequestRecord>& requests) : requests_(requests) {}
  void take(const RequestRecord& request) override { requests_.push_back(request); }

 private:
  std::vector<RequestRecord>& requests_;
};

/// \returns nothing, with the reason in the outcome, when the group cannot work
std::unique_ptr<OwnModels> prepare(const Deployment& deployment, const ReplicaGroup& group,
                                   const catalog::Catalog& catalog, std::int64_t prefix_tokens, GroupModel& model,
                                   ServingOutcome& outcome) {
  GroupOutcome& own = outcome.groups.emplace_back();
  outcome.infeasible = unsound_split(*deployment.model, group.plan);
  if (!outcome.infeasible.empty()) return nullptr;
  own.memory = memory_plan(*deployment.model, *group.accelerator, group.plan, group.engine);
  outcome.infeasible = own.memory.infeasible;
  if (!outcome.infeasible.empty()) return nullptr;
  const auto network =
      network::network_of(*group.accelerator, group.system, nullptr, group.plan.n_accelerators(), catalog);
  if (!network) {
    outcome.infeasible = fmt::format("nothing is known of a network that joins {} x {}", group.plan.n_accelerators(),
                                     group.accelerator->name);
    return nullptr;
  }
  auto models = std::make_unique<OwnModels>(deployment, group, *network, catalog);
  own.idle_power_w = models->iterations.idle_power_w();
  own.provenance = models->iterations.provenance();
  const network::LinkSpec link = link_between_replicas(*network);
  model = {.costs = &models->costs,
           .shape = {.engine = engine_of_all_groups(group.engine, group.plan),
                     .n_kv_blocks = own.memory.n_kv_blocks,
                     .context_limit = context_limit(deployment),
                     .n_stages = group.plan.micro_batches(),
                     .prefix_tokens = prefix_tokens,
                     .role = group.role,
                     .kv_block_size = own.memory.kv_per_token * static_cast<double>(group.engine.kv_block_tokens),
                     .n_accelerators = group.plan.n_accelerators(),
                     .n_groups = group.plan.data_parallel},
           .transfer_bandwidth = deployment.transfer_bandwidth.value_or(link.effective_bandwidth()),
           .transfer_latency = link.latency,
           .kv_per_token = deployment.model->kv_cache_per_token(group.plan.kv_format)};
  if (group.role != Role::mixed && model.transfer_bandwidth <= Bandwidth{})
    outcome.infeasible = fmt::format("nothing is known of a network between replicas of {}; give transfer_bandwidth",
                                     group.accelerator->name);
  return models;
}

}  // namespace

EngineSettings engine_of_all_groups(EngineSettings engine, const ReplicaPlan& plan) {
  engine.max_batched_tokens *= plan.data_parallel;
  engine.max_sequences *= plan.data_parallel;
  return engine;
}

std::int64_t Deployment::n_accelerators() const {
  std::int64_t n = 0;
  for (const ReplicaGroup& group : groups) n += group.n_accelerators();
  return n;
}

ServingOutcome simulate(engine::EventLoop& loop, const Deployment& deployment, RequestStream& requests,
                        const catalog::Catalog& catalog, const RandomStream& random, RequestSink& sink) {
  return simulate(loop, deployment, requests, catalog, random, sink, RouterFunction{});
}

ServingOutcome simulate(engine::EventLoop& loop, const Deployment& deployment, RequestStream& requests, const catalog::Catalog& catalog,
                        const RandomStream& random, RequestSink& sink, RouterFunction router, PolicyFunction policy) {
  ServingOutcome outcome;
  std::vector<std::unique_ptr<OwnModels>> models;
  std::vector<GroupModel> groups;
  for (const ReplicaGroup& group : deployment.groups) {
    models.push_back(
        prepare(deployment, group, catalog, requests.prefix_tokens(), groups.emplace_back(), outcome));
    if (!outcome.infeasible.empty()) return outcome;
    groups.back().shape.own_policy = policy;
  }
  DeploymentRun run(loop, deployment, std::move(groups), requests, random, sink, outcome);
  run.ask(std::move(router));
  run.run();
  return outcome;
}

ServingOutcome simulate(engine::EventLoop& loop, const Deployment& deployment, const Workload& workload,
                        const catalog::Catalog& catalog, const RandomStream& random) {
  WorkloadStream stream(workload, random);
  std::vector<RequestRecord> requests;
  Keeper keeper(requests);
  ServingOutcome outcome = simulate(loop, deployment, stream, catalog, random, keeper);
  std::ranges::sort(requests, {}, &RequestRecord::number);
  outcome.requests = std::move(requests);
  return outcome;
}

ServingOutcome simulate(engine::EventLoop& loop, const Deployment& deployment, RequestStream& requests,
                        const std::vector<IterationCosts*>& costs, const std::vector<std::int64_t>& n_kv_blocks,
                        const RandomStream& random, RequestSink& sink, bool step_by_step, const PolicyFunction& policy) {
  ServingOutcome outcome;
  std::vector<GroupModel> groups;
  for (std::size_t i = 0; i < deployment.groups.size(); ++i) {
    const ReplicaGroup& group = deployment.groups[i];
    outcome.groups.emplace_back().memory.n_kv_blocks = n_kv_blocks[i];
    groups.push_back({.costs = costs[i],
                      .shape = {.engine = engine_of_all_groups(group.engine, group.plan),
                                .n_kv_blocks = n_kv_blocks[i],
                                .context_limit = context_limit(deployment),
                                .n_stages = group.plan.micro_batches(),
                                .prefix_tokens = requests.prefix_tokens(),
                                .role = group.role,
                                .n_accelerators = group.plan.n_accelerators(),
                                .n_groups = group.plan.data_parallel,
                                .own_policy = policy},
                      .transfer_bandwidth = deployment.transfer_bandwidth.value_or(100 * giga * byte / second),
                      .transfer_latency = {},
                      .kv_per_token = byte});
  }
  DeploymentRun run(loop, deployment, std::move(groups), requests, random, sink, outcome);
  if (step_by_step) run.step_by_step();
  run.run();
  return outcome;
}

}  // namespace waferwatt::serving
