// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a training run shows: words for numbers, what binds, tables.
#include "waferwatt/scenario/training_scenario.hpp"
#include "waferwatt/training/failure.hpp"
#include "waferwatt/training/run.hpp"

namespace waferwatt::scenario {

/// 2048 as "2,048".
std::string grouped(double value);
/// Three significant digits with the count's unit: "15 T tokens", "950 accelerator-hours".
std::string counted(double value, const char* unit);
std::string gigabytes(DataSize);

/// Prices, power and carbon around the accelerators at the scenario's date.
training::Surroundings surroundings(const TrainingScenario&, const catalog::Accelerator&, const catalog::System*, const catalog::Grid&);

/// What stragglers and a power cap make of an iteration, over equal accelerators at full power.
struct Slowdown {
  double time = 1, energy = 1;
  std::string cause;  ///< what one then waits for
};

/// The parts of an iteration as resources one waits for.
std::vector<Binding> bindings(const training::Step&, const training::Plan&, const network::TwoLevelNetwork&, const Slowdown&);
/// Accelerator-hours by use. The total is the sum of the rows, so that they add up exactly.
/// \param whole parts of all iterations
Table use_ledger(const training::Breakdown& whole, const training::RunTotals&, const training::Goodput&, double n_accelerators,
                 double& total_hours);
Table breakdown_table(const training::Step&, const Slowdown&);
Table memory_table(const catalog::LanguageModel&, const training::Plan&);
/// Every pass of every micro-batch on every stage, those on the critical path by themselves; empty where they are too
/// many to look at.
Table timeline_trace(const training::Plan&, const training::Passes&);
/// How much later the passes of each stage could end without a longer step.
Table slack_table(const training::Plan&, const training::Passes&);

}  // namespace waferwatt::scenario
