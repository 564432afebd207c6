// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is asked of a fleet: gangs of accelerators for a time.
#include <cstdint>
#include <optional>
#include <string>

#include "waferwatt/core/quantity.hpp"

namespace waferwatt::fleet {

enum class JobKind { training, serving };

/// Where the running time of a job goes beside useful work; parts of it.
struct WorkSplit {
  double bubble = 0, exposed_communication = 0, memory_bound = 0;
};

struct Job {
  std::string name;
  Time submit;                     ///< from the start of the run
  std::int64_t n_accelerators = 1; ///< all at once, or not at all
  Time duration;                   ///< at full speed on n_accelerators, without failures and checkpoints
  Time estimate;                   ///< what the scheduler is told; zero: the duration
  double priority = 0;             ///< higher first
  std::uint32_t user = 0;
  JobKind kind = JobKind::training;
  std::int64_t min_accelerators = 0, max_accelerators = 0;  ///< elastic where they differ; zero: n_accelerators
  Time checkpoint_interval;        ///< zero: none, all work is lost at a failure
  Time checkpoint_stop;            ///< the job stands still
  Time restart;                    ///< from being placed again to going on
  double power_fraction = 0;       ///< IT power over nameplate while it works; zero: the site's
  double load = 1;                 ///< of a deployment: part of the time that serves
  WorkSplit split;
  Time slack;                      ///< may start this much later, for cleaner or cheaper hours
  std::optional<std::uint32_t> site;
  std::optional<Time> recorded_start;

  std::int64_t least() const { return min_accelerators > 0 ? min_accelerators : n_accelerators; }
  std::int64_t most() const { return max_accelerators > 0 ? max_accelerators : n_accelerators; }
  Time estimated() const { return estimate > 0 * second ? estimate : duration; }
};

enum class JobState { waiting, running, completed, rejected };

/// What became of it.
struct JobRecord {
  JobState state = JobState::waiting;
  std::uint32_t site = 0;
  double first_start_s = 0, finish_s = 0;
  double accelerator_s = 0, lost_s = 0, capped_s = 0;  ///< accelerator-seconds held; of them lost to failures; of them slowed
  double energy_j = 0, carbon_kg = 0, cost_usd = 0;     ///< of the facility
  std::uint32_t n_failures = 0, n_preemptions = 0;
};

}  // namespace waferwatt::fleet
