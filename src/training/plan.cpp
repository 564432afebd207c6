// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/plan.hpp"

#include <fmt/format.h>

namespace waferwatt::training {
namespace {

/// The divisors of n nearest to x, below and above: "8 or 16".
std::string nearest_divisors(std::int64_t n, std::int64_t x) {
  std::int64_t below = 0, above = 0;
  for (std::int64_t d = 1; d * d <= n; ++d) {
    if (n % d != 0) continue;
    for (const std::int64_t candidate : {d, n / d}) {
      if (candidate <= x && candidate > below) below = candidate;
      if (candidate > x && (above == 0 || candidate < above)) above = candidate;
    }
  }
  if (above == 0) return fmt::format("{}", below);
  return below == 0 ? fmt::format("{}", above) : fmt::format("{} or {}", below, above);
}

/// The multiples of n nearest to x.
std::string nearest_multiples(std::int64_t n, std::int64_t x) {
  const std::int64_t below = x / n * n;
  return below == 0 ? fmt::format("{}", n) : fmt::format("{} or {}", below, below + n);
}

using Field = PlanProblem::Field;

void check_model_split(const Plan& plan, const catalog::LanguageModel& model, std::vector<PlanProblem>& found) {
  const auto& [data, tensor, pipeline, expert] = plan.parallel;
  const std::int64_t heads = model.n_heads.value, layers = model.n_layers.value;
  if (heads % tensor != 0)
    found.push_back(
        {Field::tensor, fmt::format("{} heads cannot be split over {} tensor-parallel ranks; nearest legal: {}", heads,
                                    tensor, nearest_divisors(heads, tensor))});
  if (layers % pipeline != 0)
    found.push_back(
        {Field::pipeline, fmt::format("{} layers cannot be split evenly over {} pipeline stages; nearest legal: {}",
                                      layers, pipeline, nearest_divisors(layers, pipeline))});
  if (expert == 1) return;
  if (!model.moe) {
    found.push_back({Field::expert, fmt::format("{} has no experts; use 1", model.name)});
    return;
  }
  const std::int64_t experts = model.moe->n_routed_experts.value;
  if (experts % expert != 0)
    found.push_back({Field::expert, fmt::format("{} experts cannot be split over {} ranks; nearest legal: {}", experts,
                                                expert, nearest_divisors(experts, expert))});
  if (data % expert != 0)
    found.push_back(
        {Field::expert, fmt::format("expert parallelism {} must divide data parallelism {}; nearest legal: {}", expert,
                                    data, nearest_divisors(data, expert))});
}

}  // namespace

std::vector<PlanProblem> problems(const Plan& plan, const catalog::LanguageModel& model, std::int64_t n_accelerators) {
  std::vector<PlanProblem> found;
  const auto& [data, tensor, pipeline, expert] = plan.parallel;
  if (plan.parallel.n_accelerators() != n_accelerators) {
    const std::int64_t replica = tensor * pipeline;
    const std::string remedy =
        n_accelerators % replica == 0
            ? fmt::format("use data {}", n_accelerators / replica)
            : fmt::format("a replica takes {} accelerators; nearest legal numbers of accelerators: {}", replica,
                          nearest_multiples(replica, n_accelerators));
    found.push_back(
        {Field::data, fmt::format("data {} x tensor {} x pipeline {} = {} accelerators, but there are {}; {}", data,
                                  tensor, pipeline, plan.parallel.n_accelerators(), n_accelerators, remedy)});
  }
  check_model_split(plan, model, found);
  if (const std::int64_t step = data * plan.micro_batch; plan.global_batch % step != 0)
    found.push_back(
        {Field::global_batch,
         fmt::format(
             "{} sequences cannot be split into micro-batches of {} on {} data-parallel ranks; nearest legal: {}",
             plan.global_batch, plan.micro_batch, data, nearest_multiples(step, plan.global_batch))});
  return found;
}

LayerRange stage_layers(const catalog::LanguageModel& model, const Plan& plan, std::int64_t stage) {
  const std::int64_t n = model.n_layers.value, p = plan.parallel.pipeline;
  return {stage * n / p, (stage + 1) * n / p};
}

StageParameters stage_parameters(const catalog::LanguageModel& model, const Plan& plan, std::int64_t stage) {
  const double h = static_cast<double>(model.hidden_size.value), t = static_cast<double>(plan.parallel.tensor);
  StageParameters sum;
  const auto [first, last] = stage_layers(model, plan, stage);
  for (std::int64_t layer = first; layer < last; ++layer) {
    sum.dense += model.attention_parameters() / t + 2 * h;
    double ffn = model.ffn_parameters(layer, false);
    if (model.is_expert_layer(layer)) {
      const double routed = (model.gated_ffn ? 3 : 2) * h *
                            static_cast<double>(model.moe->expert_ffn_size.value * model.moe->n_routed_experts.value);
      sum.experts += routed / (t * static_cast<double>(plan.parallel.expert));
      ffn -= routed;
    }
    sum.dense += ffn / t;
  }
  const double embedding = static_cast<double>(model.vocabulary.value) * h / t;
  const bool is_first = stage == 0, is_last = stage == plan.parallel.pipeline - 1;
  if (is_first) sum.dense += embedding;
  // Tied embeddings on different stages are kept twice.
  if (is_last) sum.dense += h + (model.tied_embeddings && is_first ? 0 : embedding);
  return sum;
}

}  // namespace waferwatt::training
