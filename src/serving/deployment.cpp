// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/deployment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace waferwatt::serving {
namespace {

double gigabytes(DataSize size) { return size.in(giga * byte); }

/// Hidden states, the feed-forward intermediate and fp32 logits of the largest iteration.
DataSize activation_bytes(const catalog::LanguageModel& model, const ReplicaPlan& plan, const EngineSettings& engine) {
  const double tokens = static_cast<double>(engine.max_batched_tokens),
               sequences = static_cast<double>(engine.max_sequences);
  const double split = static_cast<double>(plan.tensor_parallel);
  const double hidden = 4 * static_cast<double>(model.hidden_size.value);
  const double intermediate = 3 * static_cast<double>(model.ffn_size.value) / split;
  return 2 * byte * (tokens * (hidden + intermediate)) +
         4 * byte * (sequences * static_cast<double>(model.vocabulary.value));
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
                    {.doc = "prompt: grow block by block and preempt when full; whole-request: set aside input and "
                            "output at once."})
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

DataSize kv_bytes_per_token(const catalog::LanguageModel& model, const ReplicaPlan& plan) {
  const DataSize whole = model.kv_cache_per_token(plan.kv_format);
  if (model.mla) return whole;
  const double heads = static_cast<double>(model.kv_heads());
  const double held = std::ceil(heads / static_cast<double>(plan.tensor_parallel));
  return whole * (held / heads);
}

MemoryPlan memory_plan(const catalog::LanguageModel& model, const catalog::Accelerator& accelerator,
                       const ReplicaPlan& plan, const EngineSettings& engine) {
  const double split = static_cast<double>(plan.tensor_parallel);
  MemoryPlan memory;
  memory.capacity = *accelerator.memory_capacity;
  memory.usable = memory.capacity * engine.memory_utilisation;
  memory.weights = model.total_parameters.value * catalog::size_of(plan.weight_format) / split;
  memory.activations = activation_bytes(model, plan, engine);
  memory.kv_space = memory.usable - memory.weights - memory.activations;
  memory.kv_per_token = kv_bytes_per_token(model, plan);
  const double blocks = memory.kv_space / (memory.kv_per_token * static_cast<double>(engine.kv_block_tokens));
  memory.n_kv_blocks = std::max<std::int64_t>(0, static_cast<std::int64_t>(blocks));
  if (memory.n_kv_blocks == 0)
    memory.infeasible = fmt::format(
        "{} in {} needs {:.1f} GB for weights and {:.1f} GB for activations; {} x {:.1f} GB of {} at {:.0f} % "
        "utilisation leave {:.1f} GB",
        model.name, io::enum_text(plan.weight_format), gigabytes(memory.weights) * split,
        gigabytes(memory.activations) * split, plan.tensor_parallel, gigabytes(memory.capacity), accelerator.name,
        100 * engine.memory_utilisation, gigabytes(memory.usable) * split);
  return memory;
}

}  // namespace waferwatt::serving
