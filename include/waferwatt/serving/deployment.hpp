// SPDX-License-Identifier: Apache-2.0
#pragma once
// A model placed on accelerators: how it is split, what memory it leaves, how requests are batched.
#include "waferwatt/catalog/catalog.hpp"

namespace waferwatt::serving {

using catalog::NumberFormat;

/// When KV cache is set aside: for the prompt and then block by block (a full cache preempts,
/// as in vLLM), or for the whole request at once (never preempts, as TensorRT-LLM by default).
enum class KvReservation { prompt, whole_request };

/// How one replica's engine batches.
struct EngineSettings {
  std::int64_t max_batched_tokens = 8192;  ///< token budget of an iteration: decodes first, then prefill chunks
  std::int64_t max_sequences = 256;
  std::int64_t kv_block_tokens = 16;
  double kv_watermark = 0.01;  ///< fraction of blocks kept free when a request is admitted
  KvReservation kv_reservation = KvReservation::prompt;
  double memory_utilisation = 0.9;  ///< fraction of accelerator memory the engine may use
  /// Scheduling, input preparation, sampling and detokenising that the accelerator waits for.
  /// 0.5 ms is a guess for engines that overlap most of it; eager Python engines need several ms.
  Time host_overhead = 0.5 * milli * second;
  /// Inputs of narrow GEMMs are quantised by the kernel before them (static scales), so that launching
  /// them costs what bf16 GEMMs cost; false: by a kernel of its own, as the calibrations measured them.
  bool fused_quantisation = true;

  static const io::Record<EngineSettings>& record();
};

/// One replica: a model split over accelerators by tensor parallelism.
struct ReplicaPlan {
  std::int64_t tensor_parallel = 1;
  bool expert_parallel = true;  ///< whole experts per accelerator; false: a slice of every expert
  NumberFormat weight_format = NumberFormat::bf16;
  NumberFormat kv_format = NumberFormat::bf16;
};

/// The narrowest format the accelerator computes in that is no narrower than `wanted`.
NumberFormat runnable_format(const catalog::Accelerator& accelerator, NumberFormat wanted);

/// Where the memory of one accelerator goes.
struct MemoryPlan {
  DataSize capacity, usable, weights, activations, kv_space;  ///< of one accelerator
  DataSize kv_per_token;                                      ///< of one accelerator
  std::int64_t n_kv_blocks = 0;
  std::string infeasible;  ///< the reason with its numbers; empty when weights and one block fit
};

MemoryPlan memory_plan(const catalog::LanguageModel& model, const catalog::Accelerator& accelerator,
                       const ReplicaPlan& plan, const EngineSettings& engine);

/// KV cache of one token on one accelerator: heads are split as far as there are heads; latent
/// vectors are kept whole everywhere.
DataSize kv_bytes_per_token(const catalog::LanguageModel& model, const ReplicaPlan& plan);

}  // namespace waferwatt::serving

namespace waferwatt::io {
template <>
struct EnumTexts<serving::KvReservation> {
  static constexpr std::array values{std::pair{serving::KvReservation::prompt, "prompt"},
                                     std::pair{serving::KvReservation::whole_request, "whole-request"}};
};
}  // namespace waferwatt::io
