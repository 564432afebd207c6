// SPDX-License-Identifier: Apache-2.0
// The search for a training scenario's best plan.
#include <fmt/format.h>

#include "training_tables.hpp"
#include "waferwatt/catalog/usable_memory.hpp"
#include "waferwatt/scenario/training_scenario.hpp"
#include "waferwatt/training/memory.hpp"

namespace waferwatt::scenario {
namespace {

Table plan_table(const std::string& name, const std::vector<training::Candidate>& plans) {
  Table table(name, {{"rank", Table::Kind::integer},
                     {"plan", Table::Kind::text},
                     {"iteration_time_s"},
                     {"memory_byte"},
                     {"energy_per_iteration_j"},
                     {"cost_per_iteration_usd"},
                     {"why", Table::Kind::text}});
  std::int64_t rank = 0;
  for (const auto& c : plans)
    table.add({++rank, training::plan_text(c.plan), c.time.in(second), c.memory.in(byte), c.energy.in(joule), c.cost.in(usd),
               rank == 1 ? std::string{"best"} : training::why_slower(c, plans.front())});
  return table;
}

/// None: the given one alone.
std::vector<network::Placement> searched(const TrainingScenario& s) {
  if (s.searched_placements == SearchedPlacements::given) return {};
  auto placements = network::all_placements();
  if (s.searched_placements == SearchedPlacements::tensor_inside)
    std::erase_if(placements, [](const network::Placement& p) { return p.order.front() != network::Axis::tensor; });
  return placements;
}

}  // namespace

Result plan_search(const TrainingScenario& s, const catalog::Catalog& catalog, training::Objective objective,
                   unsigned n_jobs) {
  Diagnostics diagnostics;
  const auto* model = s.model.resolve(catalog.language_models, diagnostics);
  const auto* accelerator = s.accelerator.resolve(catalog.accelerators, diagnostics);
  const auto* system = s.system ? s.system->resolve(catalog.systems, diagnostics) : nullptr;
  const auto* fabric = s.fabric ? s.fabric->resolve(catalog.fabrics, diagnostics) : nullptr;
  const auto* grid = s.grid.resolve(catalog.grids, diagnostics);
  diagnostics.throw_if_any();
  if (!system) system = catalog.system_of(accelerator->id);
  const auto network = network::network_of(*accelerator, system, fabric, s.n_accelerators.value, catalog);
  const cost::OperatorModel operators(*accelerator, catalog);
  const training::Machine machine{operators, *network, training::software_stack(s.software.value)};
  training::SearchSpace space{.n_accelerators = s.n_accelerators.value,
                              .base = s.plan(*accelerator, catalog),
                              .memory_capacity = catalog::usable_memory(*accelerator),
                              .surroundings = surroundings(s, *accelerator, system, *grid),
                              .placements = searched(s)};
  // A scenario that is only searched may give a plan that cannot run.
  std::string given;
  if (training::problems(space.base, *model, space.n_accelerators).empty())
    given = fmt::format("; with the plan that the scenario gives, {:.4g} s and {:.1f} GB",
                        training::step(*model, space.base, machine).iteration_time().in(second),
                        training::peak_memory(*model, space.base).total().in(giga * byte));
  const auto found = training::best_plans(*model, machine, space, objective, n_jobs);

  Result result;
  if (found.best.empty()) {
    if (found.n_plans == 0) {
      result.infeasible = fmt::format("no degrees of parallelism divide {} {} and {} sequences of {}", s.n_accelerators.value, accelerator->name,
                                      s.global_batch.value, model->name);
      return result;
    }
    result.infeasible = fmt::format("none of {} plans of {} on {} {} fits into {:.1f} GB; the smallest needs {:.1f} GB",
                                    found.n_plans, model->name, s.n_accelerators.value, accelerator->name,
                                    catalog::usable_memory(*accelerator).in(giga * byte), found.least_too_large.in(giga * byte));
    return result;
  }
  const auto& best = found.best.front();
  // How many were left out early depends on which thread found what first; what was found does not.
  result.headline = fmt::format("best of {} plans: {}: {:.4g} s an iteration, {:.1f} GB{}", found.n_plans, training::plan_text(best.plan),
                                best.time.in(second), best.memory.in(giga * byte), given);
  result.metrics = {{.name = "iteration_time", .value = best.time.in(second), .unit = "s"},
                    {.name = "memory_per_accelerator", .value = best.memory.in(byte), .unit = "B"},
                    {.name = "plans", .value = static_cast<double>(found.n_plans), .unit = "1"}};
  result.tables = {plan_table("plans", found.best), plan_table("pareto", found.pareto)};
  return result;
}

}  // namespace waferwatt::scenario
