// SPDX-License-Identifier: Apache-2.0
#pragma once
// Workers under a load generator that keeps a number of requests in flight, as serving benchmarks do: the deployment's
// engine (deployment_run.hpp), with one request sent for each that ends. Everything starts with one wave of prompts
// that all arrive at once.
#include "waferwatt/serving/iteration_model.hpp"

namespace waferwatt::serving {

/// Requests alike but for their lengths, which spread evenly between (1 - spread) times the given one and the given one.
struct ClosedLoopLoad {
  std::int64_t concurrency = 1;
  std::int64_t input_tokens = 1024, output_tokens = 1024;
  double spread = 0;
  std::int64_t receive_interval = 1;  ///< iterations of decoding from one look of the engine at new requests to the next
  std::int64_t prompt_wait = 0;       ///< iterations for which the engine lets a prompt wait for others that share its own
  double n_waves = 10;  ///< requests sent for each one in flight; the first wave counts for 1 / n_waves of the means
  /// Different prompts, which come one after the other and again: engines with a prefix cache find them. 0: all differ.
  std::int64_t n_prompts = 0;
  std::int64_t n_warm_up = 0;  ///< requests before those that count
};

struct ClosedLoopOutcome {
  Time time_to_first_token, time_per_output_token;  ///< means over requests
  Time step_time;                                   ///< of an iteration that only decodes, at the mean batch and context
  TokenRate output_rate;                            ///< of all workers
  Energy energy_per_output_token;                   ///< of all accelerators
  double batch = 0;                                 ///< sequences decoding or in prefill, mean over time, all workers
  IterationCost cost;                               ///< of everything simulated, on one accelerator of each worker
  std::string infeasible;                           ///< the reason with its numbers; then nothing else holds
};

/// Workers that are alike. The engine's token budget is of each data-parallel group, its sequences are of the worker.
struct LoopWorkers {
  IterationModel& model;
  EngineSettings engine;
  MemoryPlan memory;
  std::int64_t n = 1;
};

ClosedLoopOutcome closed_loop(IterationModel& model, const EngineSettings& engine, const MemoryPlan& memory, const ClosedLoopLoad& load);

/// Prompts and decodes on workers of their own. A first token counts when a decode worker has taken the request in.
/// \param cache_per_token of a token, on all accelerators of a worker together
/// \param transfer of caches, from or to one worker
ClosedLoopOutcome disaggregated_loop(const LoopWorkers& prefill, const LoopWorkers& decode, DataSize cache_per_token, Bandwidth transfer,
                                     const ClosedLoopLoad& load);

}  // namespace waferwatt::serving
