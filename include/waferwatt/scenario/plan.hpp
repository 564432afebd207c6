// SPDX-License-Identifier: Apache-2.0
#pragma once
// The best parallel plan of a training scenario, the best deployment of a serving scenario.
#include "waferwatt/scenario/runner.hpp"

namespace waferwatt::scenario {

/// What may be made least, the default first. \throws InputError for a kind that has no plans
std::vector<std::string> objectives(const Scenario& scenario);

/// Ranked plans or deployments as tables, the best in the headline.
/// \param objective one of objectives(); empty: the first
/// \throws InputError for another objective or a kind that has no plans
Result search_plans(const Scenario& scenario, const std::string& objective, unsigned n_jobs);

/// A scenario whose question is that of a search, so that a results folder can be written of it.
struct PlanSearch {
  Scenario scenario;
  Outcome outcome;
};

/// The same search in a child of its own. \throws InputError as search_plans, RunError as run_isolated
PlanSearch run_plan_search(Scenario scenario, const std::string& objective, const RunOptions& options);

}  // namespace waferwatt::scenario
