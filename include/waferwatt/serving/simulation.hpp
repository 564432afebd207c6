// SPDX-License-Identifier: Apache-2.0
#pragma once
// A deployment under load: replicas behind a router, on an event loop that counts seconds.
#include "waferwatt/engine/event_loop.hpp"
#include "waferwatt/serving/replica.hpp"
#include "waferwatt/serving/request.hpp"

namespace waferwatt::serving {

enum class Router { round_robin, least_outstanding };

/// Replicas of one model. Pointers are to things that outlive the simulation; `system` may be null.
struct Deployment {
  const catalog::LanguageModel* model = nullptr;
  const catalog::Accelerator* accelerator = nullptr;
  const catalog::System* system = nullptr;
  ReplicaPlan plan;
  EngineSettings engine;
  std::int64_t n_replicas = 1;
  Router router = Router::least_outstanding;

  std::int64_t n_accelerators() const { return n_replicas * plan.n_accelerators(); }
};

/// Load of the deployment in one interval of time; means are over the interval, all replicas together.
struct LoadInterval {
  double start_s = 0, length_s = 0;
  double busy_s = 0, sequence_seconds = 0, waiting_seconds = 0, kv_block_seconds = 0, energy_j = 0;
  std::int64_t n_arrivals = 0, prefill_tokens = 0, output_tokens = 0;
};

/// Load over time in at most kMaxIntervals intervals, which widen as time goes on.
class Timeline {
 public:
  static constexpr std::size_t kMaxIntervals = 240;
  /// The interval that holds an instant.
  LoadInterval& at(double time_s);
  const std::vector<LoadInterval>& intervals() const { return intervals_; }

 private:
  double length_s_ = 0.25;
  std::vector<LoadInterval> intervals_;
};

struct ServingOutcome {
  MemoryPlan memory;
  std::string infeasible;  ///< the reason with its numbers; then nothing else holds
  std::vector<RequestRecord> requests;
  std::vector<ReplicaTotals> replicas;
  Timeline timeline;
  double end_s = 0;         ///< the last token
  double idle_power_w = 0;  ///< of one accelerator
  cost::Provenance provenance = cost::Provenance::transferred;
};

/// Runs a workload to its end. The same stream gives the same outcome on every event loop.
/// \param loop fresh: its clock stands at 0
ServingOutcome simulate(engine::EventLoop& loop, const Deployment& deployment, const Workload& workload,
                        const catalog::Catalog& catalog, const RandomStream& random);

}  // namespace waferwatt::serving

namespace waferwatt::io {
template <>
struct EnumTexts<serving::Router> {
  static constexpr std::array values{std::pair{serving::Router::round_robin, "round-robin"},
                                     std::pair{serving::Router::least_outstanding, "least-outstanding"}};
};
}  // namespace waferwatt::io
