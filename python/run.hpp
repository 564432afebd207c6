// SPDX-License-Identifier: Apache-2.0
#pragma once
// A scenario that is read, and a run of it that is over.
#include <functional>

#include "arguments.hpp"
#include "waferwatt/engine/event_loop.hpp"
#include "waferwatt/scenario/runner.hpp"

namespace waferwatt::python {

/// Where a scenario is and how it is changed, as Python says it.
struct Source {
  std::string file_or_text;
  bool is_text = false;
  std::vector<std::string> overrides;
  std::optional<std::uint64_t> seed;
  std::string models;

  scenario::Scenario load() const;
};

/// A finished run; arrays are over the columns of its tables.
struct Run {
  scenario::Scenario scenario;
  scenario::Outcome outcome;

  std::string summary() const;
  std::string resolved() const;
  std::string html() const;
  std::vector<std::string> table_names() const;
  /// \throws key_error with the nearest name
  const core::Table& table(const std::string& name) const;
  void save(const std::string& folder, bool replace) const;
};

/// A run in this process, where functions of the user's can be called: a forked child could not.
Run run_here(scenario::Scenario loaded, const std::function<scenario::Result(engine::EventLoop&)>& work);

void bind_run(py::module_&);
void bind_simulation(py::module_&);
void bind_rules(py::module_&);

}  // namespace waferwatt::python
