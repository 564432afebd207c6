// SPDX-License-Identifier: Apache-2.0
#pragma once
// The shipped catalog, and a small deployment on it.
#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/serving/summary.hpp"

namespace waferwatt::serving {

inline const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

/// Llama 3.1 8B in bf16 on one H100.
inline Deployment small_deployment() {
  Deployment deployment;
  deployment.model = &shipped().language_models.at("llama-3-1-8b");
  deployment.groups[0].accelerator = &shipped().accelerators.at("nvidia-h100-sxm");
  deployment.groups[0].system = shipped().system_of("nvidia-h100-sxm");
  return deployment;
}

inline Workload fixed_lengths(std::int64_t input, std::int64_t output, std::int64_t n_requests) {
  Workload workload;
  workload.input = LengthDistribution{.median = static_cast<double>(input)};
  workload.output = LengthDistribution{.median = static_cast<double>(output)};
  workload.n_requests = n_requests;
  return workload;
}

inline Workload varied_lengths(double rate_per_s, std::int64_t n_requests) {
  Workload workload;
  workload.preset = "azure-2023-conversation";
  workload.rate = rate_per_s / second;
  workload.n_requests = n_requests;
  return workload;
}

inline ServingOutcome outcome_of(const Deployment& deployment, const Workload& workload, std::uint64_t seed = 1) {
  engine::BareLoop loop;
  return simulate(loop, deployment, workload, shipped(), RandomStream(seed, "test"));
}

}  // namespace waferwatt::serving
