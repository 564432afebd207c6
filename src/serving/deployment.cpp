// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/deployment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/catalog/usable_memory.hpp"

namespace waferwatt::serving {
namespace {

double gigabytes(DataSize size) { return size.in(giga * byte); }

/// Hidden states, the feed-forward intermediate and fp32 logits of the largest iteration.
DataSize activation_bytes(const catalog::LanguageModel& model, const ReplicaPlan& plan, const EngineSettings& engine) {
  const double tokens = static_cast<double>(engine.max_batched_tokens), sequences = static_cast<double>(engine.max_sequences);
  const double hidden = 4 * static_cast<double>(model.hidden_size.value);
  const double intermediate = 3 * static_cast<double>(model.ffn_size.value) / static_cast<double>(plan.tensor_parallel);
  return 2 * byte * (tokens * (hidden + intermediate)) + 4 * byte * (sequences * static_cast<double>(model.vocabulary.value));
}

/// What runtime and communication library take beside the engine's tensors once it starts, as vLLM's logs say: 0.1 to 0.3 GiB on
/// one GPU (0.16 on H100, github.com/vllm-project/vllm pull request 12126), up to 2.1 GiB where several communicate,
/// of which the middle is taken. Chips without DRAM hold none.
DataSize runtime_bytes(const catalog::Accelerator& accelerator, const ReplicaPlan& plan) {
  constexpr DataSize kGibibyte = 1073741824.0 * byte;
  if (!catalog::has_dram(accelerator)) return {};
  return (plan.n_accelerators() > 1 ? 1.4 : 0.2) * kGibibyte;
}

/// Weights of the fullest accelerator. Embeddings and what is neither attention nor feed-forward are in bf16.
DataSize weight_bytes(const catalog::LanguageModel& model, const ReplicaPlan& plan) {
  const double layers = static_cast<double>(model.n_layers.value), tensor = static_cast<double>(plan.tensor_parallel);
  double experts = 0, dense = 0;
  for (std::int64_t layer = 0; layer < model.n_layers.value; ++layer) {
    const double all = model.ffn_parameters(layer, false);
    const double routed = model.is_expert_layer(layer) ? 3.0 * static_cast<double>(model.hidden_size.value) *
                                                             static_cast<double>(model.moe->expert_ffn_size.value) *
                                                             static_cast<double>(model.moe->n_routed_experts.value)
                                                       : 0;
    experts += std::min(all, routed), dense += all - std::min(all, routed);
  }
  const double linear = model.linear_attention ? layers - static_cast<double>(model.n_full_attention_layers()) : 0;
  const double attention = model.attention_parameters() * (layers - linear) + (linear > 0 ? linear * model.linear_attention_parameters() : 0);
  const double rest = std::max(0.0, model.total_parameters.value - experts - dense - attention);
  if (plan.expert_parallel && model.moe)
    experts *= 1 + static_cast<double>(plan.redundant_experts) / static_cast<double>(model.moe->n_routed_experts.value);
  return (experts * plan.experts().bytes() / static_cast<double>(plan.n_ranks()) +
          (dense * plan.dense().bytes() + attention * plan.attention().bytes() + rest * 2) / tensor) /
         static_cast<double>(plan.pipeline_parallel) * byte;
}

}  // namespace

const io::Record<EngineSettings>& EngineSettings::record() {
  using E = EngineSettings;
  static const auto record =
      io::Record<E>("serving_engine", "How one replica batches requests and pages its KV cache.")
          .optional("max_batched_tokens", &E::max_batched_tokens,
                    {.doc = "Token budget of one iteration; longer prompts are prefilled in chunks.",
                     .at_least = 1,
                     .at_most = 1'000'000})
          .optional("max_sequences", &E::max_sequences,
                    {.doc = "Most requests in a batch.", .at_least = 1, .at_most = 65536})
          .optional("kv_block_tokens", &E::kv_block_tokens,
                    {.doc = "Tokens of one KV cache block.", .at_least = 1, .at_most = 4096})
          .optional(
              "kv_watermark", &E::kv_watermark,
              {.doc = "Fraction of KV blocks kept free when a request is admitted.", .at_least = 0.0, .at_most = 0.5})
          .optional("kv_reservation", &E::kv_reservation,
                    {.doc = "prompt: the prompt, then block by block, preempting when full; chunk: each chunk of a prompt for all "
                            "of which there is room, then block by block; whole-request: input and output at once. Absent: as the "
                            "policy has it, or, where that is absent too, the backend (trtllm: whole-request)."})
          .optional("scheduler", &E::scheduler, {.doc = "What an iteration holds, and what is kept or moved."})
          .optional("memory_utilisation", &E::memory_utilisation,
                    {.doc = "Fraction of accelerator memory the engine may use.", .above = 0.0, .at_most = 1.0})
          .optional("host_overhead", &E::host_overhead,
                    {.doc = "Time per iteration in which the accelerator waits for the host.",
                     .at_least = 0 * second,
                     .at_most = 1 * second})
          .optional(
              "fused_quantisation", &E::fused_quantisation,
              {.doc =
                   "Inputs of fp8 and fp4 GEMMs are quantised by the kernel before them, at no launch of their own."})
          .optional("power_cap", &E::power_cap,
                    {.doc = "Of one accelerator: operators that draw more run at a lower clock.", .above = 0 * watt, .at_most = 1e5 * watt})
          .check([](const E& e, const io::FieldComplaint& complain) {
            if (e.max_batched_tokens < e.max_sequences)
              complain("max_batched_tokens",
                       fmt::format("{} tokens cannot hold one decode token of each of {} sequences",
                                   e.max_batched_tokens, e.max_sequences));
          });
  return record;
}

NumberFormat runnable_format(const catalog::Accelerator& accelerator, NumberFormat wanted) {
  constexpr std::array kNarrowToWide{NumberFormat::fp4, NumberFormat::fp8, NumberFormat::bf16};
  if (accelerator.peak(wanted)) return wanted;
  for (const NumberFormat format : kNarrowToWide)
    if (catalog::size_of(format) >= catalog::size_of(wanted) && accelerator.peak(format)) return format;
  return NumberFormat::bf16;
}

void set_checkpoint_formats(ReplicaPlan& plan, const catalog::LanguageModel& model, const catalog::Accelerator& accelerator,
                            NumberFormat precision, cost::Recipe recipe) {
  const auto runnable = [&](WeightFormat wanted) -> WeightFormat {
    if (accelerator.peak(wanted.format)) return wanted;
    if (wanted.format == NumberFormat::fp4) return {NumberFormat::bf16, cost::Recipe::fp4_weights};
    return {NumberFormat::bf16, cost::Recipe::int8_weights};
  };
  WeightFormat narrow{precision};
  if (precision == NumberFormat::fp8 && (recipe == cost::Recipe::block || model.weight_format == NumberFormat::fp8)) narrow.recipe = cost::Recipe::block;
  if (precision == NumberFormat::fp4 && recipe == cost::Recipe::int4_weights) narrow = {NumberFormat::bf16, cost::Recipe::int4_weights};
  narrow = runnable(narrow);
  plan.weight_format = narrow.format, plan.weight_recipe = narrow.recipe;
  plan.attention_weights.reset(), plan.expert_weights.reset();
  if (precision == NumberFormat::fp4 && model.moe) plan.attention_weights = WeightFormat{};
}

std::string unsound_split(const catalog::LanguageModel& model, const ReplicaPlan& plan) {
  if (model.n_heads.value % plan.tensor_parallel != 0)
    return fmt::format("{} attention heads cannot be split {} ways", model.n_heads.value, plan.tensor_parallel);
  if (model.moe && plan.expert_parallel) {
    if (plan.n_ranks() % plan.expert_tensor_parallel != 0)
      return fmt::format("{} ranks cannot hold {} slices of experts", plan.n_ranks(), plan.expert_tensor_parallel);
    const std::int64_t spread = plan.n_ranks() / plan.expert_tensor_parallel;
    if (const std::int64_t n = model.moe->n_routed_experts.value + plan.redundant_experts; spread > n)
      return fmt::format("{} experts cannot be spread over {} accelerators", n, spread);
  }
  if (plan.pipeline_parallel > model.n_layers.value)
    return fmt::format("{} layers cannot be cut into {} stages", model.n_layers.value, plan.pipeline_parallel);
  return {};
}

DataSize kv_bytes_per_token(const catalog::LanguageModel& model, const ReplicaPlan& plan) {
  const DataSize whole = model.kv_cache_per_token(plan.kv_format) / static_cast<double>(plan.pipeline_parallel);
  if (model.mla) return whole;
  const double heads = static_cast<double>(model.kv_heads());
  const double held = std::ceil(heads / static_cast<double>(plan.tensor_parallel));
  return whole * (held / heads);
}

MemoryPlan memory_plan(const catalog::LanguageModel& model, const catalog::Accelerator& accelerator,
                       const ReplicaPlan& plan, const EngineSettings& engine) {
  const double split = static_cast<double>(plan.n_accelerators());
  MemoryPlan memory;
  memory.capacity = catalog::usable_memory(accelerator);
  memory.usable = memory.capacity * engine.memory_utilisation;
  memory.weights = weight_bytes(model, plan);
  memory.activations = activation_bytes(model, plan, engine);
  const DataSize runtime = runtime_bytes(accelerator, plan);
  memory.kv_space = memory.usable - memory.weights - memory.activations - runtime;
  memory.kv_per_token = kv_bytes_per_token(model, plan);
  const double blocks = memory.kv_space / (memory.kv_per_token * static_cast<double>(engine.kv_block_tokens)) *
                        static_cast<double>(plan.data_parallel);
  memory.n_kv_blocks = std::max<std::int64_t>(0, static_cast<std::int64_t>(blocks));
  if (memory.n_kv_blocks == 0)
    memory.infeasible = fmt::format(
        "{} in {} needs {:.1f} GB for weights, {:.1f} GB for activations and {:.1f} GB for the runtime; {} x {:.1f} GB of {} at {:.0f} % "
        "utilisation leave {:.1f} GB",
        model.name, io::enum_text(plan.weight_format), gigabytes(memory.weights) * split,
        gigabytes(memory.activations) * split, gigabytes(runtime) * split, plan.n_accelerators(), gigabytes(memory.capacity), accelerator.name,
        100 * engine.memory_utilisation, gigabytes(memory.usable) * split);
  return memory;
}

}  // namespace waferwatt::serving
