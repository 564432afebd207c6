// SPDX-License-Identifier: Apache-2.0
#pragma once
// What distinguishes inference engines when the model, the accelerators and the load are the same.
//
// The parameters below `step_overhead` were fitted on half of the measured configurations (docs/models/serving.md);
// those above it follow from the engines' documentation.
#include <string>
#include <string_view>
#include <vector>

#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/cost/gemm_library.hpp"

namespace waferwatt::serving {

using catalog::NumberFormat;

/// A fused kernel of routed experts: t = launch + ((F / (P compute))^2 + (B / (W memory))^2)^(1/2), with F, B, P, W
/// of the format (cost/operators.hpp).
struct ExpertKernel {
  Time launch;
  double compute_efficiency = 1, memory_efficiency = 1;

  friend bool operator==(const ExpertKernel&, const ExpertKernel&) = default;
};

struct BackendProfile {
  std::string name = "default";
  std::string all_reduce = "vllm graph";           ///< library of the measured all-reduces of small messages
  bool exchanges_by_deepep = false;                ///< tokens go to their experts by DeepEP's kernels, not by a library's collectives
  /// Whose grouped products the experts of iterations without prompts are, in fp8 with block scales; absent: as with prompts.
  std::optional<cost::GemmLibrary> decode_experts = {};
  /// Tokens are gathered everywhere and sums reduced, but where NVLink spans nodes and ranks are more than a token's experts.
  bool gathers_tokens = false;
  bool prefill_first = false;                      ///< prompts have iterations of their own, before decoding goes on
  bool gathers_prompts = false;  ///< with data-parallel attention: prompts wait until every group has one
  bool reserves_whole_requests = false;  ///< space in the KV cache is set aside for input and output at admission
  std::int64_t max_batched_tokens = 8192;          ///< token budget of an iteration
  double memory_utilisation = 0.9;                 ///< of accelerator memory
  bool overlaps_host = false;  ///< the host prepares an iteration while accelerators compute the one before (iteration_model.hpp)
  bool has_graphs = true;                          ///< decode iterations are launched as one graph, not kernel by kernel
  NumberFormat kv_format = NumberFormat::bf16;     ///< of the cache when weights are narrower than 16 bits

  Time step_overhead = 0.5 * milli * second;  ///< of an iteration: scheduling and sampling that the accelerator waits for
  Time sequence_overhead;                     ///< of each sequence in an iteration: the same
  Time stream_overhead;  ///< of each sequence in an iteration besides, where answers are sent token by token: detokenising, sending
  Time prompt_overhead;  ///< of each prompt in an iteration besides: its blocks, its inputs, its first sampling
  Time layer_overhead;                        ///< of each layer: small kernels and gaps between kernels
  Time eager_layer;       ///< launching one layer without a graph: an iteration without one takes no less
  Time request_overhead;  ///< of each request before its first token: parsing, tokenising, answering
  /// Decode steps by which a first token is late: requests are taken in, and answers sent, every few steps.
  double first_token_steps = 0;
  std::optional<ExpertKernel> experts;  ///< taken where it is faster than the calibrated kernels
  /// Time of kernels that launching bounds over the calibrated one, in iterations without prompts: graphs start the next kernel
  /// while one ends, or leave gaps. What memory or arithmetic bounds takes what was measured.
  double decode_launch = 1;
  double decode_kernels = 1, prefill_kernels = 1;  ///< time of all kernels over the calibrated one, without and with prompts
  double decode_attention = 1, prefill_attention = 1;  ///< the same of attention alone
  double prefill_experts = 1;  ///< the same of the experts' kernels with prompts; prefill_kernels is of all others
};

/// The profile of "vllm", "sglang", "trtllm"; of "sglang-deepep": SGLang with experts over many nodes, whose kernels are
/// others: DeepEP's and DeepGEMM's; of "trtllm-engine": TensorRT-LLM before 0.19 and in MLPerf, with engines that TensorRT
/// built; or of "eager", "trtllm-session": engines of 2022 and 2023 without graphs. \returns nothing for an unknown name
const BackendProfile* find_backend(std::string_view name);
std::vector<std::string> backend_names();

}  // namespace waferwatt::serving
