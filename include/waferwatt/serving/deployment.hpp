// SPDX-License-Identifier: Apache-2.0
#pragma once
// A model placed on accelerators: how it is split, what memory it leaves, how requests are batched.
#include <optional>

#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/cost/operators.hpp"
#include "waferwatt/serving/backend_profile.hpp"
#include "waferwatt/serving/scheduler_settings.hpp"

namespace waferwatt::serving {

/// When KV cache is set aside: for the prompt and then block by block (a full cache preempts,
/// as in vLLM), or for the whole request at once (never preempts, as TensorRT-LLM by default), or for
/// each chunk of the prompt and then block by block.
enum class KvReservation { prompt, whole_request, chunk };

/// How one replica's engine batches.
struct EngineSettings {
  std::int64_t max_batched_tokens = 8192;  ///< token budget of an iteration: decodes first, then prefill chunks
  std::int64_t max_sequences = 256;
  std::int64_t kv_block_tokens = 16;
  double kv_watermark = 0.01;  ///< fraction of blocks kept free when a request is admitted
  std::optional<KvReservation> kv_reservation;  ///< absent: as the scheduler's policy has it (reservation_of)
  double memory_utilisation = 0.9;  ///< fraction of accelerator memory the engine may use
  /// Scheduling, input preparation, sampling and detokenising that the accelerator waits for.
  /// 0.5 ms is a guess for engines that overlap most of it; eager Python engines need several ms.
  Time host_overhead = 0.5 * milli * second;
  /// Inputs of narrow GEMMs are quantised by the kernel before them (static scales), so that launching
  /// them costs what bf16 GEMMs cost; false: by a kernel of its own, as the calibrations measured them.
  bool fused_quantisation = true;
  /// How the engine's kernels and host work differ from the calibrated ones; the default's do not.
  BackendProfile backend;
  SchedulerSettings scheduler;
  std::optional<Power> power_cap;  ///< of one accelerator: what draws more runs at a lower clock

  static const io::Record<EngineSettings>& record();
};

/// Weights as kernels read them.
struct WeightFormat {
  NumberFormat format = NumberFormat::bf16;
  cost::Recipe recipe = cost::Recipe::plain;

  double bytes() const { return cost::kKernelFormats[cost::kernel_format(format, recipe)].weight_bytes; }
  friend bool operator==(const WeightFormat&, const WeightFormat&) = default;
};

/// One replica: a model split over accelerators. A stage is tensor_parallel x data_parallel ranks. Attention and
/// dense layers are split tensor_parallel ways, and each of the data_parallel groups has requests of its own;
/// experts are spread over, or cut into slices for, all ranks of the stage.
struct ReplicaPlan {
  std::int64_t tensor_parallel = 1;
  std::int64_t data_parallel = 1;           ///< of attention: groups that meet only at the experts
  std::int64_t pipeline_parallel = 1;       ///< stages of layers
  bool one_micro_batch = false;             ///< passes through the stages alone; false: as many as stages follow each other
  bool expert_parallel = true;              ///< whole experts per accelerator; false: a slice of every expert
  std::int64_t expert_tensor_parallel = 1;  ///< slices of every expert, with expert_parallel
  std::int64_t redundant_experts = 0;       ///< copies of loaded experts in each layer, placed by a load balancer, with expert_parallel
  bool two_batch_overlap = false;  ///< half of a batch computes while the tokens of the other half are exchanged
  NumberFormat weight_format = NumberFormat::bf16;
  NumberFormat kv_format = NumberFormat::bf16;
  cost::Recipe weight_recipe = cost::Recipe::plain;
  std::optional<WeightFormat> attention_weights, expert_weights;  ///< where they differ from weight_format
  cost::Routing routing = {};                                     ///< how tokens choose experts

  std::int64_t n_ranks() const { return tensor_parallel * data_parallel; }
  std::int64_t n_accelerators() const { return n_ranks() * pipeline_parallel; }
  std::int64_t micro_batches() const { return one_micro_batch ? 1 : pipeline_parallel; }
  WeightFormat dense() const { return {weight_format, weight_recipe}; }
  WeightFormat attention() const { return attention_weights.value_or(dense()); }
  WeightFormat experts() const { return expert_weights.value_or(dense()); }
};

/// Gives the plan the formats that checkpoints of that precision have: models released in fp8 keep one scale
/// for 128 numbers; 4-bit mixtures of experts keep attention in bf16, others are 4-bit throughout. Formats that
/// the accelerator does not compute in become weights of that size with wider arithmetic.
/// \param recipe int4_weights: int4 instead of fp4; block: fp8 with a scale for 128 numbers also where the model was not released so
void set_checkpoint_formats(ReplicaPlan& plan, const catalog::LanguageModel& model, const catalog::Accelerator& accelerator,
                            NumberFormat precision, cost::Recipe recipe = cost::Recipe::plain);

/// Why a model cannot be split this way; empty when it can.
std::string unsound_split(const catalog::LanguageModel& model, const ReplicaPlan& plan);

/// The narrowest format the accelerator computes in that is no narrower than `wanted`.
NumberFormat runnable_format(const catalog::Accelerator& accelerator, NumberFormat wanted);

/// Where the memory of one accelerator goes.
struct MemoryPlan {
  DataSize capacity, usable, weights, activations, kv_space;  ///< of one accelerator
  DataSize kv_per_token;                                      ///< of one accelerator
  std::int64_t n_kv_blocks = 0;                               ///< of the replica: every data-parallel group has its own
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
                                     std::pair{serving::KvReservation::whole_request, "whole-request"},
                                     std::pair{serving::KvReservation::chunk, "chunk"}};
};
}  // namespace waferwatt::io
