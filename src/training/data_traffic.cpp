// SPDX-License-Identifier: Apache-2.0
#include "data_traffic.hpp"

#include <algorithm>

#include "waferwatt/training/memory.hpp"

namespace waferwatt::training {
namespace {

/// Collectives over the ranks that hold the same parameters.
struct Replicas {
  std::int64_t n_ranks, stride;
};

Replicas dense_replicas(const Parallelism& p) { return {p.n_replicas(), p.tensor}; }
Replicas expert_replicas(const Parallelism& p) { return {p.n_expert_replicas(), p.expert_slices() * p.expert}; }

/// Each rank's part of the gradients, summed with those of the same place in the other partition groups.
Time between_groups(const network::TwoLevelNetwork& net, Replicas r, std::int64_t inside, DataSize gradients) {
  const std::int64_t copies = r.n_ranks / inside;
  return copies > 1 ? net.all_reduce_time(net.group(copies, r.stride * inside), gradients / static_cast<double>(inside)) : Time{};
}

}  // namespace

DataTraffic data_traffic(const catalog::LanguageModel& model, const StageParameters& parameters, const Plan& plan,
                         const Machine& machine, std::int64_t stage) {
  const auto& net = machine.network;
  const DataSize gradient = machine.software.gradient_bytes * byte, weight = 2 * byte;
  DataTraffic sum;
  const auto add = [&](double n, Replicas r) {
    if (n <= 0 || r.n_ranks <= 1) return;
    const auto all = net.group(r.n_ranks, r.stride);
    if (plan.zero_stage == 0) {
      sum.gradients += net.all_reduce_time(all, n * gradient);
      return;
    }
    const std::int64_t inside = std::min(r.n_ranks, plan.partition_group > 0 ? plan.partition_group : r.n_ranks);
    const auto group = net.group(inside, r.stride);
    if (plan.zero_stage < 2) sum.gradients += net.reduce_scatter_time(group, n * gradient);
    if (plan.zero_stage < 3) sum.weights += net.all_gather_time(group, n * weight);
    if (plan.group_reduction == GroupReduction::iteration) sum.gradients += between_groups(net, r, inside, n * gradient);
  };
  add(parameters.dense, dense_replicas(plan.parallel));
  add(parameters.experts, expert_replicas(plan.parallel));
  sum.gradients *= machine.contention.data, sum.weights *= machine.contention.data;
  const auto& p = plan.parallel;
  if (model.tied_embeddings && p.pipeline > 1 && plan.n_chunks() == 1 && (stage == 0 || stage == p.pipeline - 1)) {
    const DataSize embedding = static_cast<double>(model.vocabulary.value * model.hidden_size.value / p.tensor) * gradient;
    sum.embeddings = net.all_reduce_time(net.group(2, p.n_accelerators() / p.pipeline), embedding);
  }
  return sum;
}

PassTraffic pass_traffic(const StageParameters& parameters, const Plan& plan, const Machine& machine) {
  PassTraffic sum;
  if (plan.zero_stage < 2) return sum;
  const auto& net = machine.network;
  const auto add = [&](double n, Replicas r) {
    if (n <= 0 || r.n_ranks <= 1) return;
    const std::int64_t inside = std::min(r.n_ranks, plan.n_partitions());
    const DataSize gradients = n * machine.software.gradient_bytes * byte;
    if (plan.group_reduction == GroupReduction::micro_batch) sum.backward += between_groups(net, r, inside, gradients);
    if (inside <= 1) return;
    const auto group = net.group(inside, r.stride);
    const Time gather = plan.zero_stage < 3 ? Time{} : net.all_gather_time(group, n * 2 * byte);
    sum.forward += gather;
    sum.backward += gather + net.reduce_scatter_time(group, gradients);
  };
  add(parameters.dense, dense_replicas(plan.parallel));
  add(parameters.experts, expert_replicas(plan.parallel));
  sum.forward *= machine.contention.data, sum.backward *= machine.contention.data;
  return sum;
}

namespace {

/// Of what ZeRO spreads, the parameters of one rank; of experts there are fewer copies to spread over.
double spread_parameters(const StageParameters& parameters, const Plan& plan) {
  const double group = static_cast<double>(plan.n_partitions());
  const double expert_group =
      plan.zero_stage == 0 ? 1 : std::min(group, std::max(1.0, static_cast<double>(plan.parallel.n_expert_replicas())));
  return parameters.dense / group + parameters.experts / expert_group;
}

}  // namespace

HostTraffic host_traffic(const catalog::LanguageModel& model, const Composition& holds, const StageParameters& parameters, const Plan& plan) {
  DataSize weights, activations;
  if (plan.offload_weights)
    weights = (plan.zero_stage < 3 ? parameters.dense + parameters.experts : spread_parameters(parameters, plan)) * 2 * byte;
  if (plan.offload_activations)
    activations = static_cast<double>(holds.dense) * layer_activations(model, plan, false, plan.recompute) +
                  static_cast<double>(holds.expert) * layer_activations(model, plan, true, plan.recompute);
  return {std::max(weights, activations) / plan.host_bandwidth, (weights + activations) / plan.host_bandwidth};
}

/// Adam reads gradient (4), weight, and two moments (12) and writes them and the bf16 weight (12 + 2).
/// Offloaded, gradients and weights pass over the host's link and the host does the work at its memory's pace. Where only
/// weights are offloaded, gradients come from the host while new weights go back.
Time optimizer_time(const StageParameters& parameters, const Plan& plan, const cost::OperatorModel& operators) {
  const double n = spread_parameters(parameters, plan);
  if (plan.offload_optimizer) return n * 30 * byte / plan.host_bandwidth;
  const Time host = plan.offload_weights ? n * 4 * byte / plan.host_bandwidth : Time{};
  return operators.stream(n * 30 * byte).time + host;
}

}  // namespace waferwatt::training
