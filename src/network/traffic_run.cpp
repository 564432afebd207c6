// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "traffic_log.hpp"
#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/engine/child.hpp"
#include "waferwatt/engine/fluid_flows.hpp"
#include "waferwatt/engine/simgrid_flows.hpp"
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

  TrafficLog log() const {
    TrafficLog log{{}, executions_, end_};
    for (const Progress& p : progress_) log.jobs.push_back({p.times, p.n_restarts, p.state, p.waiting});
    return log;
  }

  static TrafficResult result(const Traffic& traffic, TrafficLog log, EngineChoice choice) {
    TrafficResult result{{}, {}, Time::from_base(log.end), std::move(choice)};
    const std::size_t n_jobs = log.jobs.size();
    for (std::size_t job = 0; job < n_jobs; ++job) {
      const TrafficLog::Job& one = log.jobs[job];
      JobResult& ended = result.jobs.emplace_back();
      for (std::size_t i = 0; i < one.times.size(); i += 2)
        ended.repetitions.push_back({Time::from_base(one.times[i]), Time::from_base(one.times[i + 1])});
      ended.n_restarts = one.n_restarts;
      if (static_cast<std::int64_t>(ended.repetitions.size()) < traffic.jobs_[job].n_repetitions)
        ended.stalled = one.waiting ? traffic.plans_[one.state][job].impossible : "a failed link on the way never came back";
    }
    std::vector<double> bytes(traffic.n_links_, 0.0);
    for (std::size_t i = 0; i < log.executions.size(); ++i) {
      if (log.executions[i] == 0) continue;
      for (const auto& phase : traffic.plans_[i / n_jobs][i % n_jobs].phases)
        for (const std::uint32_t t : phase)
          for (const auto& use : traffic.transfers_[t].original)
            bytes[use.link] += log.executions[i] * use.weight * traffic.transfers_[t].bytes;
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
    std::vector<double> times;  // start and end of each repetition
    std::int64_t n_restarts = 0;
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
    p.times.insert(p.times.end(), {p.started, end_});
    ++executions_[p.state * progress_.size() + job];
    if (static_cast<std::int64_t>(p.times.size() / 2) < spec.n_repetitions)
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
    ++p.n_restarts;
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

namespace {

TrafficLog run(const Traffic& traffic, engine::EventLoop& loop, engine::FlowNetwork& flows) {
  TrafficRun run(traffic, loop, flows);
  loop.run(run);
  return run.log();
}

TrafficLog run_by_simgrid(const Traffic& traffic) {
  const std::string bytes = engine::run_in_child("flows by SimGrid", {}, [&] {
    engine::SimgridLoop loop;
    engine::SimgridFlows flows(loop, traffic.capacities());
    return run(traffic, loop, flows).bytes();
  });
  return TrafficLog::from(bytes);
}

TrafficLog run_by_fluid(const Traffic& traffic, Time resolve_interval) {
  engine::BareLoop loop;
  engine::FluidFlows flows(loop, traffic.capacities(), resolve_interval.in(second));
  return run(traffic, loop, flows);
}

}  // namespace

TrafficResult simulate(const Traffic& traffic, engine::EventLoop& loop, engine::FlowNetwork& flows) {
  return TrafficRun::result(traffic, run(traffic, loop, flows), {});
}

TrafficResult simulate(const Traffic& traffic, std::optional<FlowEngine> engine, Time resolve_interval) {
  EngineChoice choice = traffic.choice();
  if (resolve_interval > Time{}) choice = {FlowEngine::fluid, "rates are worked out at intervals"};
  if (engine) choice = {*engine, "asked for"};
  if (choice.engine == FlowEngine::simgrid)
    if (const std::string reason = traffic.unfit_for_simgrid(); !reason.empty()) throw InputError("engine: SimGrid cannot carry the traffic: " + reason);
  TrafficLog log = choice.engine == FlowEngine::simgrid ? run_by_simgrid(traffic) : run_by_fluid(traffic, resolve_interval);
  return TrafficRun::result(traffic, std::move(log), std::move(choice));
}

}  // namespace waferwatt::network
