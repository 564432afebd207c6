// SPDX-License-Identifier: Apache-2.0
#pragma once
// Running a scenario, in a child process of its own.
#include <functional>
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

/// The most memory that this process has used so far.
DataSize peak_memory();

/// The scenario could not be run to its end: it crashed, ran out of time or memory. Our bug, or a
/// limit of the caller's.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Same scenario and seed, same result.
/// \throws InputError, InfeasibleError as the run does; RunError naming the scenario
Outcome run_isolated(const Scenario& scenario, const RunOptions& options = {});

/// Other work that gives a result, in a child as above; `name` stands for it in messages.
Outcome run_isolated(const std::string& name, const RunOptions& options, const std::function<Result()>& work);

struct NamedScenario {
  std::string name;  ///< in messages
  const Scenario* scenario = nullptr;
};

/// How one of many runs ended: exactly one of these holds something.
struct RunEnd {
  std::optional<Outcome> outcome;
  std::string infeasible;  ///< why there is no solution
  std::string failure;     ///< bad input, a crash, no time or memory left
};

/// Each in a child of its own, `options.n_jobs` at a time, on one core each. `on_done` is called in the caller's
/// thread, in the order in which runs end. One that fails leaves the others alone.
/// \throws engine::Interrupted on SIGINT and SIGTERM
void run_each_isolated(const std::vector<NamedScenario>& scenarios, const RunOptions& options,
                       const std::function<void(std::size_t index, const RunEnd& end)>& on_done);

}  // namespace waferwatt::scenario
