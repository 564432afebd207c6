// SPDX-License-Identifier: Apache-2.0
#include "deployment_run.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace waferwatt::serving {

DeploymentRun::DeploymentRun(engine::EventLoop& loop, const Deployment& deployment, std::vector<GroupModel> groups,
                             RequestStream& stream, const RandomStream& random, RequestSink& sink,
                             ServingOutcome& outcome)
    : loop_(loop),
      deployment_(deployment),
      groups_(std::move(groups)),
      stream_(stream),
      sink_(sink),
      outcome_(outcome),
      routing_random_(random.substream("routing")),
      failure_random_(random.substream("failures")),
      fewer_suffice_since_s_(groups_.size(), 0.0) {
  std::size_t n_all = 0;
  for (const ReplicaGroup& group : deployment.groups) n_all += static_cast<std::size_t>(group.n_replicas);
  replicas_.reserve(n_all);
  for (std::size_t g = 0; g < groups_.size(); ++g)
    for (std::int64_t i = 0; i < deployment.groups[g].n_replicas; ++i) {
      replicas_.emplace_back(*groups_[g].costs, groups_[g].shape, requests_);
      replicas_.back().report_token_gaps_to(&outcome.token_gaps);
      stations_.push_back({.group = g, .lane_versions = std::vector<std::uint32_t>(replicas_.back().n_lanes(), 0)});
      if (deployment.autoscaling && i >= deployment.autoscaling->min_replicas)
        stations_.back().condition = Condition::off;
      outcome.replica_groups.push_back(g);
    }
  for (Door* door : {&entry_, &decode_}) {
    door->view.level = &deployment.service_level;
    door->view.random = &routing_random_;
  }
  bucket_ = static_cast<double>(deployment.admission.burst);
  list_candidates();
}

void DeploymentRun::step_by_step() {
  for (Replica& replica : replicas_) replica.step_by_step();
}

void DeploymentRun::run() {
  stream_is_open_ = stream_.next(drawn_);
  if (stream_is_open_) {
    loop_.at(drawn_.arrival_s, kArrival, kFromStream);
    ++n_to_come_;
  }
  for (std::uint32_t i = 0; i < stations_.size(); ++i)
    if (stations_[i].condition == Condition::up) schedule_failure(i);
  if (deployment_.autoscaling) loop_.after(deployment_.autoscaling->interval.in(second), kScale);
  loop_.run(*this);
  throw_if_starved();
  for (Station& station : stations_)
    if (station.condition != Condition::off && station.up_since_s < outcome_.end_s) {
      const double up_s = outcome_.end_s - station.up_since_s;
      const auto& group = outcome_.groups[station.group];
      const double idle_w = group.idle_power_w * static_cast<double>(groups_[station.group].shape.n_accelerators);
      outcome_.groups[station.group].up_s += up_s;
      outcome_.timeline.spread(station.up_since_s, outcome_.end_s, {.up_seconds = up_s, .power_j = up_s * idle_w});
    }
  for (const Replica& replica : replicas_) outcome_.replicas.push_back(replica.totals());
}

void DeploymentRun::handle(const engine::Event& event, engine::EventLoop&) {
  const auto high = static_cast<std::uint32_t>(event.payload >> 32), low = static_cast<std::uint32_t>(event.payload);
  switch (event.kind) {
    case kArrival:
      if (event.target == kFromStream) return arrive_all();
      --n_to_come_;
      return arrive(event.target);
    case kHandled:
      --n_to_come_;
      return handled(event.target, low);
    case kWake:
      stations_[event.target].wake_is_due = false;
      return start_lanes(event.target);
    case kLaneEnd:
      if (stations_[event.target].lane_versions[high] == low) end_lane(event.target, high);
      return;
    case kTransferred:
      return transferred(event.target, low, high);
    case kScale:
      return scale();
    case kUp:
      if (stations_[event.target].n_failures == low) take_up(event.target);
      return;
    case kFail:
      if (stations_[event.target].n_failures == low) fail(event.target);
      return;
  }
}

// A policy of the caller's may leave requests waiting for ones that never come.
void DeploymentRun::throw_if_starved() const {
  if (stream_is_open_ || n_to_come_ > 0) return;
  std::int64_t n_waiting = 0;
  for (const Replica& replica : replicas_) {
    for (std::size_t lane = 0; lane < replica.n_lanes(); ++lane)
      if (replica.is_running(lane)) return;
    if (replica.shape().own_policy) n_waiting += replica.n_waiting() + replica.n_in_batch();
  }
  if (n_waiting > 0)
    throw InputError(fmt::format("the scheduler's policy leaves {} requests on idle replicas, and no other request is to come", n_waiting));
}

// By an event, so that requests arriving at the same instant share the first iteration.
void DeploymentRun::wake(std::uint32_t index) {
  if (stations_[index].wake_is_due) return;
  stations_[index].wake_is_due = true;
  loop_.after(0, kWake, index);
}

void DeploymentRun::start_lanes(std::uint32_t index) {
  Replica& replica = replicas_[index];
  for (std::size_t lane = 0; lane < replica.n_lanes(); ++lane) {
    if (replica.is_running(lane)) continue;
    const double ends_s = replica.begin(loop_.now(), lane);
    if (ends_s < Replica::kNever) schedule_end(index, lane, ends_s);
  }
}

void DeploymentRun::schedule_end(std::uint32_t index, std::size_t lane, double ends_s) {
  const std::uint64_t version = ++stations_[index].lane_versions[lane];
  loop_.at(std::max(ends_s, loop_.now()), kLaneEnd, index, (static_cast<std::uint64_t>(lane) << 32) | version);
}

void DeploymentRun::end_lane(std::uint32_t index, std::size_t lane) {
  Replica& replica = replicas_[index];
  const ReplicaTotals before = replica.totals();
  follows_at_once_ = false;
  const auto& completed = replica.finish(loop_.now(), lane);
  note_load(index, replica.began_s(lane), before);
  if (outcome_.iterations.size() < ServingOutcome::kMostIterations) note_iteration(index, lane);
  outcome_.end_s = loop_.now();
  for (const std::uint32_t id : completed) end(id);
  for (const std::uint32_t id : replica.handed_over()) hand_over(index, id);
  if (stations_[index].condition == Condition::draining) stop_if_drained(index);
  // Requests that follow at this instant arrive before the next iteration is scheduled.
  if (follows_at_once_)
    wake(index);
  else
    start_lanes(index);
}

void DeploymentRun::note_iteration(std::uint32_t index, std::size_t lane) {
  const Replica& replica = replicas_[index];
  outcome_.iterations.push_back({.replica = index,
                                 .lane = lane,
                                 .begin_s = replica.began_s(lane),
                                 .end_s = loop_.now(),
                                 .n_steps = replica.n_steps(lane),
                                 .load = replica.load(lane),
                                 .n_waiting = replica.n_waiting(),
                                 .n_in_batch = replica.n_in_batch(),
                                 .n_kv_blocks = replica.n_used_blocks()});
}

void DeploymentRun::note_load(std::uint32_t index, double began_s, const ReplicaTotals& before) {
  const Replica& replica = replicas_[index];
  const ReplicaTotals& after = replica.totals();
  const double duration_s = loop_.now() - began_s, busy_s = after.cost.time_s - before.cost.time_s;
  const double n_accelerators = static_cast<double>(replica.shape().n_accelerators);
  const double idle_w = outcome_.groups[stations_[index].group].idle_power_w;
  outcome_.timeline.spread(
      began_s, loop_.now(),
      {.busy_s = busy_s,
       .sequence_seconds = after.sequence_seconds - before.sequence_seconds,
       .waiting_seconds = duration_s * static_cast<double>(replica.n_waiting()) / static_cast<double>(replica.n_lanes()),
       .kv_share_seconds = (after.kv_block_seconds - before.kv_block_seconds) / static_cast<double>(replica.n_blocks()),
       .power_j = n_accelerators * (after.cost.energy_j - before.cost.energy_j - busy_s * idle_w),
       .prefill_tokens = after.prefill_tokens - before.prefill_tokens,
       .output_tokens = after.decode_tokens - before.decode_tokens});
}

}  // namespace waferwatt::serving
