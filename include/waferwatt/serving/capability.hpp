// SPDX-License-Identifier: Apache-2.0
#pragma once
// What an accelerator can serve when it is saturated: the joint between machine scale and world scale.
#include "waferwatt/serving/replica.hpp"

namespace waferwatt::serving {

/// The requests by which accelerators are compared: all alike, kept in flight in a closed loop.
struct ReferenceWorkload {
  std::int64_t input_tokens = 1024, output_tokens = 256;
  Time time_per_output_token = 50 * milli * second;  ///< the slowest mean that still counts
  NumberFormat kv_format = NumberFormat::bf16;
};

struct ServingCapability {
  TokenRate output_rate, input_rate;                ///< of one accelerator
  std::int64_t n_accelerators = 0;                  ///< of one replica
  std::int64_t concurrency = 0;                     ///< requests in flight on one replica
  Time time_per_output_token, time_to_first_token;  ///< means at that concurrency
  Power mean_power;                                 ///< of one accelerator
  Power mean_it_power;  ///< with its share of server and network, as the system's nameplate has it
  NumberFormat weight_format = NumberFormat::bf16;  ///< the model's, or the next wider one the accelerator computes in
  cost::Provenance provenance = cost::Provenance::transferred;
  double error = 0;                                        ///< expected relative error of the rates
  double memory_bound_share = 0, compute_bound_share = 0;  ///< of iteration time
  std::string infeasible;                                  ///< the reason with its numbers; empty when it can serve
};

/// Throughput of one replica in a closed loop at the largest concurrency whose time per output
/// token stays within the workload's, for the smallest size that holds the weights and keeps a quarter
/// of memory for KV cache: a power of two of accelerators within the scale-up domain (or 16), or 2, 4 or 8
/// domains as stages of a pipeline. Of a size's layouts the faster: tensors cut in all, or, with experts,
/// these spread over data-parallel attention.
/// \param system the server or rack for the link and the power around the accelerator, or null
ServingCapability saturated_capability(const catalog::LanguageModel& model, const cost::OperatorModel& operators,
                                       const catalog::System* system, const catalog::Catalog& catalog,
                                       const ReferenceWorkload& workload);

}  // namespace waferwatt::serving
