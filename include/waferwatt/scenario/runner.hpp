// SPDX-License-Identifier: Apache-2.0
#pragma once
// Running a scenario, in a child process of its own.
#include <optional>

#include "waferwatt/scenario/scenario.hpp"

namespace waferwatt::scenario {

struct RunOptions {
  std::optional<Time> timeout = {};
  std::optional<DataSize> memory_limit = {};
  unsigned n_jobs = 1;  ///< processor cores that the run may use
  /// Called in the caller's process while the child runs.
  std::function<void(double fraction, const std::string& what)> progress = [](double, const std::string&) {};
};

struct Outcome {
  Result result;
  Time wall_time;
  DataSize peak_memory;  ///< of the child, the catalog it shares with its parent included
};

/// The scenario could not be run to its end: it crashed, ran out of time or memory. Our bug, or a
/// limit of the caller's.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Same scenario and seed, same result.
/// \throws InputError, InfeasibleError as the run does; RunError naming the scenario
Outcome run_isolated(const Scenario& scenario, const RunOptions& options = {});

}  // namespace waferwatt::scenario
