// SPDX-License-Identifier: Apache-2.0
#pragma once
// Models and plans that the training tests share.
#include "waferwatt/training/step.hpp"

namespace waferwatt::training {

/// A GPT-3 style model: two-matrix feed-forward part of 4h, tied embeddings, 51,200 tokens.
inline catalog::LanguageModel gpt(std::int64_t n_layers, std::int64_t hidden_size, std::int64_t n_heads) {
  catalog::LanguageModel m;
  m.id = "gpt", m.name = "GPT";
  m.n_layers.value = n_layers, m.hidden_size.value = hidden_size, m.n_heads.value = n_heads;
  m.ffn_size.value = 4 * hidden_size, m.vocabulary.value = 51200;
  m.gated_ffn = false, m.tied_embeddings = true;
  return m;
}

/// Megatron-LM as of 2021: full recomputation, no sequence parallelism, unfused attention, no ZeRO.
inline Plan megatron_2021(Parallelism parallel, std::int64_t global_batch, std::int64_t micro_batch,
                          std::int64_t sequence_length) {
  return {.parallel = parallel,
          .global_batch = global_batch,
          .micro_batch = micro_batch,
          .sequence_length = sequence_length,
          .recompute = Recompute::full,
          .zero_stage = 0,
          .sequence_parallel = false,
          .fused_attention = false};
}

/// The shipped catalog, read once.
inline const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

inline Step step_on(const char* accelerator, const char* fabric, const catalog::LanguageModel& model,
                    const Plan& plan) {
  const auto& a = shipped().accelerators.at(accelerator);
  const auto network = network::network_of(a, shipped().system_of(accelerator), &shipped().fabrics.at(fabric),
                                           plan.parallel.n_accelerators(), shipped());
  const cost::OperatorModel operators(a, shipped());
  return step(model, plan, {operators, *network});
}

}  // namespace waferwatt::training
