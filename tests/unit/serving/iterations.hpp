// SPDX-License-Identifier: Apache-2.0
#pragma once
// Iterations of the catalog's models, on H200s unless told otherwise.
#include "fixture.hpp"

namespace waferwatt::serving {

inline const cost::OperatorModel& h200() {
  static const cost::OperatorModel operators(shipped().accelerators.at("nvidia-h200-sxm"), shipped());
  return operators;
}

inline std::unique_ptr<IterationModel> iterations(const std::string& model, const ReplicaPlan& plan, const EngineSettings& engine = {},
                                                  const cost::OperatorModel& operators = h200()) {
  const auto& accelerator = operators.accelerator();
  const auto network = network::network_of(accelerator, shipped().system_of(accelerator.id), nullptr, plan.n_accelerators(), shipped());
  return std::make_unique<IterationModel>(shipped().language_models.at(model), operators, plan, *network, engine);
}

/// Answers with contexts of 900 tokens, and prompts of 512.
inline IterationLoad mixed(std::int64_t n_decode, std::int64_t n_chunks) {
  const double chunk = 512;
  return {.n_decode = n_decode,
          .decode_context = n_decode * 900,
          .n_chunks = n_chunks,
          .prefill_tokens = 512 * n_chunks,
          .prefill_work = static_cast<double>(n_chunks) * chunk * chunk / 2,
          .n_first_tokens = n_chunks};
}

}  // namespace waferwatt::serving
