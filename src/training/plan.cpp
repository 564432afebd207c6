// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/plan.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace waferwatt::training {
namespace {

/// The divisors of n nearest to x, below and above: "8 or 16".
/// \param legal what a divisor must be besides
template <class Rule>
std::string nearest_divisors(std::int64_t n, std::int64_t x, Rule legal) {
  std::int64_t below = 0, above = 0;
  for (std::int64_t d = 1; d * d <= n; ++d) {
    if (n % d != 0) continue;
    for (const std::int64_t candidate : {d, n / d}) {
      if (!legal(candidate)) continue;
      if (candidate <= x && candidate > below) below = candidate;
      if (candidate > x && (above == 0 || candidate < above)) above = candidate;
    }
  }
  if (above == 0) return fmt::format("{}", below);
  return below == 0 ? fmt::format("{}", above) : fmt::format("{} or {}", below, above);
}

std::string nearest_divisors(std::int64_t n, std::int64_t x) {
  return nearest_divisors(n, x, [](std::int64_t) { return true; });
}

/// The multiples of n nearest to x.
std::string nearest_multiples(std::int64_t n, std::int64_t x) {
  const std::int64_t below = x / n * n;
  return below == 0 ? fmt::format("{}", n) : fmt::format("{} or {}", below, below + n);
}

using Field = PlanProblem::Field;

void check_partition_groups(const Plan& plan, std::vector<PlanProblem>& found) {
  const std::int64_t group = plan.partition_group, n = plan.parallel.n_replicas();
  if (group > 0 && n % group != 0)
    found.push_back({Field::partition_group, fmt::format("groups of {} ranks cannot be made of {} data-parallel ranks; nearest legal: {}",
                                                         group, n, nearest_divisors(n, group))});
  else if (const auto replicas = plan.parallel.layout(network::GroupKind::data); group > 0 && !replicas.parts_alike(group))
    found.push_back({Field::partition_group,
                     fmt::format("{} data-parallel ranks lie in runs of {} under this placement, so that groups of {} would not lie alike; "
                                 "nearest legal: {}",
                                 n, replicas.spans().front().n_ranks, group,
                                 nearest_divisors(n, group, [&](std::int64_t other) { return replicas.parts_alike(other); }))});
  if (plan.group_reduction == GroupReduction::micro_batch && (group == 0 || plan.zero_stage < 2))
    found.push_back({Field::group_reduction,
                     fmt::format("sums between partition groups after each micro-batch need a partition group, and zero stage 2 or 3; "
                                 "there is {}", group == 0 ? "no group" : fmt::format("stage {}", plan.zero_stage))});
}

void check_model_split(const Plan& plan, const catalog::LanguageModel& model, std::vector<PlanProblem>& found) {
  const auto& [data, tensor, pipeline, expert, context, expert_tensor, placement] = plan.parallel;
  const std::int64_t heads = model.n_heads.value, layers = model.n_layers.value;
  if (heads % tensor != 0)
    found.push_back(
        {Field::tensor, fmt::format("{} heads cannot be split over {} tensor-parallel ranks; nearest legal: {}", heads,
                                    tensor, nearest_divisors(heads, tensor))});
  if (const std::int64_t chunks = plan.n_chunks(); pipeline * chunks > layers + 2)
    found.push_back({plan.schedule == Schedule::interleaved && pipeline <= layers + 2 ? Field::interleave : Field::pipeline,
                     fmt::format("{} layers cannot fill {} stages of {} group{}; at most {} groups, the first and the last then holding "
                                 "the embedding and the head alone: at most {} stages of {}",
                                 layers, pipeline, chunks, chunks > 1 ? "s" : "", layers + 2, (layers + 2) / chunks, chunks)});
  if (plan.schedule == Schedule::dual_pipe && pipeline > 1 && pipeline % 2 != 0)
    found.push_back({Field::pipeline, fmt::format("a DualPipe has pairs of stages, but there are {}; nearest legal: {}", pipeline,
                                                  nearest_multiples(2, pipeline))});
  if (const std::int64_t own = heads / tensor; plan.context_exchange == ContextExchange::all_to_all && heads % tensor == 0 && own % context != 0)
    found.push_back({Field::context, fmt::format("{} heads of a tensor-parallel rank cannot be exchanged over {} context-parallel ranks; nearest "
                                                 "legal: {}", own, context, nearest_divisors(own, context))});
  if (plan.sequence_length % context != 0)
    found.push_back({Field::context, fmt::format("{} tokens cannot be split over {} context-parallel ranks; nearest "
                                                 "legal: {}",
                                                 plan.sequence_length, context,
                                                 nearest_divisors(plan.sequence_length, context))});
  check_partition_groups(plan, found);
  if (expert == 1) return;
  if (!model.moe) {
    found.push_back({Field::expert, fmt::format("{} has no experts; use 1", model.name)});
    return;
  }
  const std::int64_t slices = plan.parallel.expert_slices(), stage = data * context * tensor;
  if (stage % slices != 0) {
    found.push_back({Field::expert, fmt::format("experts in {} slices (expert_tensor) cannot be spread over the {} ranks of a stage; nearest legal: {}",
                                                slices, stage, nearest_divisors(stage, slices))});
    return;
  }
  const std::int64_t experts = model.moe->n_routed_experts.value, ranks = stage / slices;
  const std::string nearest = nearest_divisors(std::gcd(experts, ranks), expert);
  if (experts % expert != 0)
    found.push_back({Field::expert, fmt::format("{} experts cannot be split over {} ranks; nearest legal: {}", experts, expert, nearest)});
  if (ranks % expert != 0)
    found.push_back({Field::expert, fmt::format("expert parallelism {} must divide data parallelism {}; nearest legal: {}", expert, ranks, nearest)});
}

}  // namespace

Bandwidth host_bandwidth(const catalog::Accelerator& accelerator, const catalog::Catalog& catalog) {
  const auto* link = catalog.fabrics.find(accelerator.id + "-host");
  return link ? link->efficiency.value * link->bandwidth.value : kHostBandwidth;
}

std::vector<PlanProblem> problems(const Plan& plan, const catalog::LanguageModel& model, std::int64_t n_accelerators) {
  std::vector<PlanProblem> found;
  const auto& [data, tensor, pipeline, expert, context, expert_tensor, placement] = plan.parallel;
  if (plan.parallel.n_accelerators() != n_accelerators) {
    const std::int64_t replica = tensor * pipeline * context;
    const std::string remedy =
        n_accelerators % replica == 0
            ? fmt::format("use data {}", n_accelerators / replica)
            : fmt::format("a replica takes {} accelerators; nearest legal numbers of accelerators: {}", replica,
                          nearest_multiples(replica, n_accelerators));
    found.push_back(
        {Field::data, fmt::format("data {} x tensor {} x pipeline {}{} = {} accelerators, but there are {}; {}", data,
                                  tensor, pipeline, context > 1 ? fmt::format(" x context {}", context) : "", plan.parallel.n_accelerators(), n_accelerators, remedy)});
  }
  check_model_split(plan, model, found);
  if (const std::int64_t step = data * plan.micro_batch; plan.global_batch % step != 0)
    found.push_back(
        {Field::global_batch,
         fmt::format(
             "{} sequences cannot be split into micro-batches of {} on {} data-parallel ranks; nearest legal: {}",
             plan.global_batch, plan.micro_batch, data, nearest_multiples(step, plan.global_batch))});
  else if (plan.schedule == Schedule::dual_pipe && pipeline > 1 && plan.n_micro_batches() % 2 != 0)
    found.push_back({Field::global_batch,
                     fmt::format("a DualPipe takes half of the micro-batches from each end, but there are {}; nearest legal "
                                 "global batch: {}",
                                 plan.n_micro_batches(), nearest_multiples(2 * step, plan.global_batch))});
  else if (plan.schedule == Schedule::interleaved && plan.interleave > 1 && plan.n_micro_batches() % pipeline != 0)
    found.push_back({Field::global_batch,
                     fmt::format("an interleaved schedule of {} stages takes micro-batches by {}, but there are {}; "
                                 "nearest legal global batch: {}",
                                 pipeline, pipeline, plan.n_micro_batches(),
                                 nearest_multiples(step * pipeline, plan.global_batch))});
  return found;
}

LayerRange chunk_layers(const catalog::LanguageModel& model, const Plan& plan, std::int64_t chunk) {
  const std::int64_t n = model.n_layers.value, chunks = plan.parallel.pipeline * plan.n_chunks();
  const std::int64_t each = (n + chunks - 1) / chunks, missing = each * chunks - n;
  // Chunks that lack a layer: the last, the first, the last but one, the second ...
  const std::int64_t short_at_end = (missing + 1) / 2, short_at_start = missing / 2;
  const auto layers_before = [&](std::int64_t c) {
    return each * c - std::min(c, short_at_start) - std::max<std::int64_t>(0, c - (chunks - short_at_end));
  };
  return {layers_before(chunk), layers_before(chunk + 1)};
}

std::int64_t n_expert_layers(const catalog::LanguageModel& model, LayerRange layers) {
  if (!model.moe) return 0;
  const std::int64_t step = model.moe->layer_step ? model.moe->layer_step->value : 1;
  const auto before = [&](std::int64_t layer) {
    return std::max<std::int64_t>(0, layer - model.moe->n_dense_layers.value) / step;
  };
  return before(layers.last) - before(layers.first);
}

std::int64_t stage_of_chunk(const Plan& plan, std::int64_t chunk) {
  const std::int64_t p = plan.parallel.pipeline;
  return plan.schedule == Schedule::zero_bubble_v && chunk >= p ? 2 * p - 1 - chunk : chunk % p;
}

std::int64_t n_chunks_of_stage(const Plan& plan) {
  // Half of the micro-batches of a DualPipe enter at the other end: each stage holds its mirror's layers too.
  return plan.n_chunks() + (plan.schedule == Schedule::dual_pipe && plan.parallel.pipeline > 1 ? 1 : 0);
}

std::int64_t chunk_of_stage(const Plan& plan, std::int64_t stage, std::int64_t i) {
  const std::int64_t p = plan.parallel.pipeline;
  if (i == plan.n_chunks()) return p - 1 - stage;
  return plan.schedule == Schedule::zero_bubble_v && i == 1 ? 2 * p - 1 - stage : i * p + stage;
}

}  // namespace waferwatt::training
