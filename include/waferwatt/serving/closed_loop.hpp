// SPDX-License-Identifier: Apache-2.0
#pragma once
// A replica under a load generator that keeps a number of requests in flight.
//
// The next request is sent when one ends, so nothing arrives between two ends: decoding advances in lockstep from one
// end to the next, and all iterations between them are one product. Iterations with prompts are stepped through.
// Everything starts with one wave of prompts that all arrive at once.
#include "waferwatt/serving/iteration_model.hpp"

namespace waferwatt::serving {

/// Requests alike but for their lengths, which spread evenly between (1 - spread) times the given one and the given one.
struct ClosedLoopLoad {
  std::int64_t concurrency = 1;
  std::int64_t input_tokens = 1024, output_tokens = 1024;
  double spread = 0;
  double n_waves = 10;  ///< requests sent for each one in flight; the first wave counts for 1 / n_waves of the means
};

struct ClosedLoopOutcome {
  Time time_to_first_token, time_per_output_token;  ///< means over requests
  Time step_time;                                   ///< of an iteration that only decodes, at the mean batch and context
  TokenRate output_rate;                            ///< of the replica
  Energy energy_per_output_token;                   ///< of all accelerators of the replica
  double batch = 0;                                 ///< sequences decoding, mean over time
  IterationCost cost;                               ///< of everything simulated, on one accelerator
  std::string infeasible;                           ///< the reason with its numbers; then nothing else holds
};

ClosedLoopOutcome closed_loop(IterationModel& model, const EngineSettings& engine, const MemoryPlan& memory, const ClosedLoopLoad& load);

}  // namespace waferwatt::serving
