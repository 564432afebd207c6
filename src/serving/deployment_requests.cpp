// SPDX-License-Identifier: Apache-2.0
// A deployment's requests: from the stream to a replica, from prefill to decode, to their end.
#include <fmt/format.h>

#include <algorithm>

#include "deployment_run.hpp"

namespace waferwatt::serving {

void DeploymentRun::count_in_system(int change) {
  outcome_.request_seconds += static_cast<double>(n_in_system_) * (loop_.now() - system_settled_s_);
  system_settled_s_ = loop_.now();
  n_in_system_ += change;
}

std::uint32_t DeploymentRun::add(Request& request) {
  if (free_ids_.empty()) {
    free_ids_.push_back(static_cast<std::uint32_t>(requests_.size()));
    requests_.emplace_back();
    prefill_station_.push_back(0);
  }
  const std::uint32_t id = free_ids_.back();
  free_ids_.pop_back();
  RequestRecord& record = requests_[id];
  std::vector<std::uint64_t> hashes = std::move(record.prefix_hashes);
  hashes.assign(request.prefix_hashes.begin(), request.prefix_hashes.end());
  record = {.arrival_s = request.arrival_s,
            .input_tokens = request.input_tokens,
            .output_tokens = request.output_tokens,
            .adapter = request.adapter,
            .priority = request.priority,
            .session = request.session,
            .prefix_hashes = std::move(hashes)};
  return id;
}

// All requests of the stream that arrive now, so that they share the first iteration; then the next one is awaited.
void DeploymentRun::arrive_all() {
  --n_to_come_;
  do {
    arrive(add(drawn_));
    stream_is_open_ = stream_.next(drawn_);
  } while (stream_is_open_ && drawn_.arrival_s <= loop_.now());
  if (!stream_is_open_) return;
  loop_.at(drawn_.arrival_s, kArrival, kFromStream);
  ++n_to_come_;
}

void DeploymentRun::arrive(std::uint32_t id) {
  RequestRecord& request = requests_[id];
  request.number = outcome_.n_arrivals++;
  ++outcome_.timeline.at(loop_.now()).n_arrivals;
  count_in_system(+1);
  request.refusal = refusal_of();
  if (request.refusal == Refusal::none) return route(id);
  request.rejected = true;
  end(id);
}

Refusal DeploymentRun::refusal_of() {
  const Admission& admission = deployment_.admission;
  if (admission.rate_limit) {
    const double rate = admission.rate_limit->in(1.0 / second);
    bucket_ = std::min(static_cast<double>(admission.burst), bucket_ + rate * (loop_.now() - bucket_filled_s_));
    bucket_filled_s_ = loop_.now();
    if (bucket_ < 1) return Refusal::rate_limited;
  }
  if (admission.max_outstanding) {
    const auto n_up = static_cast<std::int64_t>(std::max<std::size_t>(1, entry_.stations.size()));
    if (n_in_system_ > *admission.max_outstanding * n_up) return Refusal::overloaded;
  }
  if (admission.rate_limit) bucket_ -= 1;
  return Refusal::none;
}

std::size_t DeploymentRun::choose(RoutingView& view, const RequestRecord& request) const {
  if (!own_router_) return choose_replica(deployment_.router, view, request);
  const std::size_t chosen = own_router_(view, request);
  if (chosen >= view.candidates.size())
    throw InputError(fmt::format("the router chose replica {} of {} for request {}; the first is 0", chosen, view.candidates.size(), request.number));
  return chosen;
}

void DeploymentRun::route(std::uint32_t id) {
  if (entry_.stations.empty()) {
    entry_.parked.emplace_back(id, loop_.now());
    return;
  }
  entry_.view.now_s = loop_.now();
  const std::uint32_t station = entry_.stations[choose(entry_.view, requests_[id])];
  const double handling_s = groups_[stations_[station].group].shape.engine.backend.request_overhead.in(second);
  if (handling_s <= 0) return give(station, id);
  requests_[id].charge(Charge::request_handling, handling_s);
  loop_.after(handling_s, kHandled, station, id);
  ++n_to_come_;
}

// The replica's host has parsed the request; if the replica went away meanwhile, another one begins anew.
void DeploymentRun::handled(std::uint32_t station, std::uint32_t id) {
  const Condition condition = stations_[station].condition;
  if (condition == Condition::up || condition == Condition::draining) return give(station, id);
  route(id);
}

void DeploymentRun::give(std::uint32_t station, std::uint32_t id) {
  requests_[id].replica = static_cast<std::int32_t>(station);
  Replica& replica = replicas_[station];
  if (!replica.enqueue(id, loop_.now())) return end(id);
  bool is_idle = false;
  for (std::size_t lane = 0; lane < replica.n_lanes(); ++lane) {
    is_idle |= !replica.is_running(lane);
    if (replica.n_steps(lane) == 1 || !replica.is_running(lane)) continue;
    const std::int64_t n_steps = replica.n_steps(lane);
    const double ends_s = replica.cut(loop_.now(), lane);
    if (replica.n_steps(lane) != n_steps) schedule_end(station, lane, ends_s);
  }
  if (is_idle) wake(station);
}

void DeploymentRun::end(std::uint32_t id) {
  const RequestRecord& done = requests_[id];
  count_in_system(-1);
  sink_.take(done);
  followed_.prefix_hashes.clear();
  if (stream_.follow_up(done, loop_.now(), followed_)) {
    follows_at_once_ |= followed_.arrival_s <= loop_.now();
    loop_.at(std::max(loop_.now(), followed_.arrival_s), kArrival, add(followed_));
    ++n_to_come_;
  }
  free_ids_.push_back(id);
}

// The prompt's replica keeps its KV cache until the transfer is over. A replica's link carries one transfer at a time.
void DeploymentRun::hand_over(std::uint32_t from, std::uint32_t id) {
  prefill_station_[id] = from;
  if (decode_.stations.empty()) {
    decode_.parked.emplace_back(id, loop_.now());
    return;
  }
  decode_.view.now_s = loop_.now();
  const std::uint32_t to = decode_.stations[choose(decode_.view, requests_[id])];
  const GroupModel &source = groups_[stations_[from].group], &target = groups_[stations_[to].group];
  const double n_source = static_cast<double>(source.shape.n_accelerators),
               n_target = static_cast<double>(target.shape.n_accelerators);
  const DataSize size = source.kv_per_token * static_cast<double>(requests_[id].input_tokens);
  const Bandwidth bandwidth = std::min(source.transfer_bandwidth * n_source, target.transfer_bandwidth * n_target);
  const double start_s = std::max({loop_.now(), stations_[from].link_free_s, stations_[to].link_free_s});
  const double sent_s = start_s + (size / bandwidth).in(second);
  stations_[from].link_free_s = stations_[to].link_free_s = sent_s;
  replicas_[to].expect(+1);
  ++outcome_.n_transfers;
  outcome_.transferred_byte += size.in(byte);
  const std::uint64_t n_retries = static_cast<std::uint32_t>(requests_[id].n_retries);
  loop_.at(sent_s + source.transfer_latency.in(second), kTransferred, to, (n_retries << 32) | id);
}

void DeploymentRun::transferred(std::uint32_t to, std::uint32_t id, std::uint32_t n_retries) {
  RequestRecord& request = requests_[id];
  replicas_[to].expect(-1);
  // Stale: the prompt's replica failed in the meantime, and the request started over.
  if (static_cast<std::uint32_t>(request.n_retries) != n_retries || request.first_token_s < 0) return;
  const std::uint32_t from = prefill_station_[id];
  if (stations_[to].condition != Condition::up && stations_[to].condition != Condition::draining)
    return hand_over(from, id);
  request.charge(Charge::transfer, loop_.now() - request.first_token_s);
  replicas_[from].release(id);
  wake(from);
  stop_if_drained(from);
  give(to, id);
}

}  // namespace waferwatt::serving
