// SPDX-License-Identifier: Apache-2.0
#pragma once
// Predicted against measured times of collectives.
//
// Files are told by their columns; times are in microseconds, of Vidur in milliseconds:
//   NCCL                system,nccl_version,op,num_gpus,bytes,dtype,us
//   own all-reduces     system,framework,version,num_gpus,message_size,dtype,us
//                       (a size that stands twice for SGLang or vLLM: first as a CUDA graph, then eager)
//   DeepEP low latency  system,hidden_size,num_token,num_topk,num_experts,dispatch_avg_t_us,combine_avg_t_us
//   DeepEP normal       the same with dispatch_sms,dispatch_transmit_us,combine_sms,combine_transmit_us
//   DeepEP normal, published  dispatch_ep,dispatch_GBps,combine_ep,combine_GBps: 4,096 tokens on H800, one node or several
//   DeepEP, published   dispatch_ep,dispatch_us,combine_ep,combine_us: low latency, 128 tokens on H800, one node or several
//   Vidur               num_workers,devices_per_node,size,collective,time_stats.<collective>.median; the
//                       accelerator is in the file's name
#include "waferwatt/validation/kernels.hpp"

namespace waferwatt::validation {

struct NetworkReport {
  std::int64_t n_cases = 0;
  std::vector<Skipped> skipped;
  catalog::ErrorSummary all;
  /// Each size told from its neighbours, its own measured point left out; DeepEP is not in it.
  catalog::ErrorSummary held_out;
  std::map<std::string, catalog::ErrorSummary> groups;           ///< "nvidia-h200-sxm nccl all-reduce", ...
  std::map<std::string, catalog::ErrorSummary> held_out_groups;  ///< the same, held out
  std::vector<KernelCase> cases;
  std::string note;

  io::Value json() const;  ///< as KernelReport's, with the metrics "time" and "time_held_out"
};

/// \throws InputError for files that cannot be read or whose columns are of no known table
NetworkReport validate_network(const catalog::Catalog& catalog, const std::vector<std::string>& files);

/// The held-out errors that ship with the curves of models/collectives, averaged by points.
NetworkReport shipped_network_errors(const catalog::Catalog& catalog);

/// Copies of a token that leave for distinct ranks when each of them holds an equal share of the experts and
/// the `top_k` are drawn without preference: p (1 - C(E - E/p, k) / C(E, k)).
double distinct_ranks(std::int64_t n_experts, std::int64_t top_k, std::int64_t n_ranks);

}  // namespace waferwatt::validation
