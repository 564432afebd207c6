// SPDX-License-Identifier: Apache-2.0
#pragma once
// How a model is spread over accelerators, and what it needs of their memory.
#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/network/placement.hpp"

namespace waferwatt::training {

using catalog::NumberFormat;

/// Degrees of parallelism, and where their groups lie on the fabric. Expert parallelism runs inside data, context and
/// tensor parallelism: it needs no accelerators of its own, and `expert_tensor` of them share each expert's matrices
/// (0: as many as share the other matrices).
struct Parallelism {
  std::int64_t data = 1, tensor = 1, pipeline = 1, expert = 1;
  std::int64_t context = 1;
  std::int64_t expert_tensor = 0;
  network::Placement placement = {};

  std::int64_t n_accelerators() const { return data * tensor * pipeline * context; }
  /// Ranks that hold the same dense parameters: gradients are reduced over them.
  std::int64_t n_replicas() const { return data * context; }
  std::int64_t expert_slices() const { return expert_tensor > 0 ? expert_tensor : tensor; }
  /// Ranks that hold the same experts.
  std::int64_t n_expert_replicas() const { return data * context * tensor / (expert * expert_slices()); }
  /// As the network knows them: the strides of all groups follow from these.
  network::Degrees degrees() const { return {tensor, context, data, pipeline, expert, expert_slices(), placement}; }
  network::Layout layout(network::GroupKind kind) const { return degrees().layout(kind); }

  friend bool operator==(const Parallelism&, const Parallelism&) = default;
};

/// Order in which the stages of a pipeline work on micro-batches.
enum class Schedule { gpipe, one_forward_one_backward, interleaved, zero_bubble_h1, zero_bubble_v, dual_pipe };

/// How the ranks of a context-parallel group share attention: each keeps its queries and sees the others' keys and
/// values pass by, or exchanges tokens for heads (DeepSpeed-Ulysses).
enum class ContextExchange { ring, all_to_all };

/// What is replayed from a CUDA graph, so that the host need not start its kernels: nothing, all but the experts,
/// the whole iteration.
enum class GraphCapture { none, attention, whole };

/// Shares of each traffic that run beside computation; absent: what the software does.
struct Overlap {
  std::optional<double> tensor, expert, context, data;
};

/// When partition groups, each with a whole copy, sum their gradients: once an iteration (MiCS, Zhang et al. 2022), or
/// after each micro-batch, as PyTorch's HSDP does.
enum class GroupReduction { iteration, micro_batch };

/// What is computed again in the backward pass instead of kept.
enum class Recompute { none, selective, full };

/// Memory of the engine around the model beyond that of Megatron-Core, which has none of these (DeepSpeed has all).
struct EngineMemory {
  DataSize buckets;            ///< through which ZeRO 1 and 2 reduce gradients and gather weights
  bool keeps_outputs = false;  ///< a stage holds the outputs of its passes until their backward passes
  std::int64_t n_communicators = 0;  ///< of its own, beside the model's
};

/// Of copies to and from the host: PCIe 5 x16 at the share of its rate that they reach.
inline constexpr Bandwidth kHostBandwidth = 50 * giga * byte / second;
/// The same of the catalog's fabric "ACCELERATOR-host"; kHostBandwidth where there is none.
Bandwidth host_bandwidth(const catalog::Accelerator&, const catalog::Catalog&);

struct Plan {
  Parallelism parallel;
  std::int64_t global_batch = 1;  ///< sequences in an iteration
  std::int64_t micro_batch = 1;   ///< sequences a stage works on at a time
  std::int64_t sequence_length = 1;
  Recompute recompute = Recompute::selective;
  /// What is spread over the data-parallel ranks: 1 the optimizer state, 2 gradients too, 3 weights too. From 2 on
  /// gradients are scattered after each micro-batch, as no rank has room for the sum of all.
  std::int64_t zero_stage = 1;
  bool sequence_parallel = true;             ///< norms and dropouts are split over the tensor-parallel ranks
  bool fused_attention = true;               ///< FlashAttention and kin: scores never reach memory
  NumberFormat format = NumberFormat::bf16;  ///< of GEMMs; attention and the output head stay in bf16
  Schedule schedule = Schedule::one_forward_one_backward;
  std::int64_t interleave = 1;  ///< groups of layers that a stage of an interleaved schedule holds
  /// Ranks over which ZeRO spreads, each such group holding a whole copy (MiCS, HSDP); 0: all of them.
  std::int64_t partition_group = 0;
  GroupReduction group_reduction = GroupReduction::iteration;
  /// A token crosses to another scale-up domain once for all its experts there (DeepEP), and in 8 bits where
  /// GEMMs run in 8 bits or fewer; false: once for each expert, in 16 bits.
  bool deduplicated_dispatch = false;
  bool overlapped_dispatch = false;  ///< a micro-batch's all-to-alls run beside another's computation
  /// Tokens that an expert takes over its fair share, the rest being dropped; 0: none is dropped.
  double capacity_factor = 0;
  ContextExchange context_exchange = ContextExchange::ring;
  GraphCapture capture = GraphCapture::none;
  Overlap overlap;
  /// Of a parameter's gradient as it is kept: 4 as a sum in fp32, 2 in 16 bits, 6 where both are kept.
  double gradient_bytes = 4;
  EngineMemory engine;
  double optimizer_bytes = 12;  ///< of a parameter: fp32 weight and two moments; 8 with moments in bf16
  bool offload_optimizer = false, offload_activations = false;  ///< to the host's memory
  /// Weights and gradients are in the host's memory: layers are fetched for each pass, gradients sent back (ZeRO-Infinity).
  bool offload_weights = false;
  Bandwidth host_bandwidth = kHostBandwidth;  ///< of one accelerator to its host, each way
  std::int64_t n_prediction_layers = 0;  ///< further layers, each with the head: multi-token prediction

  /// Groups of layers on a stage; two where a micro-batch passes every stage twice.
  std::int64_t n_chunks() const {
    return schedule == Schedule::interleaved ? interleave : schedule == Schedule::zero_bubble_v ? 2 : 1;
  }
  /// Ranks over which the states of dense parameters are spread.
  std::int64_t n_partitions() const {
    return zero_stage == 0 ? 1 : partition_group > 0 ? partition_group : parallel.n_replicas();
  }
  std::int64_t n_micro_batches() const { return global_batch / (micro_batch * parallel.data); }
  double tokens_per_iteration() const { return static_cast<double>(global_batch * sequence_length); }
};

/// A rule that a plan breaks: which field, and what would be legal.
struct PlanProblem {
  enum class Field { data, tensor, pipeline, expert, context, interleave, partition_group, group_reduction, global_batch } field;
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

/// Layers [first, last) of a chunk.
struct LayerRange {
  std::int64_t first = 0, last = 0;
  std::int64_t size() const { return last - first; }
};
std::int64_t n_expert_layers(const catalog::LanguageModel&, LayerRange);
/// Chunks are as equal as can be; the last one, with the head, the first one, with the embedding, and then
/// their neighbours in turn have a layer less where they cannot be equal (as Llama 3 405B does).
LayerRange chunk_layers(const catalog::LanguageModel&, const Plan&, std::int64_t chunk);
/// The stage that holds a chunk: round robin, or down and up again in a V.
std::int64_t stage_of_chunk(const Plan&, std::int64_t chunk);
/// Chunks that a stage holds, and the i-th of them in the order a micro-batch passes them.
std::int64_t n_chunks_of_stage(const Plan&);
std::int64_t chunk_of_stage(const Plan&, std::int64_t stage, std::int64_t i);

}  // namespace waferwatt::training

namespace waferwatt::io {
template <>
struct EnumTexts<training::ContextExchange> {
  static constexpr std::array values{std::pair{training::ContextExchange::ring, "ring"},
                                     std::pair{training::ContextExchange::all_to_all, "all_to_all"}};
};
template <>
struct EnumTexts<training::GroupReduction> {
  static constexpr std::array values{std::pair{training::GroupReduction::iteration, "iteration"},
                                     std::pair{training::GroupReduction::micro_batch, "micro_batch"}};
};
template <>
struct EnumTexts<training::GraphCapture> {
  static constexpr std::array values{std::pair{training::GraphCapture::none, "none"},
                                     std::pair{training::GraphCapture::attention, "attention"},
                                     std::pair{training::GraphCapture::whole, "whole"}};
};
template <>
struct EnumTexts<training::Recompute> {
  static constexpr std::array values{std::pair{training::Recompute::none, "none"},
                                     std::pair{training::Recompute::selective, "selective"},
                                     std::pair{training::Recompute::full, "full"}};
};
template <>
struct EnumTexts<training::Schedule> {
  static constexpr std::array values{std::pair{training::Schedule::gpipe, "gpipe"},
                                     std::pair{training::Schedule::one_forward_one_backward, "1f1b"},
                                     std::pair{training::Schedule::interleaved, "interleaved"},
                                     std::pair{training::Schedule::zero_bubble_h1, "zero_bubble_h1"},
                                     std::pair{training::Schedule::zero_bubble_v, "zero_bubble_v"},
                                     std::pair{training::Schedule::dual_pipe, "dual_pipe"}};
};
}  // namespace waferwatt::io
