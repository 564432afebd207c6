// SPDX-License-Identifier: Apache-2.0
#pragma once
// A deployment under load: groups of replicas behind a router, on an event loop that counts seconds.
//
//   RequestStream -> router -> Replica {policy, KV cache} -> iterations -> RequestSink, Timeline, totals
#include "waferwatt/engine/event_loop.hpp"
#include "waferwatt/serving/operations.hpp"
#include "waferwatt/serving/replica.hpp"
#include "waferwatt/serving/workload.hpp"

namespace waferwatt::serving {

/// Replicas that are alike. Pointers are to things that outlive the simulation; `system` may be null.
struct ReplicaGroup {
  const catalog::Accelerator* accelerator = nullptr;
  const catalog::System* system = nullptr;
  ReplicaPlan plan;
  EngineSettings engine;
  std::int64_t n_replicas = 1;
  Role role = Role::mixed;

  std::int64_t n_accelerators() const { return n_replicas * plan.n_accelerators(); }
};

/// Replicas of one model. Groups of role prefill need some of role decode, and the other way round.
struct Deployment {
  const catalog::LanguageModel* model = nullptr;
  std::vector<ReplicaGroup> groups{1};
  Router router = Router::least_outstanding;
  ServiceLevel service_level;
  Admission admission;
  std::optional<Autoscaling> autoscaling;
  std::optional<Failures> failures;
  /// From the prefill to the decode replica, of one accelerator; absent: its network's.
  std::optional<Bandwidth> transfer_bandwidth;

  std::int64_t n_accelerators() const;
};

/// Load of the deployment in one interval of time; means are over the interval, all replicas together.
struct LoadInterval {
  double start_s = 0, length_s = 0;
  double busy_s = 0, sequence_seconds = 0, waiting_seconds = 0, kv_share_seconds = 0, up_seconds = 0, power_j = 0;
  std::int64_t n_arrivals = 0, prefill_tokens = 0, output_tokens = 0;
};

/// Load over time in at most kMaxIntervals intervals, which widen as time goes on.
class Timeline {
 public:
  static constexpr std::size_t kMaxIntervals = 240;
  /// The interval that holds an instant.
  LoadInterval& at(double time_s);
  /// Amounts of a stretch of time, shared among the intervals that it touches.
  void spread(double from_s, double to_s, const LoadInterval& amounts);
  const std::vector<LoadInterval>& intervals() const { return intervals_; }

 private:
  double length_s_ = 0.25;
  std::vector<LoadInterval> intervals_;
};

/// One iteration of a lane of a replica, or a stretch of them, as it ended.
struct IterationRecord {
  std::size_t replica = 0, lane = 0;
  double begin_s = 0, end_s = 0;
  std::int64_t n_steps = 1;
  IterationLoad load;                                            ///< of the first of them
  std::int64_t n_waiting = 0, n_in_batch = 0, n_kv_blocks = 0;  ///< of the replica, at the end
};

/// Takes requests as they end or are refused.
class RequestSink {
 public:
  virtual ~RequestSink() = default;
  virtual void take(const RequestRecord& request) = 0;
};

/// What became of one group.
struct GroupOutcome {
  MemoryPlan memory;
  double idle_power_w = 0;  ///< of one accelerator
  double up_s = 0;          ///< replica-seconds in which replicas were up or starting
  cost::Provenance provenance = cost::Provenance::transferred;
};

struct ServingOutcome {
  static constexpr std::size_t kMostIterations = 4000;
  std::string infeasible;               ///< the reason with its numbers; then nothing else holds
  std::vector<RequestRecord> requests;  ///< in order of arrival, where they are kept
  std::vector<GroupOutcome> groups;
  std::vector<ReplicaTotals> replicas;       ///< group after group
  std::vector<std::size_t> replica_groups;
  Timeline timeline;
  std::vector<IterationRecord> iterations;   ///< the first ones that ended
  core::PercentileSink token_gaps;           ///< between the tokens of a sequence
  double end_s = 0;                          ///< the last token
  double request_seconds = 0;                ///< integral of the requests in the system
  std::int64_t n_arrivals = 0, n_retries = 0, n_failures = 0, n_starts = 0, n_transfers = 0;
  double transferred_byte = 0;
};

/// Runs a workload to its end. The same stream gives the same outcome on every event loop.
/// \param loop fresh: its clock stands at 0
/// \param random for routing and failures
/// \param sink takes every request
ServingOutcome simulate(engine::EventLoop& loop, const Deployment& deployment, RequestStream& requests,
                        const catalog::Catalog& catalog, const RandomStream& random, RequestSink& sink);

/// The same, of a generated workload, whose requests are kept in the outcome.
ServingOutcome simulate(engine::EventLoop& loop, const Deployment& deployment, const Workload& workload,
                        const catalog::Catalog& catalog, const RandomStream& random);

/// The same with iterations priced by others: one model a group. For comparison with other simulators.
/// \param step_by_step one iteration at a time, no stretches in closed form
/// \param policy in place of the engines' (own_router.hpp)
ServingOutcome simulate(engine::EventLoop& loop, const Deployment& deployment, RequestStream& requests,
                        const std::vector<IterationCosts*>& costs, const std::vector<std::int64_t>& n_kv_blocks,
                        const RandomStream& random, RequestSink& sink, bool step_by_step = false, const PolicyFunction& policy = {});

}  // namespace waferwatt::serving
