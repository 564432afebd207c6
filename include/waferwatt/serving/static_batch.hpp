// SPDX-License-Identifier: Apache-2.0
#pragma once
// A batch of equal requests that start together and end together, as benchmarks of kernels and of early engines run:
// all prompts in chunks of the token budget, then one token of each at a time.
#include "waferwatt/serving/iteration_model.hpp"

namespace waferwatt::serving {

struct StaticBatch {
  std::int64_t n_sequences = 1, input_tokens = 512, output_tokens = 128;
};

struct StaticBatchOutcome {
  Time prompts;  ///< until the last prompt's first token
  Time step;     ///< of the later tokens, mean
  Energy energy;  ///< of all accelerators of the replica
  std::string infeasible;

  Time whole(const StaticBatch& batch) const { return prompts + static_cast<double>(batch.output_tokens - 1) * step; }
};

StaticBatchOutcome static_batch(IterationModel& model, const EngineSettings& engine, const MemoryPlan& memory, const StaticBatch& batch);

/// Prompts of `input` tokens, each computed in chunks of what the budget leaves.
IterationCost prompts_cost(IterationModel& model, std::int64_t budget, std::int64_t n_prompts, std::int64_t input);

}  // namespace waferwatt::serving
