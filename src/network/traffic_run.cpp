// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/engine/fluid_flows.hpp"
#include "waferwatt/network/traffic.hpp"

namespace waferwatt::network {

/// One simulation of a traffic: the handler of the loop.
class TrafficRun final : public engine::EventHandler {
 public:
  TrafficRun(const Traffic& traffic, engine::EventLoop& loop, engine::FlowNetwork& flows)
      : traffic_(traffic), loop_(loop), flows_(flows), state_(traffic.first_state_) {
    const auto n_jobs = static_cast<std::uint32_t>(traffic.jobs_.size());
    progress_.resize(n_jobs);
    executions_.assign(traffic.states_.size() * n_jobs, 0);
    for (std::uint32_t job = 0; job < n_jobs; ++job)
      if (traffic.jobs_[job].n_repetitions > 0) loop.at(loop.now() + traffic.jobs_[job].start.base(), kStart, job);
    for (std::uint32_t i = 0; i < traffic.steps_.size(); ++i) loop.at(loop.now() + traffic.steps_[i].at_s, kChange, i);
  }

  TrafficResult result() {
    TrafficResult result;
    result.end = Time::from_base(end_);
    for (std::size_t job = 0; job < progress_.size(); ++job) {
      Progress& p = progress_[job];
      if (static_cast<std::int64_t>(p.result.repetitions.size()) < traffic_.jobs_[job].n_repetitions)
        p.result.stalled = p.waiting ? plan(static_cast<std::uint32_t>(job)).impossible
                                     : "a failed link on the way never came back";
      result.jobs.push_back(std::move(p.result));
    }
    std::vector<double> bytes(traffic_.n_links_, 0.0);
    for (std::size_t i = 0; i < executions_.size(); ++i) {
      if (executions_[i] == 0) continue;
      const std::size_t n_jobs = progress_.size();
      for (const auto& phase : traffic_.plans_[i / n_jobs][i % n_jobs].phases)
        for (const std::uint32_t t : phase)
          for (const auto& use : traffic_.transfers_[t].original)
            bytes[use.link] += executions_[i] * use.weight * traffic_.transfers_[t].bytes;
    }
    for (const double b : bytes) result.link_bytes.push_back(DataSize::from_base(b));
    return result;
  }

  void handle(const engine::Event& event, engine::EventLoop&) override {
    if (flows_.handle(event)) return;
    switch (event.kind) {
      case kStart:
        return start(event.target);
      case kEnd:
        if (event.payload == progress_[event.target].attempt) transfer_ended(event.target);
        return;
      case kChange:
        return change(traffic_.steps_[event.target]);
      default:
        if (event.payload == progress_[event.target].attempt) fail_over(event.target);
    }
  }

 private:
  enum : std::uint32_t { kStart, kEnd, kChange, kFailover };

  struct Progress {
    JobResult result;
    double started = 0;
    std::uint64_t attempt = 0;  // events of earlier ones are stale
    std::uint32_t state = 0;    // whose plan it follows
    std::size_t phase = 0;
    std::vector<engine::FlowNetwork::FlowId> flows;
    std::size_t n_running = 0;
    bool waiting = false;  // until there is a way
  };

  const Traffic::FoldedPlan& plan(std::uint32_t job) const { return traffic_.plans_[progress_[job].state][job]; }

  void start(std::uint32_t job) {
    progress_[job].started = loop_.now();
    attempt(job);
  }

  void attempt(std::uint32_t job) {
    Progress& p = progress_[job];
    ++p.attempt;
    p.state = state_;
    p.phase = 0;
    p.waiting = !plan(job).impossible.empty();
    if (!p.waiting) start_phase(job, traffic_.jobs_[job].launch.base());
  }

  void start_phase(std::uint32_t job, double launch) {
    Progress& p = progress_[job];
    p.flows.clear();
    if (p.phase == plan(job).phases.size()) return repetition_ended(job);
    const auto& phase = plan(job).phases[p.phase];
    p.n_running = phase.size();
    for (const std::uint32_t t : phase) {
      const auto& transfer = traffic_.transfers_[t];
      p.flows.push_back(flows_.start(transfer.uses, transfer.bytes, launch + transfer.latency_s, {kEnd, job, p.attempt}));
    }
  }

  void transfer_ended(std::uint32_t job) {
    Progress& p = progress_[job];
    if (--p.n_running > 0) return;
    ++p.phase;
    start_phase(job, 0);
  }

  void repetition_ended(std::uint32_t job) {
    Progress& p = progress_[job];
    const Job& spec = traffic_.jobs_[job];
    ++p.attempt;
    end_ = loop_.now();
    p.result.repetitions.push_back({Time::from_base(p.started), Time::from_base(end_)});
    ++executions_[p.state * progress_.size() + job];
    if (static_cast<std::int64_t>(p.result.repetitions.size()) < spec.n_repetitions)
      loop_.after(spec.pause.base(), kStart, job);
  }

  void change(const Traffic::Step& step) {
    if (step.folded < flows_.n_links()) flows_.set_capacity(step.folded, step.capacity);
    if (step.state == state_) return;
    state_ = step.state;
    for (std::uint32_t job = 0; job < progress_.size(); ++job) {
      Progress& p = progress_[job];
      if (p.waiting)
        attempt(job);
      else if (!p.flows.empty() && crosses_failed(job))
        loop_.after(traffic_.failover_.base(), kFailover, job, p.attempt);
    }
  }

  bool crosses_failed(std::uint32_t job) const {
    for (const std::uint32_t t : plan(job).phases[progress_[job].phase])
      for (const auto& use : traffic_.transfers_[t].uses)
        if (flows_.capacity(use.link) == 0) return true;
    return false;
  }

  /// The collective begins anew on other ways.
  void fail_over(std::uint32_t job) {
    Progress& p = progress_[job];
    if (p.waiting || p.flows.empty() || !crosses_failed(job)) return;
    for (const auto flow : p.flows)
      if (flows_.is_alive(flow)) flows_.cancel(flow);
    ++p.result.n_restarts;
    attempt(job);
  }

  const Traffic& traffic_;
  engine::EventLoop& loop_;
  engine::FlowNetwork& flows_;
  std::uint32_t state_;
  std::vector<Progress> progress_;
  std::vector<double> executions_;  // of each plan: by state, then job
  double end_ = 0;
};

TrafficResult simulate(const Traffic& traffic, engine::EventLoop& loop, engine::FlowNetwork& flows) {
  TrafficRun run(traffic, loop, flows);
  loop.run(run);
  return run.result();
}

TrafficResult simulate(const Traffic& traffic) {
  engine::BareLoop loop;
  engine::FluidFlows flows(loop, traffic.capacities());
  return simulate(traffic, loop, flows);
}

}  // namespace waferwatt::network
