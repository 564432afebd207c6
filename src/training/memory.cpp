// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "waferwatt/training/plan.hpp"

namespace waferwatt::training {
namespace {

/// Mixed precision with Adam (Megatron-LM): bf16 weights, fp32 gradients, fp32 weights and two moments.
constexpr DataSize kWeightBytes = 2 * byte, kGradientBytes = 4 * byte, kOptimizerBytes = 12 * byte;
/// CUDA context, NCCL buffers, cuBLAS workspace and the allocator's fragments. A guess; 2 to 6 GB are seen.
constexpr DataSize kReserve = 4 * giga * byte;

double as_double(const catalog::Fact<std::int64_t>& fact) { return static_cast<double>(fact.value); }

/// Bytes per token that every tensor-parallel rank keeps a part of: Q, K, V and the attention's output.
double attention_bytes(const catalog::LanguageModel& model) {
  const double n = as_double(model.n_heads);
  if (model.mla) {
    const auto& a = *model.mla;
    return 2 * n * (2 * (as_double(a.qk_nope_head_dim) + as_double(a.qk_rope_head_dim)) + 2 * as_double(a.v_head_dim));
  }
  return 4 * static_cast<double>(model.head_size()) * (n + static_cast<double>(model.kv_heads()));
}

/// Inputs of the activation and of the last matrix: 4 bytes per unit, 6 when gated.
double ffn_bytes(const catalog::LanguageModel& model, bool expert_layer) {
  const double per_unit = model.gated_ffn ? 6 : 4;
  if (!expert_layer) return per_unit * as_double(model.ffn_size);
  const double k = as_double(model.moe->experts_per_token);
  return per_unit * as_double(model.moe->expert_ffn_size) * (k + as_double(model.moe->n_shared_experts)) +
         2 * k * as_double(model.hidden_size);
}

std::string gigabytes(DataSize size) { return fmt::format("{:.1f} GB", size.in(giga * byte)); }

}  // namespace

DataSize layer_activations(const catalog::LanguageModel& model, const Plan& plan, bool expert_layer,
                           Recompute recompute) {
  const double tokens = static_cast<double>(plan.micro_batch * plan.sequence_length);
  const double h = as_double(model.hidden_size), t = static_cast<double>(plan.parallel.tensor);
  const double undivided = plan.sequence_parallel ? t : 1;
  if (recompute == Recompute::full) return 2 * tokens * h / undivided * byte;
  // Inputs of two norms (4), of attention and feed-forward part (4), two dropout masks (2): 10 h bytes.
  double per_token = 10 * h / undivided + (attention_bytes(model) + ffn_bytes(model, expert_layer)) / t;
  // Scores, softmax and its dropout.
  if (recompute == Recompute::none && !plan.fused_attention)
    per_token += 5 * as_double(model.n_heads) * static_cast<double>(plan.sequence_length) / t;
  return tokens * per_token * byte;
}

MemoryUse stage_memory(const catalog::LanguageModel& model, const Plan& plan, std::int64_t stage) {
  const auto [dense, experts] = stage_parameters(model, plan, stage);
  MemoryUse use{.reserve = kReserve, .stage = stage};
  use.weights = (dense + experts) * kWeightBytes;
  use.gradients = (dense + experts) * kGradientBytes;
  const double data = static_cast<double>(plan.parallel.data), expert = static_cast<double>(plan.parallel.expert);
  use.optimizer = plan.zero_stage >= 1 ? (dense / data + experts / (data / expert)) * kOptimizerBytes
                                       : (dense + experts) * kOptimizerBytes;

  const auto [first, last] = stage_layers(model, plan, stage);
  DataSize layers, working_set;
  for (std::int64_t layer = first; layer < last; ++layer) {
    const bool expert_layer = model.is_expert_layer(layer);
    layers += layer_activations(model, plan, expert_layer, plan.recompute);
    if (plan.recompute == Recompute::full)
      working_set = std::max(working_set, layer_activations(model, plan, expert_layer, Recompute::selective));
  }
  // 1F1B: a stage has at most as many micro-batches in flight as there are stages from it to the end.
  const std::int64_t in_flight = std::min(plan.n_micro_batches(), plan.parallel.pipeline - stage);
  use.activations = static_cast<double>(std::max<std::int64_t>(in_flight, 1)) * layers + working_set;
  if (stage == plan.parallel.pipeline - 1) {
    const double tokens = static_cast<double>(plan.micro_batch * plan.sequence_length);
    use.activations += tokens * as_double(model.vocabulary) / static_cast<double>(plan.parallel.tensor) * 6 *
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
  for (const auto& [what, changed] : tries)
    if (const MemoryUse use = peak_memory(model, changed); use.total() <= capacity)
      return fmt::format("{} it needs {}", what, gigabytes(use.total()));
  return "neither recomputation nor up to 64 times the tensor or pipeline parallelism makes it fit";
}

}  // namespace waferwatt::training
