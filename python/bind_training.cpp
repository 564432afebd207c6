// SPDX-License-Identifier: Apache-2.0
// One training step and its memory, of a plan that need not fit.
#include "arguments.hpp"
#include "waferwatt/catalog/usable_memory.hpp"
#include "waferwatt/network/collectives.hpp"
#include "waferwatt/scenario/training_scenario.hpp"
#include "waferwatt/training/memory.hpp"
#include "waferwatt/training/software.hpp"
#include "waferwatt/training/step.hpp"

namespace waferwatt::python {
namespace {

using core::Table;

Table breakdown_table(const training::Breakdown& breakdown) {
  Table table("breakdown", {{"part", Table::Kind::text}, {"time_s"}, {"share"}});
  for (const auto& [name, time] : breakdown.parts()) table.add({name, time.in(second), time / breakdown.total()});
  return table;
}

/// Every stage's memory by what it holds.
Table memory_table(const catalog::LanguageModel& model, const training::Plan& plan) {
  Table table("memory", {{"stage", Table::Kind::integer}, {"part", Table::Kind::text}, {"size_byte"}});
  for (std::int64_t stage = 0; stage < plan.parallel.pipeline; ++stage)
    for (const auto& [name, size] : training::stage_memory(model, plan, stage).parts()) table.add({stage, name, size.in(byte)});
  return table;
}

/// A step, and all that a plan needs of an accelerator's memory.
struct PlannedStep {
  training::Step step;
  DataSize memory, usable;
  double tokens = 0;
  std::int64_t n_accelerators = 0;
  std::string way_to_fit;
  Table by_part, by_stage;
};

/// \param arguments the members of a training scenario that make a plan
PlannedStep planned_step(const std::string& models, const std::string& arguments) {
  const auto catalog = catalog_of(models);
  const auto s = record_of<scenario::TrainingScenario>("ww.training.step", arguments);
  core::Diagnostics diagnostics;
  scenario::check(s, *catalog, diagnostics);
  diagnostics.throw_if_any();
  const auto& model = resolve(s.model, catalog->language_models);
  const auto& accelerator = resolve(s.accelerator, catalog->accelerators);
  const auto* system = s.system ? &resolve(*s.system, catalog->systems) : catalog->system_of(accelerator.id);
  const auto* fabric = s.fabric ? &resolve(*s.fabric, catalog->fabrics) : nullptr;
  const auto network = network::network_of(accelerator, system, fabric, s.n_accelerators.value, *catalog);
  const cost::OperatorModel operators(accelerator, *catalog);
  const auto plan = s.plan(accelerator, *catalog);
  auto step = training::step(model, plan, {operators, *network, training::software_stack(s.software.value)});
  const DataSize memory = training::peak_memory(model, plan).total(), usable = catalog::usable_memory(accelerator);
  Table by_part = breakdown_table(step.breakdown);
  return {std::move(step), memory, usable, plan.tokens_per_iteration(), s.n_accelerators.value,
          memory > usable ? training::way_to_fit(model, plan, usable) : std::string{}, std::move(by_part), memory_table(model, plan)};
}

py::dict training_step(const std::string& models, const std::string& arguments) {
  auto [step, memory, usable, tokens, n_accelerators, way_to_fit, by_part, by_stage] = without_gil([&] { return planned_step(models, arguments); });
  py::dict result;
  result["iteration_time_s"] = step.iteration_time().in(second);
  result["mfu"] = step.mfu;
  result["hfu"] = step.hfu;
  result["error"] = step.error * (step.breakdown.computing() / step.iteration_time());
  result["energy_j"] = step.energy.in(joule);
  result["model_work_flop"] = step.model_work.in(flop);
  result["tokens"] = tokens;
  result["n_accelerators"] = n_accelerators;
  result["memory_byte"] = memory.in(byte);
  result["usable_memory_byte"] = usable.in(byte);
  result["way_to_fit"] = way_to_fit;
  result["breakdown"] = as_dict(std::move(by_part));
  result["memory"] = as_dict(std::move(by_stage));
  return result;
}

}  // namespace

void bind_training(py::module_& module) { module.def("training_step", &training_step); }

}  // namespace waferwatt::python
