// SPDX-License-Identifier: Apache-2.0
#pragma once
// Many jobs on one datacenter or several: queues, gangs, failures, power.
//
// Time is in seconds from the start of the run on the loop given. Jobs progress at speed x (1 + c)^-1 x (1 + s)^-1 x
// (n / n0)^a with c the checkpoints' share, s the penalty of a spread gang, a the exponent of elastic jobs. A failure takes a
// training job back to its last checkpoint, and any job to the queue; a preemption or a resize saves one first. Energy, carbon and cost are
// exact integrals over state changes and hours.
//
// Left out: traffic between jobs, storage, the time of the scheduler; checkpoints are spread evenly over the work.
#include <functional>

#include "waferwatt/core/random.hpp"
#include "waferwatt/engine/event_loop.hpp"
#include "waferwatt/fleet/job_stream.hpp"
#include "waferwatt/fleet/ledger.hpp"
#include "waferwatt/fleet/placement.hpp"
#include "waferwatt/fleet/policy.hpp"
#include "waferwatt/fleet/site.hpp"
#include "waferwatt/power/capping.hpp"

namespace waferwatt::fleet {

/// What decides where and when a job that has a choice runs.
enum class ShiftGoal { none, carbon, price };

struct FleetSpec {
  std::vector<FleetSite> sites;
  const SchedulingPolicy* policy = find_policy("easy");
  PlacementPolicy placement = PlacementPolicy::packed;
  power::CapPolicy capping = power::CapPolicy::uniform;
  ShiftGoal shift = ShiftGoal::none;
  std::int64_t backfill_depth = 200;  ///< jobs looked at behind the first
  double elastic_exponent = 0.9;
  Time horizon;                       ///< zero: until every job is done
};

struct SiteHour {
  power::HourIndex hour;
  std::uint32_t site;
  double it_w, meter_w, pue, carbon_kg_per_j, price_usd_per_j;
  std::int64_t n_busy, n_free, n_waiting;
};

struct SiteOutcome {
  Ledger ledger;
  double accelerator_s = 0;  ///< delivered accelerators over time, counted on its own
  double it_j = 0, overhead_j = 0, meter_j = 0, jobs_j = 0, idle_j = 0;
  double carbon_kg = 0, cost_usd = 0, water_l = 0, peak_w = 0;
  double in_service_s = 0, busy_s = 0, overdraft_s = 0;
  std::array<double, kLossCauseNames.size()> lost_s{};  ///< accelerator-seconds of lost work, by LossCause
  std::int64_t n_failures = 0;
};

struct FleetOutcome {
  std::vector<SiteOutcome> sites;
  std::vector<SiteHour> hours;  ///< every hour, or every few of a long run
  double end_s = 0;
  std::int64_t n_rejected = 0, n_completed = 0, n_unfinished = 0, n_delayed_starts = 0, n_events = 0;

  Ledger ledger() const;
};

/// \param stream for failures
/// \param sink takes each job once: at its end or rejection, the others at the end of the run in the order of their submission
FleetOutcome simulate(engine::EventLoop& loop, const FleetSpec& spec, JobStream& jobs, RandomStream stream, JobSink& sink,
                      const std::function<void(double fraction)>& progress = {});

}  // namespace waferwatt::fleet
