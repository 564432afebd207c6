// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "waferwatt/scenario/serving_scenario.hpp"
#include "waferwatt/scenario/training_scenario.hpp"

namespace waferwatt::scenario {
namespace {

/// The scenario's own record, read back from its resolved form.
template <class Record>
Record record_of(const Scenario& loaded) {
  Diagnostics diagnostics;
  io::ReadContext context{diagnostics};
  Record record;
  Record::record().read(loaded.model->resolved(), "", context, record);
  diagnostics.throw_if_any();
  return record;
}

template <class Objective>
Objective objective_of(const std::string& name) {
  for (const auto& [objective, text] : io::EnumTexts<Objective>::values)
    if (name == text) return objective;
  throw InputError(fmt::format("unknown objective \"{}\"{}", name, suggestion(name, io::enum_texts<Objective>(), "objectives")));
}

}  // namespace

std::vector<std::string> objectives(const Scenario& scenario) {
  if (scenario.header.kind == "training") return io::enum_texts<training::Objective>();
  if (scenario.header.kind == "serving") return io::enum_texts<ServingObjective>();
  throw InputError(fmt::format("plans are searched for kinds \"training\" and \"serving\", not \"{}\"", scenario.header.kind));
}

Result search_plans(const Scenario& scenario, const std::string& objective, unsigned n_jobs) {
  const std::string default_objective = objectives(scenario).front();
  const std::string& name = objective.empty() ? default_objective : objective;
  if (scenario.header.kind == "training")
    return plan_search(record_of<TrainingScenario>(scenario), *scenario.catalog, objective_of<training::Objective>(name), n_jobs);
  return deployment_search(record_of<ServingScenario>(scenario), *scenario.catalog, objective_of<ServingObjective>(name),
                           static_cast<std::uint64_t>(scenario.header.seed), n_jobs);
}

PlanSearch run_plan_search(Scenario scenario, const std::string& objective, const RunOptions& options) {
  const std::string chosen = objective.empty() ? objectives(scenario).front() : objective;
  Outcome outcome = run_isolated(fmt::format("search for plans of \"{}\"", scenario.header.name), options, [&] { return search_plans(scenario, chosen, options.n_jobs); });
  scenario.header.question = scenario.header.kind == "training" ? fmt::format("Which parallel plan takes the least {} for an iteration?", chosen)
                                                                : fmt::format("Which deployment holds the service level with the least {}?", chosen);
  return {std::move(scenario), std::move(outcome)};
}

}  // namespace waferwatt::scenario
