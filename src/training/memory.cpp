// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "composition.hpp"
#include "waferwatt/training/memory.hpp"

namespace waferwatt::training {
namespace {

constexpr DataSize kWeightBytes = 2 * byte;
/// Reserved over allocated memory, on 43 runs of Megatron-Core on B200 1.026 to 1.069.
constexpr double kFragments = 0.04;
/// Context, cuBLAS and cuDNN of a process, and the buffers of one communicator of NCCL.
constexpr DataSize kProcess = 0.6 * giga * byte, kCommunicator = 0.25 * giga * byte;

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

double n_tokens(const Plan& plan) {
  return static_cast<double>(plan.micro_batch * plan.sequence_length) / static_cast<double>(plan.parallel.context);
}

/// Groups of ranks that talk to each other: one communicator for each degree above one, and that of all.
double n_communicators(const Plan& plan) {
  const auto& p = plan.parallel;
  double n = 1 + static_cast<double>(plan.engine.n_communicators);
  for (const std::int64_t degree : {p.tensor, p.context, p.pipeline, p.expert, p.n_replicas()}) n += degree > 1 ? 1 : 0;
  return n;
}

/// Of one pass.
DataSize stage_output(const catalog::LanguageModel& model, const Plan& plan) {
  return n_tokens(plan) * as_double(model.hidden_size) / static_cast<double>(plan.sequence_parallel ? plan.parallel.tensor : 1) * 2 * byte;
}

/// Gradients on their way through a layer: of the widest part's inputs and outputs, and of the tokens; or of the scores of
/// unfused attention, before and after the softmax.
DataSize gradients_at_work(const catalog::LanguageModel& model, const Plan& plan, bool expert_layer) {
  const double t = static_cast<double>(plan.parallel.tensor), h = as_double(model.hidden_size);
  double ffn = as_double(model.ffn_size);
  if (expert_layer)
    ffn = as_double(model.moe->expert_ffn_size) * (as_double(model.moe->experts_per_token) + as_double(model.moe->n_shared_experts));
  const double scores = plan.fused_attention ? 0 : 2 * as_double(model.n_heads) * static_cast<double>(plan.sequence_length) / t;
  return n_tokens(plan) * std::max((model.gated_ffn ? 3 : 2) * ffn / t + 2 * h, scores) * 2 * byte;
}

}  // namespace

std::vector<std::pair<std::string, DataSize>> MemoryUse::parts() const {
  return {{"weights", weights},     {"gradients", gradients}, {"optimizer", optimizer}, {"activations", activations},
          {"buffers", buffers},     {"fragments", fragments}, {"runtime", runtime}};
}

namespace {

struct Held {
  DataSize activations;  ///< of one pass through the stage
  DataSize recomputed;   ///< of the layer that is done again
  DataSize at_work;
  StageParameters layer;  ///< of the largest layer
  double n_layers = 0;
  bool has_head = false;
};

Held held_by(const catalog::LanguageModel& model, const Plan& plan, const Composition& stage) {
  Held held{.n_layers = static_cast<double>(stage.n_layers()), .has_head = stage.head > 0};
  for (const bool expert_layer : {false, true}) {
    const double n = static_cast<double>(expert_layer ? stage.expert : stage.dense);
    if (n <= 0) continue;
    held.activations += n * layer_activations(model, plan, expert_layer, plan.recompute);
    held.at_work = std::max(held.at_work, gradients_at_work(model, plan, expert_layer));
    const auto layer = parameters_of(model, plan, expert_layer ? Composition{.expert = 1} : Composition{.dense = 1});
    held.layer = {std::max(held.layer.dense, layer.dense), std::max(held.layer.experts, layer.experts)};
    if (plan.recompute == Recompute::full)
      held.recomputed = std::max(held.recomputed, layer_activations(model, plan, expert_layer, Recompute::none));
  }
  return held;
}

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

namespace {

MemoryUse memory_of(const catalog::LanguageModel& model, const Plan& plan, std::int64_t stage, const Composition& holds) {
  const auto [dense, experts] = parameters_of(model, plan, holds);
  const auto& parallel = plan.parallel;
  MemoryUse use{.stage = stage};
  // Of experts, ZeRO spreads the copies that there are.
  const double group = static_cast<double>(plan.n_partitions());
  const double expert_group = std::min(
      group, plan.zero_stage == 0 ? 1.0 : std::max(1.0, static_cast<double>(parallel.n_expert_replicas())));
  const double whole = dense + experts, spread = dense / group + experts / expert_group;
  use.weights = (plan.zero_stage >= 3 ? spread : whole) * kWeightBytes;
  use.gradients = (plan.zero_stage >= 2 ? spread : whole) * plan.gradient_bytes * byte;
  use.optimizer = (plan.zero_stage >= 1 ? spread : whole) * plan.optimizer_bytes * byte;
  if (plan.offload_optimizer) use.host += std::exchange(use.optimizer, {});
  if (plan.offload_weights) use.host += std::exchange(use.weights, {}) + std::exchange(use.gradients, {});

  const Held held = held_by(model, plan, holds);
  const double passes = passes_in_flight(plan, stage);
  const double kept = plan.offload_activations ? std::min(passes, 2 / std::max(2.0, held.n_layers)) : passes;
  use.activations = kept * held.activations + held.recomputed;
  use.host += (passes - kept) * held.activations;

  const double embedding = as_double(model.vocabulary) * as_double(model.hidden_size) / static_cast<double>(parallel.tensor);
  use.buffers = held.at_work + plan.engine.buckets;
  if (plan.engine.keeps_outputs && parallel.pipeline > 1) use.buffers += passes * stage_output(model, plan);
  // Two layers are gathered or fetched at a time: the one at work and the next. Unless ZeRO scatters them, the gradients of a layer's weights, and
  // of the head's, are kept where they are computed until they are added to the sum; grouped products of experts add theirs
  // themselves.
  if (plan.zero_stage >= 3 || plan.offload_weights)
    use.buffers += 2 * (held.layer.dense + held.layer.experts) * kWeightBytes;
  // Those of a chunk are whole until ZeRO-2 scatters them, after the micro-batches that pass it in a row.
  if (plan.zero_stage == 2 && plan.schedule == Schedule::interleaved && plan.n_chunks() > 1)
    use.buffers += whole / static_cast<double>(plan.n_chunks()) * plan.gradient_bytes * byte;
  if (plan.zero_stage < 3)
    use.buffers += (held.layer.dense + (held.has_head ? embedding : 0)) * kWeightBytes;
  if (held.has_head)
    use.buffers += n_tokens(plan) * as_double(model.vocabulary) / static_cast<double>(parallel.tensor) *
                   (plan.fused_attention ? 4 : 6) * byte;
  use.fragments = kFragments * use.allocated();
  use.runtime = kProcess + n_communicators(plan) * kCommunicator;
  return use;
}

}  // namespace

MemoryUse stage_memory(const catalog::LanguageModel& model, const Plan& plan, std::int64_t stage) {
  return memory_of(model, plan, stage, composition_of_stage(model, plan, stage));
}

MemoryUse peak_memory(const catalog::LanguageModel& model, const Plan& plan) {
  Composition last = composition_of_stage(model, plan, 0);
  double passes = passes_in_flight(plan, 0);
  MemoryUse worst = memory_of(model, plan, 0, last);
  for (std::int64_t stage = 1; stage < plan.parallel.pipeline; ++stage) {
    // A stage that holds the same as the one before, and no more passes, needs no more.
    const Composition holds = composition_of_stage(model, plan, stage);
    const double in_flight = passes_in_flight(plan, stage);
    const bool can_be_worse = holds != last || in_flight > passes;
    last = holds, passes = in_flight;
    if (!can_be_worse) continue;
    if (const MemoryUse use = memory_of(model, plan, stage, holds); use.total() > worst.total()) worst = use;
  }
  return worst;
}

}  // namespace waferwatt::training
