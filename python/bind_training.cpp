// SPDX-License-Identifier: Apache-2.0
// One training step and its memory, of a plan that need not fit.
#include "arguments.hpp"
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

/// \param arguments the members of a training scenario that make a plan
py::dict training_step(const std::string& models, const std::string& arguments) {
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
  const auto plan = s.plan();
  const auto step = training::step(model, plan, {operators, *network, training::software_stack(s.software.value)});
  const auto memory = training::peak_memory(model, plan);
  const DataSize usable = training::usable_memory(accelerator);

  py::dict result;
  result["iteration_time_s"] = step.iteration_time().in(second);
  result["mfu"] = step.mfu;
  result["hfu"] = step.hfu;
  result["error"] = step.error * (step.breakdown.computing() / step.iteration_time());
  result["energy_j"] = step.energy.in(joule);
  result["model_work_flop"] = step.model_work.in(flop);
  result["tokens"] = plan.tokens_per_iteration();
  result["n_accelerators"] = s.n_accelerators.value;
  result["memory_byte"] = memory.total().in(byte);
  result["usable_memory_byte"] = usable.in(byte);
  result["way_to_fit"] = memory.total() > usable ? training::way_to_fit(model, plan, usable) : std::string{};
  result["breakdown"] = as_dict(breakdown_table(step.breakdown));
  result["memory"] = as_dict(memory_table(model, plan));
  return result;
}

}  // namespace

void bind_training(py::module_& module) { module.def("training_step", &training_step); }

}  // namespace waferwatt::python
