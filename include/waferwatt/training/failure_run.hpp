// SPDX-License-Identifier: Apache-2.0
#pragma once
// A run's failures and checkpoints as events, one after the other: what goodput() has in closed form.
#include "waferwatt/core/random.hpp"
#include "waferwatt/training/failure.hpp"

namespace waferwatt::training {

struct FailureRun {
  Time wall;
  Time checkpoint, lost, restart, spare;  ///< parts of it that are not useful
  std::int64_t n_interruptions = 0;

  double useful() const { return 1 - (checkpoint + lost + restart + spare) / wall; }
};

/// Works for `useful` of undisturbed time: failures come at random to each kind of part, the job is found dead,
/// waits for a spare where none is left, restarts from the last checkpoint that was written, and does the work since
/// then again. Failed parts come back after the repair time.
FailureRun failure_run(const Reliability&, const Checkpointing&, double n_accelerators, DataSize state, Time useful,
                       RandomStream stream);

}  // namespace waferwatt::training
