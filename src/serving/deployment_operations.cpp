// SPDX-License-Identifier: Apache-2.0
// A deployment's replicas come up, are stopped, and fail.
#include <algorithm>
#include <cmath>

#include "deployment_run.hpp"

namespace waferwatt::serving {

void DeploymentRun::list_candidates() {
  for (Door* door : {&entry_, &decode_}) {
    door->stations.clear();
    door->view.candidates.clear();
  }
  for (std::uint32_t i = 0; i < stations_.size(); ++i) {
    if (stations_[i].condition != Condition::up) continue;
    Door& door = replicas_[i].shape().role == Role::decode ? decode_ : entry_;
    door.stations.push_back(i);
    door.view.candidates.push_back(&replicas_[i]);
  }
}

void DeploymentRun::take_up(std::uint32_t index) {
  Station& station = stations_[index];
  if (station.condition == Condition::off || station.condition == Condition::up) return;
  station.condition = Condition::up;
  list_candidates();
  schedule_failure(index);
  unpark();
}

void DeploymentRun::unpark() {
  while (!entry_.parked.empty() && !entry_.stations.empty()) {
    const auto [id, since_s] = entry_.parked.front();
    entry_.parked.pop_front();
    requests_[id].charge(Charge::no_replica, loop_.now() - since_s);
    route(id);
  }
  while (!decode_.parked.empty() && !decode_.stations.empty()) {
    const auto [id, since_s] = decode_.parked.front();
    decode_.parked.pop_front();
    hand_over(prefill_station_[id], id);
  }
}

void DeploymentRun::account_up(Station& station) {
  const double up_s = loop_.now() - station.up_since_s;
  const GroupModel& group = groups_[station.group];
  outcome_.groups[station.group].up_s += up_s;
  const double idle_w = outcome_.groups[station.group].idle_power_w * static_cast<double>(group.shape.n_accelerators);
  outcome_.timeline.spread(station.up_since_s, loop_.now(), {.up_seconds = up_s, .power_j = up_s * idle_w});
  station.up_since_s = loop_.now();
}

// --- autoscaling ---

void DeploymentRun::scale() {
  throw_if_starved();
  for (std::size_t group = 0; group < groups_.size(); ++group) scale_group(group);
  if (work_remains()) loop_.after(deployment_.autoscaling->interval.in(second), kScale);
}

void DeploymentRun::scale_group(std::size_t group) {
  const Autoscaling& scaling = *deployment_.autoscaling;
  const Door& door = groups_[group].shape.role == Role::decode ? decode_ : entry_;
  std::int64_t n_active = 0, n_outstanding = static_cast<std::int64_t>(door.parked.size());
  for (std::size_t i = 0; i < stations_.size(); ++i) {
    if (stations_[i].group != group) continue;
    n_outstanding += replicas_[i].n_outstanding();
    n_active += stations_[i].condition == Condition::up || stations_[i].condition == Condition::starting;
  }
  const std::int64_t most = deployment_.groups[group].n_replicas;
  const std::int64_t wanted =
      std::clamp(static_cast<std::int64_t>(std::ceil(static_cast<double>(n_outstanding) / scaling.target_outstanding)),
                 std::min(scaling.min_replicas, most), most);
  if (wanted >= n_active) fewer_suffice_since_s_[group] = loop_.now();
  for (std::uint32_t i = 0; i < stations_.size() && n_active < wanted; ++i) {
    Station& station = stations_[i];
    if (station.group != group) continue;
    if (station.condition == Condition::draining) {
      station.condition = Condition::up;
      list_candidates();
      ++n_active;
    } else if (station.condition == Condition::off) {
      station.condition = Condition::starting;
      station.up_since_s = loop_.now();
      ++outcome_.n_starts;
      loop_.after(scaling.cold_start.in(second), kUp, i, station.n_failures);
      ++n_active;
    }
  }
  if (n_active <= wanted || loop_.now() - fewer_suffice_since_s_[group] < scaling.cool_down.in(second)) return;
  for (std::uint32_t i = static_cast<std::uint32_t>(stations_.size()); i-- > 0;) {
    if (stations_[i].group != group || stations_[i].condition != Condition::up) continue;
    stations_[i].condition = Condition::draining;
    list_candidates();
    stop_if_drained(i);
    break;
  }
}

void DeploymentRun::stop_if_drained(std::uint32_t index) {
  Station& station = stations_[index];
  if (station.condition != Condition::draining || replicas_[index].n_outstanding() > 0) return;
  account_up(station);
  station.condition = Condition::off;
}

// --- failures ---

void DeploymentRun::schedule_failure(std::uint32_t index) {
  if (!deployment_.failures) return;
  const double mean_s = deployment_.failures->mean_time_between.in(second) /
                        static_cast<double>(groups_[stations_[index].group].shape.n_accelerators);
  loop_.after(failure_random_.exponential(mean_s), kFail, index, stations_[index].n_failures);
}

// The requests it held start over elsewhere; what they had got is lost.
void DeploymentRun::fail(std::uint32_t index) {
  Station& station = stations_[index];
  throw_if_starved();
  if (!work_remains() || (station.condition != Condition::up && station.condition != Condition::draining)) return;
  ++station.n_failures;
  ++outcome_.n_failures;
  for (std::uint32_t& version : station.lane_versions) ++version;
  station.condition = Condition::failed;
  list_candidates();
  loop_.after(deployment_.failures->repair.in(second), kUp, index, station.n_failures);
  for (const std::uint32_t id : replicas_[index].fail()) {
    RequestRecord& request = requests_[id];
    std::erase_if(decode_.parked, [id](const auto& parked) { return parked.first == id; });
    request.charged_s = {};
    request.charge(Charge::failure, loop_.now() - request.arrival_s);
    request.first_token_s = request.decode_start_s = -1;
    request.cached_tokens = 0;
    ++request.n_retries;
    ++outcome_.n_retries;
    route(id);
  }
}

}  // namespace waferwatt::serving
