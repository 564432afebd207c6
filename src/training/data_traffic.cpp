// SPDX-License-Identifier: Apache-2.0
#include "data_traffic.hpp"

#include <algorithm>

#include "waferwatt/training/memory.hpp"

namespace waferwatt::training {
namespace {

/// Each rank's part of the gradients, summed with those of the same place in the other partition groups.
/// \param across a rank of each group
Time between_groups(const network::TwoLevelNetwork& net, const network::Layout& across, std::int64_t inside, DataSize gradients) {
  return across.n_ranks() > 1 ? net.all_reduce_time(net.group(across), gradients / static_cast<double>(inside)) : Time{};
}

}  // namespace

DataTraffic data_traffic(const catalog::LanguageModel& model, const StageParameters& parameters, const Plan& plan,
                         const Machine& machine, std::int64_t stage) {
  const auto& net = machine.network;
  const DataSize gradient = machine.software.gradient_bytes * byte, weight = 2 * byte;
  DataTraffic sum;
  const auto add = [&](double n, network::GroupKind kind) {
    if (n <= 0) return;
    const auto replicas = plan.parallel.layout(kind);
    if (replicas.n_ranks() <= 1) return;
    if (plan.zero_stage == 0) {
      sum.gradients += net.all_reduce_time(net.group(replicas), n * gradient);
      return;
    }
    const std::int64_t inside = std::min(replicas.n_ranks(), plan.partition_group > 0 ? plan.partition_group : replicas.n_ranks());
    const auto [near, across] = replicas.parted(inside);
    const auto group = net.group(near);
    if (plan.zero_stage < 2) sum.gradients += net.reduce_scatter_time(group, n * gradient);
    if (plan.zero_stage < 3) sum.weights += net.all_gather_time(group, n * weight);
    if (plan.group_reduction == GroupReduction::iteration) sum.gradients += between_groups(net, across, inside, n * gradient);
  };
  add(parameters.dense, network::GroupKind::data);
  add(parameters.experts, network::GroupKind::expert_data);
  sum.gradients *= machine.contention.data, sum.weights *= machine.contention.data;
  const auto& p = plan.parallel;
  if (model.tied_embeddings && p.pipeline > 1 && plan.n_chunks() == 1 && (stage == 0 || stage == p.pipeline - 1)) {
    const DataSize embedding = static_cast<double>(model.vocabulary.value * model.hidden_size.value / p.tensor) * gradient;
    // The first and the last stage are in one domain where all are.
    const bool together = !net.group(p.layout(network::GroupKind::pipeline_stages)).spans_domains();
    sum.embeddings = net.all_reduce_time({2, together ? 2 : 1}, embedding);
  }
  return sum;
}

PassTraffic pass_traffic(const StageParameters& parameters, const Plan& plan, const Machine& machine) {
  PassTraffic sum;
  if (plan.zero_stage < 2) return sum;
  const auto& net = machine.network;
  const auto add = [&](double n, network::GroupKind kind) {
    if (n <= 0) return;
    const auto replicas = plan.parallel.layout(kind);
    if (replicas.n_ranks() <= 1) return;
    const std::int64_t inside = std::min(replicas.n_ranks(), plan.n_partitions());
    const auto [near, across] = replicas.parted(inside);
    const DataSize gradients = n * machine.software.gradient_bytes * byte;
    if (plan.group_reduction == GroupReduction::micro_batch) sum.backward += between_groups(net, across, inside, gradients);
    if (inside <= 1) return;
    const auto group = net.group(near);
    const Time gather = plan.zero_stage < 3 ? Time{} : net.all_gather_time(group, n * 2 * byte);
    sum.forward += gather;
    sum.backward += gather + net.reduce_scatter_time(group, gradients);
  };
  add(parameters.dense, network::GroupKind::data);
  add(parameters.experts, network::GroupKind::expert_data);
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
