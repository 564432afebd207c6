// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/engine/fluid_flows.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace waferwatt::engine {
namespace {

enum : std::uint32_t { kActivate = 1, kSolve, kWake };  // targets of the network's own events

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kTogether = 1e-12;  // seconds; merges ends that differ by rounding only

double tolerance(double now) { return std::max(kTogether, 4 * std::numeric_limits<double>::epsilon() * now); }

}  // namespace

FluidFlows::FluidFlows(EventLoop& loop, std::vector<double> capacities, double resolve_interval)
    : FlowNetwork(loop, std::move(capacities)),
      lines_(n_links()),
      resolve_interval_(resolve_interval),
      last_solve_(-kNever),
      solve_at_(kNever),
      next_wake_(kNever) {}

void FluidFlows::begin(std::uint32_t slot, double latency) {
  if (slot >= progress_.size()) progress_.resize(slot + 1);
  Progress& p = progress_[slot];
  p.left = flow(slot).bytes;
  p.rate = 0;
  p.moving = false;
  ++p.version;
  if (latency > 0)
    loop().after(latency, kEventKind, kActivate, (std::uint64_t{flow(slot).generation} << 32) | slot);
  else
    activate(slot);
}

void FluidFlows::activate(std::uint32_t slot) {
  const auto& uses = flow(slot).uses;
  Progress& p = progress_[slot];
  p.moving = true;
  p.at = loop().now();
  p.position.resize(uses.size());
  for (std::uint32_t i = 0; i < uses.size(); ++i) {
    auto& shares = lines_[uses[i].link].shares;
    p.position[i] = static_cast<std::uint32_t>(shares.size());
    shares.push_back({slot, i});
  }
  touch(uses.front().link);
}

void FluidFlows::detach(std::uint32_t slot) {
  const auto& uses = flow(slot).uses;
  Progress& p = progress_[slot];
  for (std::uint32_t i = 0; i < uses.size(); ++i) {
    auto& shares = lines_[uses[i].link].shares;
    const Share last = shares.back();
    shares[p.position[i]] = last;
    progress_[last.slot].position[last.use] = p.position[i];
    shares.pop_back();
    if (!shares.empty()) touch(uses[i].link);
  }
  p.moving = false;
  ++p.version;
}

double FluidFlows::abandon(std::uint32_t slot) {
  Progress& p = progress_[slot];
  if (!p.moving) return p.left;
  const double left = std::max(0.0, p.left - p.rate * (loop().now() - p.at));
  detach(slot);
  return left;
}

void FluidFlows::capacity_changed(std::uint32_t link, double) {
  if (lines_[link].shares.empty()) return;
  touch(link);
  schedule_solve(loop().now());  // a link that has less must not carry more
}

void FluidFlows::touch(std::uint32_t link) {
  touched_.push_back(link);
  schedule_solve(std::max(loop().now(), last_solve_ + resolve_interval_));
}

// After all that is pending at that instant.
void FluidFlows::schedule_solve(double time) {
  if (time >= solve_at_) return;
  solve_at_ = time;
  loop().at(time, kEventKind, kSolve);
}

void FluidFlows::on_event(const Event& event) {
  const auto slot = static_cast<std::uint32_t>(event.payload);
  switch (event.target) {
    case kActivate:
      if (is_current(slot, static_cast<std::uint32_t>(event.payload >> 32))) activate(slot);
      break;
    case kSolve:
      if (solve_at_ <= loop().now()) solve();  // else it was brought forward
      break;
    default:
      next_wake_ = kNever;
      complete_due();
  }
  schedule_wake();
}

// The flows and links that the touched links can reach.
void FluidFlows::collect_component() {
  ++mark_;
  component_links_.clear();
  component_flows_.clear();
  const auto reach = [&](std::uint32_t link) {
    Line& line = lines_[link];
    if (line.reached == mark_) return;
    line.reached = mark_;
    line.left = capacity(link);
    line.weight = 0;
    component_links_.push_back(link);
  };
  for (const std::uint32_t link : touched_) reach(link);
  touched_.clear();
  for (std::size_t next = 0; next < component_links_.size(); ++next) {
    for (const Share& share : lines_[component_links_[next]].shares) {
      Progress& p = progress_[share.slot];
      if (p.reached == mark_) continue;
      p.reached = mark_;
      p.fixed = false;
      component_flows_.push_back(share.slot);
      for (const auto& use : flow(share.slot).uses) {
        reach(use.link);
        lines_[use.link].weight += use.weight;
      }
    }
  }
}

void FluidFlows::solve() {
  const double now = last_solve_ = loop().now();
  solve_at_ = kNever;
  collect_component();
  for (const std::uint32_t slot : component_flows_) {
    Progress& p = progress_[slot];
    p.left = std::max(0.0, p.left - p.rate * (now - p.at));
    p.at = now;
  }
  fill();
}

// Progressive filling: the link with the least to give per weight fixes its flows, and so on.
void FluidFlows::fill() {
  using Offer = std::pair<double, std::uint32_t>;
  const auto later = [](const Offer& a, const Offer& b) { return a > b; };
  std::vector<Offer> offers;
  offers.reserve(component_links_.size());
  for (const std::uint32_t link : component_links_)
    if (!lines_[link].shares.empty()) offers.emplace_back(lines_[link].left / lines_[link].weight, link);
  std::ranges::make_heap(offers, later);
  std::size_t n_left = component_flows_.size();
  while (n_left > 0 && !offers.empty()) {
    std::ranges::pop_heap(offers, later);
    const auto [offered, link] = offers.back();
    offers.pop_back();
    Line& line = lines_[link];
    const bool spent = std::ranges::all_of(line.shares, [&](const Share& s) { return progress_[s.slot].fixed; });
    if (spent) continue;
    const double rate = line.left / line.weight;
    if (rate > offered * (1 + 1e-12)) {  // others took less than their share since
      offers.emplace_back(rate, link);
      std::ranges::push_heap(offers, later);
      continue;
    }
    for (const Share& share : line.shares)
      if (!progress_[share.slot].fixed) {
        fix(share.slot, std::max(0.0, offered));
        --n_left;
      }
  }
}

void FluidFlows::fix(std::uint32_t slot, double rate) {
  Progress& p = progress_[slot];
  p.fixed = true;
  for (const auto& use : flow(slot).uses) {
    Line& line = lines_[use.link];
    line.left = std::max(0.0, line.left - rate * use.weight);
    line.weight = std::max(line.weight - use.weight, std::numeric_limits<double>::min());
  }
  if (std::abs(rate - p.rate) <= 1e-14 * rate && rate > 0) return;  // the completion time stands
  p.rate = rate;
  ++p.version;
  if (rate > 0) {
    completions_.push_back({p.at + p.left / rate, slot, p.version});
    std::push_heap(completions_.begin(), completions_.end(), std::greater{});
  }
}

void FluidFlows::complete_due() {
  const double now = loop().now();
  while (!completions_.empty()) {
    const Completion first = completions_.front();
    const Progress& p = progress_[first.slot];
    const bool stale = !p.moving || p.version != first.version;
    if (!stale && first.time > now + tolerance(now)) break;
    std::pop_heap(completions_.begin(), completions_.end(), std::greater{});
    completions_.pop_back();
    if (stale) continue;
    detach(first.slot);
    finish(first.slot);
  }
}

void FluidFlows::schedule_wake() {
  while (!completions_.empty()) {
    const Completion& first = completions_.front();
    if (progress_[first.slot].moving && progress_[first.slot].version == first.version) break;
    std::pop_heap(completions_.begin(), completions_.end(), std::greater{});
    completions_.pop_back();
  }
  if (completions_.empty() || solve_at_ <= loop().now()) return;
  const double time = std::max(completions_.front().time, loop().now());
  if (time >= next_wake_) return;
  next_wake_ = time;
  loop().at(time, kEventKind, kWake);
}

}  // namespace waferwatt::engine
