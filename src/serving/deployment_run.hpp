// SPDX-License-Identifier: Apache-2.0
#pragma once
// The events of a deployment: arrivals, ends of iterations, transfers, starts and failures of replicas.
#include <deque>

#include "waferwatt/network/collectives.hpp"
#include "waferwatt/serving/own_router.hpp"

namespace waferwatt::serving {

/// What a run needs to know of a group beyond the deployment.
struct GroupModel {
  IterationCosts* costs = nullptr;
  ReplicaShape shape;
  Bandwidth transfer_bandwidth;  ///< of one accelerator
  Time transfer_latency;
  DataSize kv_per_token;         ///< of a token, on all accelerators together
};

/// Settings are of each data-parallel group; the replica schedules all of them together.
EngineSettings engine_of_all_groups(EngineSettings engine, const ReplicaPlan& plan);

class DeploymentRun final : public engine::EventHandler {
 public:
  DeploymentRun(engine::EventLoop& loop, const Deployment& deployment, std::vector<GroupModel> groups,
                RequestStream& stream, const RandomStream& random, RequestSink& sink, ServingOutcome& outcome);

  void step_by_step();
  /// Asked in place of the deployment's router.
  void ask(RouterFunction router) { own_router_ = std::move(router); }
  void run();
  void handle(const engine::Event& event, engine::EventLoop&) override;

 private:
  static constexpr std::uint32_t kFromStream = 0xffffffff;  // instead of a request's id
  enum EventKind : std::uint32_t { kArrival, kHandled, kWake, kLaneEnd, kTransferred, kScale, kUp, kFail };
  enum class Condition : std::uint8_t { off, starting, up, draining, failed };
  struct Station {  // a replica and its place in the deployment
    std::size_t group = 0;
    Condition condition = Condition::up;
    bool wake_is_due = false;
    std::uint32_t n_failures = 0;               // tells stale events
    std::vector<std::uint32_t> lane_versions;   // likewise
    double up_since_s = 0;
    double link_free_s = 0;                     // its KV transfers, in and out
  };

  // requests: deployment_requests.cpp
  void arrive_all();
  std::uint32_t add(Request& request);
  void arrive(std::uint32_t id);
  Refusal refusal_of();
  void route(std::uint32_t id);
  void handled(std::uint32_t station, std::uint32_t id);
  std::size_t choose(RoutingView& view, const RequestRecord& request) const;
  void give(std::uint32_t station, std::uint32_t id);
  void end(std::uint32_t id);
  void count_in_system(int change);
  void hand_over(std::uint32_t from, std::uint32_t id);
  void transferred(std::uint32_t to, std::uint32_t id, std::uint32_t n_retries);

  // replicas: deployment_run.cpp
  void wake(std::uint32_t station);
  void start_lanes(std::uint32_t station);
  void schedule_end(std::uint32_t station, std::size_t lane, double ends_s);
  void end_lane(std::uint32_t station, std::size_t lane);
  void note_iteration(std::uint32_t station, std::size_t lane);
  void note_load(std::uint32_t station, double began_s, const ReplicaTotals& before);

  // operations: deployment_operations.cpp
  void take_up(std::uint32_t station);
  void list_candidates();
  void scale();
  void scale_group(std::size_t group);
  void stop_if_drained(std::uint32_t station);
  void account_up(Station& station);
  void schedule_failure(std::uint32_t station);
  void fail(std::uint32_t station);
  void unpark();
  void throw_if_starved() const;
  bool work_remains() const { return stream_is_open_ || n_in_system_ > 0 || n_to_come_ > 0; }

  engine::EventLoop& loop_;
  const Deployment& deployment_;
  RouterFunction own_router_;
  std::vector<GroupModel> groups_;
  RequestStream& stream_;
  RequestSink& sink_;
  ServingOutcome& outcome_;
  RandomStream routing_random_, failure_random_;

  std::vector<RequestRecord> requests_;  // those in the system
  std::vector<std::uint32_t> free_ids_;
  std::vector<std::uint32_t> prefill_station_;  // by id: where the prompt was computed
  Request drawn_, followed_;
  bool stream_is_open_ = true;
  bool follows_at_once_ = false;                  // a request follows the one just ended at the same instant
  std::int64_t n_in_system_ = 0, n_to_come_ = 0;  // to come: arrivals scheduled
  double system_settled_s_ = 0;

  std::vector<Replica> replicas_;
  std::vector<Station> stations_;
  struct Door {  // the replicas that take new requests, or those that take handed-over ones
    RoutingView view;
    std::vector<std::uint32_t> stations;     // of the view's candidates
    std::deque<std::pair<std::uint32_t, double>> parked;  // since when no replica is up
  };
  Door entry_, decode_;
  std::vector<double> fewer_suffice_since_s_;          // by group
  double bucket_ = 0, bucket_filled_s_ = 0;
};

}  // namespace waferwatt::serving
