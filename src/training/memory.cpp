// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "waferwatt/training/plan.hpp"

namespace waferwatt::training {
namespace {

/// Mixed precision with Adam (Megatron-LM): bf16 weights, fp32 gradients.
constexpr DataSize kWeightBytes = 2 * byte, kGradientBytes = 4 * byte;
/// CUDA context, NCCL buffers, cuBLAS workspace and the allocator's fragments. A guess; 2 to 6 GB are seen.
constexpr DataSize kReserve = 4 * giga * byte;

double as_double(const catalog::Fact<std::int64_t>& fact) { return static_cast<double>(fact.value); }

/// Bytes per token that every tensor-parallel rank keeps a part of: Q, K, V and the attention's output. When
/// the up-projections of latent attention are done again, the latent vectors and the output.
double attention_bytes(const catalog::LanguageModel& model, bool projected_again) {
  const double n = as_double(model.n_heads);
  if (model.mla) {
    const auto& a = *model.mla;
    const double rope = as_double(a.qk_rope_head_dim), out = n * as_double(a.v_head_dim);
    if (projected_again)
      return 2 * ((a.q_lora_rank ? as_double(*a.q_lora_rank) : 0) + as_double(a.kv_lora_rank) + rope + out);
    return 2 * (2 * n * (as_double(a.qk_nope_head_dim) + rope) + 2 * out);
  }
  return 4 * static_cast<double>(model.head_size()) * (n + static_cast<double>(model.kv_heads()));
}

/// Inputs of the activation and of the last matrix: 4 bytes per unit, 6 when gated and not done again.
double ffn_bytes(const catalog::LanguageModel& model, bool expert_layer, bool activated_again, bool narrow) {
  const double per_unit = !model.gated_ffn ? 4 : !activated_again ? 6 : narrow ? 2 : 4;
  if (!expert_layer) return per_unit * as_double(model.ffn_size);
  const double k = as_double(model.moe->experts_per_token);
  // Rows sent to experts are kept in the width of the GEMMs.
  return per_unit * as_double(model.moe->expert_ffn_size) * (k + as_double(model.moe->n_shared_experts)) +
         (narrow ? 1 : 2) * k * as_double(model.hidden_size);
}

std::string gigabytes(DataSize size) { return fmt::format("{:.1f} GB", size.in(giga * byte)); }

}  // namespace

DataSize layer_activations(const catalog::LanguageModel& model, const Plan& plan, bool expert_layer,
                           Recompute recompute) {
  const double tokens =
      static_cast<double>(plan.micro_batch * plan.sequence_length) / static_cast<double>(plan.parallel.context);
  const double h = as_double(model.hidden_size), t = static_cast<double>(plan.parallel.tensor);
  const double undivided = plan.sequence_parallel ? t : 1;
  if (recompute == Recompute::full) return 2 * tokens * h / undivided * byte;
  const bool again = recompute == Recompute::selective && plan.fused_attention && (model.gated_ffn || model.mla);
  const bool narrow = plan.format == NumberFormat::fp8 || plan.format == NumberFormat::fp4;
  // Inputs of two norms (4), of attention and feed-forward part (4); two dropout masks (2), which models
  // trained with fused attention do without.
  const double per_hidden = again ? 4 : plan.fused_attention ? 8 : 10;  // again: norms too
  double per_token = per_hidden * h / undivided +
                     (attention_bytes(model, again) + ffn_bytes(model, expert_layer, again, narrow)) / t;
  // Scores, softmax and its dropout.
  if (recompute == Recompute::none && !plan.fused_attention)
    per_token += 5 * as_double(model.n_heads) * static_cast<double>(plan.sequence_length) / t;
  return tokens * per_token * byte;
}

double passes_in_flight(const Plan& plan, std::int64_t stage) {
  const double m = static_cast<double>(plan.n_micro_batches()), p = static_cast<double>(plan.parallel.pipeline),
               s = static_cast<double>(stage), v = static_cast<double>(plan.n_chunks());
  switch (plan.schedule) {
    case Schedule::gpipe:
      return m;
    case Schedule::one_forward_one_backward:
      return std::min(m, p - s);
    case Schedule::zero_bubble_h1:
      return std::min(m, p);
    case Schedule::interleaved:
      return std::min(m, v == 1 ? p - s : ((v - 1) * p + 2 * (p - s - 1) + 1) / v);
    case Schedule::zero_bubble_v:
      return std::min(m, p);
    case Schedule::dual_pipe:
      return std::min(m, p + 1) / (p > 1 ? 2 : 1);  // of the stage's two groups of layers
  }
  return m;
}

MemoryUse stage_memory(const catalog::LanguageModel& model, const Plan& plan, std::int64_t stage) {
  const auto [dense, experts] = stage_parameters(model, plan, stage);
  const auto& parallel = plan.parallel;
  MemoryUse use{.reserve = kReserve, .stage = stage};
  // Of experts, ZeRO spreads the copies that there are.
  const double group = static_cast<double>(plan.n_partitions());
  const double expert_group = std::min(
      group, plan.zero_stage == 0 ? 1.0 : std::max(1.0, static_cast<double>(parallel.n_expert_replicas())));
  const double whole = dense + experts, spread = dense / group + experts / expert_group;
  use.weights = (plan.zero_stage >= 3 ? spread : whole) * kWeightBytes;
  use.gradients = (plan.zero_stage >= 2 ? spread : whole) * kGradientBytes;
  if (!plan.offload_optimizer) use.optimizer = (plan.zero_stage >= 1 ? spread : whole) * plan.optimizer_bytes * byte;

  DataSize layers, working_set;
  double n_layers = 0;
  const std::int64_t n_chunks = parallel.pipeline * plan.n_chunks();
  bool has_head = false;
  for (const std::int64_t chunk : chunks_of_stage(plan, stage)) {
    has_head = has_head || chunk == n_chunks - 1;
    const auto [first, last] = chunk_layers(model, plan, chunk);
    for (std::int64_t layer = first; layer < last; ++layer) {
      const bool expert_layer = model.is_expert_layer(layer);
      layers += layer_activations(model, plan, expert_layer, plan.recompute), n_layers += 1;
      if (plan.recompute == Recompute::full)
        working_set = std::max(working_set, layer_activations(model, plan, expert_layer, Recompute::selective));
    }
  }
  // Two layers are gathered at a time: the one at work and the next.
  if (plan.zero_stage >= 3 && n_layers > 0) use.reserve += 2 * whole / n_layers * kWeightBytes;
  use.activations = (plan.offload_activations ? 2 / std::max(2.0, n_layers) : passes_in_flight(plan, stage)) * layers +
                    working_set;
  if (has_head) {
    const double tokens =
        static_cast<double>(plan.micro_batch * plan.sequence_length) / static_cast<double>(parallel.context);
    use.activations += tokens * as_double(model.vocabulary) / static_cast<double>(parallel.tensor) * 6 *
                       byte;  // logits: bf16 and fp32
  }
  return use;
}

MemoryUse peak_memory(const catalog::LanguageModel& model, const Plan& plan) {
  MemoryUse worst = stage_memory(model, plan, 0);
  for (std::int64_t stage = 1; stage < plan.parallel.pipeline; ++stage)
    if (const MemoryUse use = stage_memory(model, plan, stage); use.total() > worst.total()) worst = use;
  return worst;
}

std::string way_to_fit(const catalog::LanguageModel& model, const Plan& plan, DataSize capacity) {
  std::vector<std::pair<std::string, Plan>> tries;
  const auto attempt = [&](std::string what, auto change) {
    Plan changed = plan;
    change(changed);
    tries.emplace_back(std::move(what), changed);
  };
  if (plan.zero_stage == 0) attempt("with zero_stage 1", [](Plan& p) { p.zero_stage = 1; });
  if (plan.micro_batch > 1) attempt("with micro_batch 1", [](Plan& p) { p.micro_batch = 1; });
  if (plan.recompute == Recompute::none && !plan.fused_attention)
    attempt("with recompute selective", [](Plan& p) { p.recompute = Recompute::selective; });
  if (plan.recompute != Recompute::full) attempt("with recompute full", [](Plan& p) { p.recompute = Recompute::full; });
  const auto all_savings = [](Plan& p) { p.zero_stage = 1, p.micro_batch = 1, p.recompute = Recompute::full; };
  attempt("with zero_stage 1, micro_batch 1 and recompute full", all_savings);
  const std::int64_t n = plan.parallel.n_accelerators();
  for (std::int64_t split = 2; split <= 64 && n % split == 0; split *= 2) {
    const auto shard = [&](std::int64_t Parallelism::*degree, const char* name) {
      Plan changed = plan;
      changed.parallel.*degree *= split;
      if (changed.parallel.data % split != 0) return;
      changed.parallel.data /= split;
      if (!problems(changed, model, n).empty()) return;
      attempt(fmt::format("with {} {} and data {}", name, changed.parallel.*degree, changed.parallel.data),
              [&](Plan& p) { p = changed; });
      attempt(fmt::format("with {} {}, data {}, zero_stage 1, micro_batch 1 and recompute full", name,
                          changed.parallel.*degree, changed.parallel.data),
              [&](Plan& p) { p = changed, all_savings(p); });
    };
    shard(&Parallelism::tensor, "tensor");
    shard(&Parallelism::pipeline, "pipeline");
  }
  if (plan.zero_stage < 3) attempt("with zero_stage 3", [](Plan& p) { p.zero_stage = 3; });
  attempt("with zero_stage 3, micro_batch 1, recompute full and the optimizer offloaded", [](Plan& p) {
    p.zero_stage = 3, p.micro_batch = 1, p.recompute = Recompute::full, p.offload_optimizer = true;
  });
  for (const auto& [what, changed] : tries)
    if (const MemoryUse use = peak_memory(model, changed); use.total() <= capacity)
      return fmt::format("{} it needs {}", what, gigabytes(use.total()));
  return "neither recomputation nor up to 64 times the tensor or pipeline parallelism makes it fit";
}

}  // namespace waferwatt::training
