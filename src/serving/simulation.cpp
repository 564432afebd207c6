// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/simulation.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace waferwatt::serving {
namespace {

// A client of a closed loop whose request was refused comes with the next one after a pause.
constexpr double kRefusedPause_s = 1;

enum EventKind : std::uint32_t { kArrival, kWake, kIterationEnd };

class DeploymentRun final : public engine::EventHandler {
 public:
  DeploymentRun(engine::EventLoop& loop, const Deployment& deployment, const Workload& workload,
                const catalog::Catalog& catalog, const network::TwoLevelNetwork& network, const RandomStream& random,
                ServingOutcome& outcome)
      : loop_(loop),
        outcome_(outcome),
        router_(deployment.router),
        source_(workload, random),
        operators_(*deployment.accelerator, catalog),
        iterations_(*deployment.model, operators_, deployment.plan, network, deployment.engine) {
    const std::int64_t context = deployment.model->context_length ? deployment.model->context_length->value
                                                                  : std::numeric_limits<std::int64_t>::max();
    for (std::int64_t i = 0; i < deployment.n_replicas; ++i)
      replicas_.emplace_back(iterations_, deployment.engine, outcome.memory.n_kv_blocks, context, outcome.requests);
    awake_.assign(replicas_.size(), false);
    outcome.idle_power_w = iterations_.idle_power_w();
    outcome.provenance = iterations_.provenance();
  }

  void run() {
    for (std::int64_t i = 0; i < source_.n_initial(); ++i) draw(0);
    loop_.run(*this);
    for (const Replica& replica : replicas_) outcome_.replicas.push_back(replica.totals());
  }

  void handle(const engine::Event& event, engine::EventLoop&) override {
    switch (event.kind) {
      case kArrival:
        arrive(event.target);
        break;
      case kWake:
        start(event.target);
        break;
      case kIterationEnd:
        end_iteration(event.target);
        break;
    }
  }

 private:
  void draw(double earliest_s) {
    const auto request = source_.next(earliest_s);
    if (!request) return;
    const auto id = static_cast<std::uint32_t>(outcome_.requests.size());
    outcome_.requests.push_back({.arrival_s = request->arrival_s,
                                 .input_tokens = request->input_tokens,
                                 .output_tokens = request->output_tokens});
    loop_.at(request->arrival_s, kArrival, id);
  }

  std::size_t route() {
    if (router_ == Router::round_robin) return next_replica_++ % replicas_.size();
    const auto fewest = std::ranges::min_element(replicas_, {}, &Replica::n_outstanding);
    return static_cast<std::size_t>(fewest - replicas_.begin());
  }

  void arrive(std::uint32_t id) {
    if (!source_.is_closed_loop()) draw(loop_.now());
    ++outcome_.timeline.at(loop_.now()).n_arrivals;
    const std::size_t chosen = route();
    RequestRecord& request = outcome_.requests[id];
    request.replica = static_cast<std::int32_t>(chosen);
    if (!replicas_[chosen].enqueue(id, loop_.now())) {
      if (source_.is_closed_loop()) draw(loop_.now() + kRefusedPause_s);
      return;
    }
    // Woken by an event, so that requests arriving at the same instant share the first iteration.
    if (!awake_[chosen]) loop_.after(0, kWake, static_cast<std::uint32_t>(chosen));
    awake_[chosen] = true;
  }

  void start(std::uint32_t index) {
    Replica& replica = replicas_[index];
    const double duration_s = replica.begin_iteration(loop_.now());
    awake_[index] = duration_s > 0;
    if (duration_s > 0) loop_.after(duration_s, kIterationEnd, index);
  }

  void end_iteration(std::uint32_t index) {
    Replica& replica = replicas_[index];
    note_load(replica);
    const auto& completed = replica.finish_iteration(loop_.now());
    outcome_.end_s = loop_.now();
    if (source_.is_closed_loop() && !completed.empty()) {
      // New requests arrive at this instant, before the next iteration is scheduled.
      for (std::size_t i = 0; i < completed.size(); ++i) draw(loop_.now());
      loop_.after(0, kWake, index);
      return;
    }
    start(index);
  }

  void note_load(const Replica& replica) {
    const double duration_s = replica.cost().time_s;
    LoadInterval& interval = outcome_.timeline.at(loop_.now());
    interval.busy_s += duration_s;
    interval.sequence_seconds += duration_s * static_cast<double>(replica.n_in_batch());
    interval.waiting_seconds += duration_s * static_cast<double>(replica.n_waiting());
    interval.kv_block_seconds += duration_s * static_cast<double>(replica.n_used_blocks());
    interval.energy_j += replica.cost().energy_j;
    interval.prefill_tokens += replica.load().prefill_tokens;
    interval.output_tokens += replica.load().n_decode + replica.load().n_first_tokens;
  }

  engine::EventLoop& loop_;
  ServingOutcome& outcome_;
  Router router_;
  RequestSource source_;
  cost::OperatorModel operators_;
  IterationModel iterations_;
  std::vector<Replica> replicas_;
  std::vector<bool> awake_;
  std::size_t next_replica_ = 0;
};

}  // namespace

LoadInterval& Timeline::at(double time_s) {
  auto index = static_cast<std::size_t>(time_s / length_s_);
  while (index >= kMaxIntervals) {
    length_s_ *= 2;
    std::vector<LoadInterval> merged((intervals_.size() + 1) / 2);
    for (std::size_t i = 0; i < merged.size(); ++i)
      merged[i] = {.start_s = static_cast<double>(i) * length_s_, .length_s = length_s_};
    for (std::size_t i = 0; i < intervals_.size(); ++i) {
      LoadInterval& sum = merged[i / 2];
      const LoadInterval& part = intervals_[i];
      sum.busy_s += part.busy_s;
      sum.sequence_seconds += part.sequence_seconds;
      sum.waiting_seconds += part.waiting_seconds;
      sum.kv_block_seconds += part.kv_block_seconds;
      sum.energy_j += part.energy_j;
      sum.n_arrivals += part.n_arrivals;
      sum.prefill_tokens += part.prefill_tokens;
      sum.output_tokens += part.output_tokens;
    }
    intervals_ = std::move(merged);
    index = static_cast<std::size_t>(time_s / length_s_);
  }
  while (index >= intervals_.size())
    intervals_.push_back({.start_s = static_cast<double>(intervals_.size()) * length_s_, .length_s = length_s_});
  return intervals_[index];
}

ServingOutcome simulate(engine::EventLoop& loop, const Deployment& deployment, const Workload& workload,
                        const catalog::Catalog& catalog, const RandomStream& random) {
  ServingOutcome outcome;
  outcome.memory = memory_plan(*deployment.model, *deployment.accelerator, deployment.plan, deployment.engine);
  outcome.infeasible = outcome.memory.infeasible;
  if (!outcome.infeasible.empty()) return outcome;
  const auto network = network::network_of(*deployment.accelerator, deployment.system, nullptr,
                                           deployment.plan.n_accelerators(), catalog);
  if (!network) {
    outcome.infeasible = fmt::format("nothing is known of a network that joins {} x {}",
                                     deployment.plan.n_accelerators(), deployment.accelerator->name);
    return outcome;
  }
  DeploymentRun(loop, deployment, workload, catalog, *network, random, outcome).run();
  return outcome;
}

}  // namespace waferwatt::serving
