// SPDX-License-Identifier: Apache-2.0
#pragma once
// Prefill and decode on workers of their own, under a load generator that keeps requests in flight.
//
// A request waits for a prefill worker, is prefilled (s), its cache is sent (k), and decodes with B others on a decode
// worker for n steps of t(B). With C requests in flight, p prefill and d decode workers, and X requests a second,
//
//   (1)  C = X (w + s + k + n t(B)),  B = X n t(B) / d,  X <= p / s
//   (2)  w = s rho / (2 p (1 - rho)),  rho = X s / p       a queue with even service
//
// is solved for X. Where the prefill workers are the bottleneck, w is what (1) leaves. The first wave's prompts all
// arrive at once and wait (C / p - 1) s / 2, as one in `n_waves` requests.
#include "waferwatt/serving/closed_loop.hpp"

namespace waferwatt::serving {

struct DisaggregatedWorkers {
  std::int64_t n_prefill = 1, n_decode = 1;
  Bandwidth transfer;  ///< of the cache, from one prefill worker
};

/// \param memory of one decode worker: it limits B
ClosedLoopOutcome disaggregated_loop(IterationModel& prefill, IterationModel& decode, const EngineSettings& engine, const MemoryPlan& memory,
                                     const DisaggregatedWorkers& workers, DataSize cache_per_token, const ClosedLoopLoad& load);

}  // namespace waferwatt::serving
