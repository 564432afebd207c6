// SPDX-License-Identifier: Apache-2.0
#pragma once
// One site while it runs: who holds which nodes, how fast they go, what waits.
#include "waferwatt/fleet/queue.hpp"
#include "job_table.hpp"
#include "site_meter.hpp"

namespace waferwatt::fleet {

enum EventKind : std::uint32_t { kArrival, kEligible, kFinish, kFailure, kRepair, kHourTick, kStep, kEnd };

class SiteRun {
 public:
  SiteRun(const FleetSpec& spec, std::uint32_t index, JobTable& table, SiteOutcome& out, RandomStream stream, engine::EventLoop& loop);

  void enqueue(std::uint32_t id);
  void finish(std::uint32_t id);   ///< lets go of it; it is still in the table
  void fail(double now_s);
  void repair(std::uint32_t node);
  void start_hour(power::HourIndex hour);
  void step();                     ///< accelerators, halls or power came
  void end();                      ///< books what still runs
  void schedule();                 ///< starts what may start now
  void schedule_failure();

  double backlog_s() const { return backlog_accelerator_s_ / std::max<double>(1, static_cast<double>(site_.n_accelerators())); }
  SiteHour sample() const;
  std::int64_t largest_gang() const { return largest_gang_; }

 private:
  struct Run {
    std::uint32_t id;
    Placement placement;
    double n, per_work;          // accelerators; accelerator-seconds per second of work at full speed
    double speed = 1, watts, needed_w, floor_w, static_part, clock_bound;
    double last_s, overhead_s, work_left_s, work_s = 0, used_s = 0;  // used: accelerator-seconds at full speed in this attempt
    double checkpoint_share, spread_share;
    SiteMeter::PerWatt mark;
  };

  // site_run.cpp: jobs
  bool try_start(std::uint32_t id);
  void start(std::uint32_t id, Placement placement);
  void update(Run& run);
  /// \param cause nothing at the job's or the run's end; a failure loses the work since the last checkpoint
  void stop(std::uint32_t id, std::optional<LossCause> cause);
  void lose(std::uint32_t id, double accelerator_s);
  void requeue(std::uint32_t id);
  void plan_finish(Run& run);
  void book(const Run& run, double kept_s);
  void charge_energy(Run& run);
  void resize(std::uint32_t id, std::int64_t n);

  // site_schedule.cpp: queue
  struct Reservation {
    double at_s;
    std::int64_t extra;
  };
  Reservation reserve(std::int64_t n) const;
  bool make_room(const Job& job);
  void shrink_for(const Job& job);
  void grow_elastic();

  // site_power.cpp: power and accounts of what is free
  void settle();
  void set_power();
  void apply_caps();
  void shed();
  bool power_admits(const Job& job, double n) const;
  double watts_of(const Job& job) const;
  double idle_w() const { return static_cast<double>(nodes_.n_free()) * idle_each_w_; }
  void set_free_use();

  const FleetSpec& spec_;
  const FleetSite& site_;
  std::uint32_t index_;
  JobTable& table_;
  SiteOutcome& out_;
  RandomStream failures_, repairs_;
  engine::EventLoop& loop_;
  SiteMeter meter_;
  Nodes nodes_;
  JobQueue queue_;
  std::vector<Run> runs_;
  std::vector<std::vector<std::uint32_t>> jobs_on_;  // by node
  std::vector<bool> broken_;
  std::uint32_t n_in_service_ = 0;                   // nodes 0 .. n are energised
  std::int64_t n_broken_ = 0, n_busy_ = 0, largest_gang_ = 0;
  double delivered_ = 0, awaiting_site_ = 0, awaiting_power_ = 0;
  double jobs_w_ = 0, floors_w_ = 0, idle_each_w_, settled_s_ = 0, backlog_accelerator_s_ = 0;
  std::int64_t blocked_free_ = 0;                    // of the free ones, kept from a job that wants them ...
  Use blocked_use_ = Use::idle;                      // ... by this
  bool is_capped_ = false;
};

/// The value of the last step up to a time; `before` where there is none.
template <class T>
T value_at(const std::vector<TimedStep<T>>& steps, double now_s, T before) {
  for (const auto& step : steps)
    if (step.time.in(second) <= now_s) before = step.value;
  return before;
}

}  // namespace waferwatt::fleet
