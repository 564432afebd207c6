// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include <fmt/format.h>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/scenario/scenario.hpp"
#include "waferwatt/scenario/training_scenario.hpp"

namespace waferwatt::cli {
namespace {

training::Objective objective_of(const Arguments& arguments) {
  const std::string name = arguments.value("--objective").value_or("time");
  std::vector<std::string> known;
  for (const auto& [objective, text] : io::EnumTexts<training::Objective>::values) {
    if (name == text) return objective;
    known.emplace_back(text);
  }
  throw UsageError(fmt::format("unknown objective \"{}\"{}", name, core::suggestion(name, known, "objectives")));
}

void print_plans(const Table& table) {
  fmt::print("\n{}\n", table.name());
  for (std::size_t i = 0; i < table.n_rows(); ++i)
    fmt::print("{:>3}  {:>9.4g} s  {:>6.1f} GB  {:>9.4g} MJ  {}\n     {}\n", table.integers("rank")[i],
               table.numbers("iteration_time_s")[i], table.numbers("memory_byte")[i] / 1e9,
               table.numbers("energy_per_iteration_j")[i] / 1e6, table.texts("plan")[i], table.texts("why")[i]);
}

int plan(const Arguments& arguments) {
  const auto objective = objective_of(arguments);
  const auto n_jobs = static_cast<unsigned>(
      arguments.whole_number("--jobs", 1).value_or(std::max(1u, std::thread::hardware_concurrency())));
  const auto loaded = scenario::load(only_argument(arguments, "FILE"), shared_catalog(), {.overrides = arguments.values("--set")});
  if (loaded.header.kind != "training")
    throw InputError(fmt::format("{}: plans are searched for kind \"training\", not \"{}\"", arguments.positional().front(),
                                 loaded.header.kind));
  Diagnostics diagnostics;
  io::ReadContext context{diagnostics};
  scenario::TrainingScenario record;
  scenario::TrainingScenario::record().read(loaded.model->resolved(), "", context, record);
  diagnostics.throw_if_any();
  const auto result = scenario::plan_search(record, *loaded.catalog, objective, n_jobs);
  if (!result.infeasible.empty()) throw InfeasibleError(result.infeasible);
  fmt::print("{}\n", result.headline);
  for (const auto& table : result.tables) print_plans(table);
  return kOk;
}

}  // namespace

Command plan_command() {
  return {.name = "plan",
          .arguments = "FILE [--objective time|cost|energy|memory] [OPTIONS]",
          .doc = "Search all parallel plans of a training scenario.",
          .examples = "  waferwatt plan scenarios/train-llama3-70b-h100.json --objective energy\n",
          .options = {{"--objective", "", "NAME", "What is best: time (default), cost, energy or memory."},
                      {"--set", "", "PATH=VALUE", "Replace a value; may be repeated.", true},
                      {"--jobs", "", "N", "Processor cores to use; all by default."}},
          .run = plan};
}

}  // namespace waferwatt::cli
