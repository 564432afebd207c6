// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/engine/flow_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace waferwatt::engine {
namespace {

void require(bool holds, const char* what, double value) {
  if (!holds) throw std::logic_error(fmt::format("{} {}", what, value));
}

void check_capacity(double capacity) {
  require(capacity >= 0 && std::isfinite(capacity), "a link's capacity must be finite and not negative, not", capacity);
}

// Sorted by link, each link once with the sum of its weights.
void merge(std::vector<LinkUse>& uses) {
  std::ranges::sort(uses, {}, &LinkUse::link);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < uses.size(); ++i) {
    if (kept > 0 && uses[kept - 1].link == uses[i].link)
      uses[kept - 1].weight += uses[i].weight;
    else
      uses[kept++] = uses[i];
  }
  uses.resize(kept);
}

}  // namespace

FlowNetwork::FlowNetwork(EventLoop& loop, std::vector<double> capacities)
    : loop_(loop), capacities_(std::move(capacities)), carried_(capacities_.size(), 0.0) {
  for (const double capacity : capacities_) check_capacity(capacity);
}

FlowNetwork::FlowId FlowNetwork::start(std::span<const LinkUse> uses, double bytes, double latency, FlowEnd end) {
  require(bytes >= 0 && std::isfinite(bytes), "a flow's bytes must be finite and not negative, not", bytes);
  require(latency >= 0 && std::isfinite(latency), "a flow's latency must be finite and not negative, not", latency);
  for (const auto& use : uses) {
    if (use.link >= n_links()) throw std::logic_error(fmt::format("link {} of {}", use.link, n_links()));
    require(use.weight > 0 && std::isfinite(use.weight), "a link's weight must be finite and above zero, not",
            use.weight);
  }
  const std::uint32_t slot = free_slot();
  Flow& flow = flows_[slot];
  flow.uses.assign(uses.begin(), uses.end());
  merge(flow.uses);
  if (bytes == 0) flow.uses.clear();
  flow.bytes = bytes;
  flow.end = end;
  flow.alive = true;
  ++n_alive_;
  const FlowId id = (FlowId{flow.generation} << 32) | slot;
  if (flow.uses.empty())
    loop_.after(latency, kEventKind, kLatencyOver, id);
  else
    begin(slot, latency);
  return id;
}

bool FlowNetwork::is_alive(FlowId id) const {
  const auto slot = static_cast<std::uint32_t>(id);
  return slot < flows_.size() && is_current(slot, static_cast<std::uint32_t>(id >> 32));
}

double FlowNetwork::cancel(FlowId id) {
  if (!is_alive(id)) throw std::logic_error(fmt::format("flow {} is not alive", id));
  const auto slot = static_cast<std::uint32_t>(id);
  const double left = flows_[slot].uses.empty() ? 0 : abandon(slot);
  release(slot, std::max(0.0, flows_[slot].bytes - left));
  return left;
}

void FlowNetwork::set_capacity(std::uint32_t link, double capacity) {
  if (link >= n_links()) throw std::logic_error(fmt::format("link {} of {}", link, n_links()));
  check_capacity(capacity);
  const double before = std::exchange(capacities_[link], capacity);
  if (before != capacity) capacity_changed(link, before);
}

bool FlowNetwork::handle(const Event& event) {
  if (event.kind != kEventKind) return false;
  if (event.target != kLatencyOver)
    on_event(event);
  else if (const auto slot = static_cast<std::uint32_t>(event.payload);
           is_current(slot, static_cast<std::uint32_t>(event.payload >> 32)))
    finish(slot);
  return true;
}

void FlowNetwork::finish(std::uint32_t slot) {
  const FlowEnd end = flows_[slot].end;
  release(slot, flows_[slot].bytes);
  loop_.at(loop_.now(), end.kind, end.target, end.payload);
}

std::uint32_t FlowNetwork::free_slot() {
  if (free_.empty()) {
    flows_.emplace_back();
    return static_cast<std::uint32_t>(flows_.size() - 1);
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

void FlowNetwork::release(std::uint32_t slot, double moved) {
  Flow& flow = flows_[slot];
  for (const auto& use : flow.uses) carried_[use.link] += use.weight * moved;
  flow.alive = false;
  ++flow.generation;
  --n_alive_;
  free_.push_back(slot);
}

}  // namespace waferwatt::engine
