// SPDX-License-Identifier: Apache-2.0
#pragma once
// How a model is spread over accelerators, and what it needs of their memory.
#include "waferwatt/catalog/catalog.hpp"

namespace waferwatt::training {

using catalog::NumberFormat;

/// Degrees of parallelism. Expert parallelism runs inside data parallelism: it needs no accelerators of
/// its own. Ranks are placed tensor first, then data, then pipeline.
struct Parallelism {
  std::int64_t data = 1, tensor = 1, pipeline = 1, expert = 1;

  std::int64_t n_accelerators() const { return data * tensor * pipeline; }
};

/// What is computed again in the backward pass instead of kept.
enum class Recompute { none, selective, full };

struct Plan {
  Parallelism parallel;
  std::int64_t global_batch = 1;  ///< sequences in an iteration
  std::int64_t micro_batch = 1;   ///< sequences a stage works on at a time
  std::int64_t sequence_length = 1;
  Recompute recompute = Recompute::selective;
  std::int64_t zero_stage = 1;               ///< 1: the optimizer state is spread over the data-parallel ranks
  bool sequence_parallel = true;             ///< norms and dropouts are split over the tensor-parallel ranks
  bool fused_attention = true;               ///< FlashAttention and kin: scores never reach memory
  NumberFormat format = NumberFormat::bf16;  ///< of GEMMs; attention and the output head stay in bf16

  std::int64_t n_micro_batches() const { return global_batch / (micro_batch * parallel.data); }
  double tokens_per_iteration() const { return static_cast<double>(global_batch * sequence_length); }
};

/// A rule that a plan breaks: which field, and what would be legal.
struct PlanProblem {
  enum class Field { data, tensor, pipeline, expert, global_batch } field;
  std::string message;
};

/// Rules of divisibility and of the number of accelerators; empty when the plan can be run.
std::vector<PlanProblem> problems(const Plan&, const catalog::LanguageModel&, std::int64_t n_accelerators);

/// Parameters that one accelerator of a stage holds.
struct StageParameters {
  double dense = 0;    ///< shared by all data-parallel ranks
  double experts = 0;  ///< shared by data / expert ranks
};
StageParameters stage_parameters(const catalog::LanguageModel&, const Plan&, std::int64_t stage);

/// Layers [first, last) of a stage.
struct LayerRange {
  std::int64_t first = 0, last = 0;
};
LayerRange stage_layers(const catalog::LanguageModel&, const Plan&, std::int64_t stage);

/// Memory of one accelerator.
struct MemoryUse {
  DataSize weights;    ///< bf16
  DataSize gradients;  ///< fp32
  DataSize optimizer;  ///< fp32 master weights and two moments
  DataSize activations;
  DataSize reserve;  ///< runtime, communication buffers, fragmentation
  std::int64_t stage = 0;

  DataSize total() const { return weights + gradients + optimizer + activations + reserve; }
};

/// Bytes that one layer keeps for the backward pass of one micro-batch on one accelerator
/// (Korthikanti et al. 2022, arXiv 2205.05198, equations 1 to 6, with the sizes of grouped-query heads,
/// gated feed-forward parts and experts in place of 4h). With two matrices of width 4h and as many
/// key-value heads as heads: none s b h (34 + 5 a s / h) / t, selective 34 s b h / t, full 2 s b h / t.
/// Fused attention keeps no scores, so that none and selective are the same there.
DataSize layer_activations(const catalog::LanguageModel&, const Plan&, bool expert_layer, Recompute);

MemoryUse stage_memory(const catalog::LanguageModel&, const Plan&, std::int64_t stage);

/// The stage that needs most.
MemoryUse peak_memory(const catalog::LanguageModel&, const Plan&);

/// The smallest change that makes the plan fit, such as "with full recomputation it needs 61 GB", or
/// that none of those tried does.
std::string way_to_fit(const catalog::LanguageModel&, const Plan&, DataSize capacity);

}  // namespace waferwatt::training

namespace waferwatt::io {
template <>
struct EnumTexts<training::Recompute> {
  static constexpr std::array values{std::pair{training::Recompute::none, "none"},
                                     std::pair{training::Recompute::selective, "selective"},
                                     std::pair{training::Recompute::full, "full"}};
};
}  // namespace waferwatt::io
