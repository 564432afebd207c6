// SPDX-License-Identifier: Apache-2.0
// The events of a fleet.
#include <algorithm>
#include <cmath>
#include <memory>

#include "shifting.hpp"
#include "site_run.hpp"

namespace waferwatt::fleet {
namespace {

constexpr double kHour = 3600, kMostSamples = 20000;
/// A run without a horizon that goes on so much longer than its work could take is stuck.
constexpr double kPatience = 20;

class Simulation : public engine::EventHandler {
 public:
  Simulation(engine::EventLoop& loop, const FleetSpec& spec, JobStream& jobs, RandomStream stream, JobSink& sink, const std::function<void(double)>& progress)
      : loop_(loop), spec_(spec), jobs_(jobs), progress_(progress), end_s_(latest_end(spec, jobs)), shifter_(spec, end_s_), table_(sink) {
    outcome_.sites.resize(spec.sites.size());
    for (std::uint32_t i = 0; i < spec.sites.size(); ++i)
      sites_.push_back(std::make_unique<SiteRun>(spec, i, table_, outcome_.sites[i], stream, loop));
    plan();
  }

  FleetOutcome run() {
    if (is_open() || spec_.horizon > 0 * second) loop_.run(*this);
    finish();
    return std::move(outcome_);
  }

  void handle(const engine::Event& event, engine::EventLoop& loop) override {
    ++outcome_.n_events;
    switch (event.kind) {
      case kArrival: take_arrivals(); break;
      case kEligible:
        sites_[event.payload]->enqueue(event.target);
        sites_[event.payload]->schedule();
        break;
      case kFinish: end_job(event); break;
      case kFailure:
        sites_[event.target]->fail(loop.now());
        sites_[event.target]->schedule();
        break;
      case kRepair:
        sites_[event.target]->repair(static_cast<std::uint32_t>(event.payload));
        sites_[event.target]->schedule();
        break;
      case kStep:
        sites_[event.target]->step();
        sites_[event.target]->schedule();
        break;
      case kHourTick: new_hour(event.payload); break;
      default: loop.stop();
    }
    if (!is_open() && spec_.horizon <= 0 * second) loop.stop();
  }

 private:
  static double latest_end(const FleetSpec& spec, JobStream& jobs) {
    if (spec.horizon > 0 * second) return spec.horizon.in(second);
    double last = 0, longest = 0, work = 0, n = 0;
    for (Job job; jobs.next(job);) {
      last = std::max({last, (job.submit + job.slack).in(second), job.recorded_start ? job.recorded_start->in(second) : 0.0});
      longest = std::max(longest, job.duration.in(second)), work += job.duration.in(second) * static_cast<double>(job.n_accelerators);
    }
    jobs.rewind();
    for (const auto& site : spec.sites) {
      n += static_cast<double>(site.n_accelerators());
      for (const auto& step : site.energised) last = std::max(last, step.time.in(second));
    }
    return last + kPatience * (longest + work / std::max(n, 1.0)) + 48 * kHour;
  }

  void plan() {
    expect_next();
    for (std::uint32_t i = 0; i < spec_.sites.size(); ++i) {
      sites_[i]->schedule_failure();
      const auto at = [&](Time time) {
        if (time > 0 * second && time.in(second) <= end_s_) loop_.at(time.in(second), kStep, i);
      };
      for (const auto& step : spec_.sites[i].delivered) at(step.time);
      for (const auto& step : spec_.sites[i].housed) at(step.time);
      for (const auto& step : spec_.sites[i].energised) at(step.time);
    }
    loop_.at(0, kHourTick, 0, 0);
    loop_.at(end_s_, kEnd);
    const double n_hours = std::ceil(end_s_ / kHour) * static_cast<double>(spec_.sites.size());
    sample_every_ = static_cast<std::uint64_t>(std::max(1.0, std::ceil((spec_.horizon > 0 * second ? n_hours : 0) / kMostSamples)));
  }

  bool is_open() const { return has_next_ || table_.n_open() > 0; }

  void expect_next() {
    has_next_ = jobs_.next(next_);
    if (has_next_) loop_.at(std::max(next_.submit.in(second), loop_.now()), kArrival);
  }

  /// All that are submitted now, before anything else that happens now.
  void take_arrivals() {
    for (bool again = true; again;) {
      const std::uint32_t id = table_.add(std::move(next_));
      has_next_ = jobs_.next(next_);
      again = has_next_ && next_.submit.in(second) <= loop_.now();
      if (again) ++outcome_.n_events;
      arrive(id);
    }
    if (has_next_) loop_.at(next_.submit.in(second), kArrival);
  }

  void arrive(std::uint32_t id) {
    const Job& job = table_.job(id);
    std::int64_t largest = 0;
    for (std::uint32_t i = 0; i < sites_.size(); ++i)
      if (!job.site || *job.site == i) largest = std::max(largest, sites_[i]->largest_gang());
    if (job.least() > largest) {
      close(id, JobState::rejected);
      return;
    }
    std::vector<double> backlog;
    for (const auto& site : sites_) backlog.push_back(site->backlog_s());
    auto [site, start] = shifter_.choose(job, loop_.now(), backlog);
    table_.progress(id).planned_site = site, table_.progress(id).planned_s = start;
    if (spec_.policy->follows_record && job.recorded_start) start = std::max(job.recorded_start->in(second), loop_.now());
    if (start > loop_.now()) {
      loop_.at(start, kEligible, id, site);
      return;
    }
    sites_[site]->enqueue(id);
    sites_[site]->schedule();
  }

  void end_job(const engine::Event& event) {
    const std::uint32_t id = event.target;
    if (!table_.is_open(id) || table_.progress(id).generation != event.payload) return;
    auto& site = *sites_[table_.record(id).site];
    site.finish(id);
    shifter_.release(table_.job(id), {table_.progress(id).planned_site, table_.progress(id).planned_s}, loop_.now());
    close(id, JobState::completed);
    site.schedule();
  }

  void close(std::uint32_t id, JobState state) {
    auto& record = table_.record(id);
    record.state = state;
    outcome_.n_rejected += state == JobState::rejected;
    outcome_.n_completed += state == JobState::completed;
    outcome_.n_unfinished += state == JobState::waiting || state == JobState::running;
    const Job& job = table_.job(id);
    if (spec_.policy->follows_record && job.recorded_start && table_.progress(id).has_run)
      outcome_.n_delayed_starts += record.first_start_s > std::max(*job.recorded_start, job.submit).in(second) + 1;
    table_.close(id);
  }

  void new_hour(std::uint64_t index) {
    for (std::uint32_t i = 0; i < sites_.size(); ++i) {
      sites_[i]->start_hour(spec_.sites[i].first_hour + static_cast<power::HourIndex>(index));
      if (spec_.sites[i].limit) sites_[i]->schedule();
      if (index % sample_every_ == 0) outcome_.hours.push_back(sites_[i]->sample());
    }
    if (outcome_.hours.size() > 2 * static_cast<std::size_t>(kMostSamples)) thin_samples();
    const double next = static_cast<double>(index + 1) * kHour;
    if (next < end_s_) loop_.at(next, kHourTick, 0, index + 1);
    if (progress_ && index % 256 == 0) progress_(std::min(1.0, loop_.now() / end_s_));
  }

  /// Keeps every second hour: a run may be longer than foreseen.
  void thin_samples() {
    sample_every_ *= 2;
    const std::size_t n_sites = sites_.size(), n_hours = outcome_.hours.size() / n_sites;
    std::vector<SiteHour> kept;
    for (std::size_t h = 0; h < n_hours; h += 2)
      for (std::size_t i = 0; i < n_sites; ++i) kept.push_back(outcome_.hours[h * n_sites + i]);
    outcome_.hours = std::move(kept);
  }

  void finish() {
    for (auto& site : sites_) site->end();
    outcome_.end_s = loop_.now();
    for (std::uint32_t id = 0; id < table_.n_jobs(); ++id)
      if (table_.is_open(id)) close(id, table_.record(id).state);
    for (; has_next_; has_next_ = jobs_.next(next_)) close(table_.add(std::move(next_)), JobState::waiting);
  }

  engine::EventLoop& loop_;
  const FleetSpec& spec_;
  JobStream& jobs_;
  const std::function<void(double)>& progress_;
  double end_s_;
  Shifter shifter_;
  FleetOutcome outcome_;
  JobTable table_;
  Job next_;  // the next to be submitted
  bool has_next_ = false;
  std::vector<std::unique_ptr<SiteRun>> sites_;
  std::uint64_t sample_every_ = 1;
};

}  // namespace

Ledger FleetOutcome::ledger() const {
  Ledger sum;
  for (const auto& site : sites) sum += site.ledger;
  return sum;
}

FleetOutcome simulate(engine::EventLoop& loop, const FleetSpec& spec, JobStream& jobs, RandomStream stream, JobSink& sink,
                      const std::function<void(double fraction)>& progress) {
  return Simulation(loop, spec, jobs, stream, sink, progress).run();
}

}  // namespace waferwatt::fleet
