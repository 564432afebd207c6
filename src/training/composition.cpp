// SPDX-License-Identifier: Apache-2.0
#include "composition.hpp"

namespace waferwatt::training {

Composition composition_of_chunk(const catalog::LanguageModel& model, const Plan& plan, std::int64_t chunk) {
  const LayerRange layers = chunk_layers(model, plan, chunk);
  const std::int64_t n_expert = n_expert_layers(model, layers);
  return {.dense = layers.size() - n_expert,
          .expert = n_expert,
          .embedding = chunk == 0 ? 1 : 0,
          .head = chunk == plan.parallel.pipeline * plan.n_chunks() - 1 ? 1 : 0};
}

Composition composition_of_stage(const catalog::LanguageModel& model, const Plan& plan, std::int64_t stage) {
  Composition sum;
  for (std::int64_t i = 0; i < n_chunks_of_stage(plan); ++i) sum += composition_of_chunk(model, plan, chunk_of_stage(plan, stage, i));
  return sum;
}

PartCounts part_counts(const catalog::LanguageModel& model, const Plan& plan, const Composition& held) {
  const double further = static_cast<double>(held.head * plan.n_prediction_layers);
  return {.dense = static_cast<double>(held.dense) + (model.moe ? 0 : further),
          .expert = static_cast<double>(held.expert) + (model.moe ? further : 0),
          .embedding = static_cast<double>(held.embedding),
          .head = static_cast<double>(held.head) + further};
}

StageParameters parameters_of(const catalog::LanguageModel& model, const Plan& plan, const Composition& held) {
  const double h = static_cast<double>(model.hidden_size.value), t = static_cast<double>(plan.parallel.tensor);
  const double matrices = model.gated_ffn ? 3 : 2, attention = model.attention_parameters() / t + 2 * h;
  const PartCounts n = part_counts(model, plan, held);
  StageParameters sum;
  sum.dense = (n.dense + n.expert) * attention + n.dense * matrices * h * static_cast<double>(model.ffn_size.value) / t;
  if (model.moe) {
    const auto& moe = *model.moe;
    const double expert = matrices * h * static_cast<double>(moe.expert_ffn_size.value);
    const double expert_ranks = static_cast<double>(plan.parallel.expert_slices() * plan.parallel.expert);
    sum.experts = n.expert * expert * static_cast<double>(moe.n_routed_experts.value) / expert_ranks;
    // The router and shared experts.
    sum.dense += n.expert * (expert * static_cast<double>(moe.n_shared_experts.value) + h * static_cast<double>(moe.n_routed_experts.value)) / t;
  }
  // Tied embeddings on different stages are kept twice.
  const bool is_shared = model.tied_embeddings && held.embedding > 0 && held.head > 0;
  const std::int64_t n_embeddings = held.embedding + held.head - (is_shared ? 1 : 0);
  sum.dense += static_cast<double>(n_embeddings) * static_cast<double>(model.vocabulary.value) * h / t;
  sum.dense += static_cast<double>(held.head) * h;  // the last norm
  // Further tokens: the hidden state joined with the next token's embedding.
  sum.dense += (n.head - static_cast<double>(held.head)) * 2 * h * h / t;
  return sum;
}

StageParameters stage_parameters(const catalog::LanguageModel& model, const Plan& plan, std::int64_t stage) {
  return parameters_of(model, plan, composition_of_stage(model, plan, stage));
}

}  // namespace waferwatt::training
