// SPDX-License-Identifier: Apache-2.0
#pragma once
// What failures and checkpoints leave of a run's time.
//
// Interruptions come at random, exponentially, each accelerator alike; after one the job is found dead,
// restarted from the last checkpoint, and does the lost work again. With M the job's mean time between
// interruptions, t the interval of checkpoints, d the time one stops the job, and R that of finding and
// restarting:
//
//   (1)  wall time / useful time = (M / t) e^(R/M) (e^((t + d)/M) - 1)      (Daly 2006, equation 20)
//   (2)  t = sqrt(2 d M) - d                                                  (Young 1974, Daly's first order)
//
// A failed part is replaced by a spare; with s spares, repair time r and hardware failures at rate h the
// repairs under way are Poisson with mean h r, and a failure that finds none left waits r / (s + 1).
#include <string>
#include <vector>

#include "waferwatt/core/quantity.hpp"

namespace waferwatt::training {

/// Interruptions of one kind in accelerator-hours between them.
struct FailureKind {
  std::string component;
  double per_accelerator_hour = 0;
  bool needs_spare = true;  ///< hardware that is swapped; software restarts where it was
};

/// Rates of Llama 3's 405B run: 419 unexpected interruptions of 16,384 H100 in 54 days (arXiv 2407.21783,
/// table 5), one in 50,700 accelerator-hours.
const std::vector<FailureKind>& observed_failures();

struct Reliability {
  std::vector<FailureKind> failures = observed_failures();
  Time detection = 5 * minute;  ///< until the job is known to be dead
  Time restart = 10 * minute;   ///< scheduling, starting ranks, reading the checkpoint
  double n_spares = 16;         ///< accelerators beside those that work
  Time repair = 24 * hour;
};

struct Checkpointing {
  Bandwidth storage_bandwidth = 200 * giga * byte / second;  ///< of the whole job
  bool asynchronous = true;  ///< the job stops only to copy its state to the host
  Bandwidth host_bandwidth = 20 * giga * byte / second;  ///< of one accelerator to its host
  Time interval;             ///< zero: the best, equation (2)
};

/// Shares of the wall time; they add up to one.
struct Goodput {
  Time mean_time_between_interruptions, interval, stop;
  double n_per_day = 0;
  double useful = 1, checkpoint = 0, lost = 0, restart = 0, spare = 0;
};

/// \param state weights and optimizer of the whole model
Goodput goodput(const Reliability&, const Checkpointing&, double n_accelerators, DataSize state);

/// Slowest of n accelerators over the mean, whose speeds are normal with a relative spread: 1 + s sqrt(2 ln n).
double straggler_slowdown(double n, double spread);

}  // namespace waferwatt::training
