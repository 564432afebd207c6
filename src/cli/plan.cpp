// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/scenario/plan.hpp"

namespace waferwatt::cli {
namespace {

/// \returns empty for the scenario's default
std::string objective_of(const Arguments& arguments, const scenario::Scenario& loaded) {
  const std::string name = arguments.value("--objective").value_or("");
  const auto known = scenario::objectives(loaded);
  if (!name.empty() && std::ranges::find(known, name) == known.end())
    throw UsageError(fmt::format("unknown objective \"{}\"{}", name, core::suggestion(name, known, "objectives")));
  return name;
}

void print_plans(const Table& table) {
  fmt::print("\n{}\n", table.name());
  for (std::size_t i = 0; i < table.n_rows(); ++i)
    fmt::print("{:>3}  {:>9.4g} s  {:>6.1f} GB  {:>9.4g} MJ  {:>9.4g} USD  {}\n     {}\n", table.integers("rank")[i],
               table.numbers("iteration_time_s")[i], table.numbers("memory_byte")[i] / 1e9,
               table.numbers("energy_per_iteration_j")[i] / 1e6, table.numbers("cost_per_iteration_usd")[i], table.texts("plan")[i], table.texts("why")[i]);
}

void print_deployments(const Table& table) {
  fmt::print("\n{}\n", table.name());
  for (std::size_t i = 0; i < table.n_rows(); ++i)
    fmt::print("{:>3}  {:>4} x {}: {} accelerators, {:.1f} %, {:.4g} kW, {:.4g} USD/h\n     {}\n",
               table.integers("rank")[i], table.integers("replicas")[i], table.texts("deployment")[i],
               table.integers("accelerators")[i], 100 * table.numbers("attainment")[i],
               table.numbers("power_w")[i] / 1e3, table.numbers("cost_usd_per_h")[i], table.texts("why")[i]);
}

int plan(const Arguments& arguments) {
  const auto n_jobs = static_cast<unsigned>(
      arguments.whole_number("--jobs", 1).value_or(std::max(1u, std::thread::hardware_concurrency())));
  const auto loaded = scenario::load(only_argument(arguments, "FILE"), shared_catalog(), {.overrides = arguments.values("--set")});
  const auto result = scenario::search_plans(loaded, objective_of(arguments, loaded), n_jobs);
  if (!result.infeasible.empty()) throw InfeasibleError(result.infeasible);
  fmt::print("{}\n", result.headline);
  for (const auto& table : result.tables) loaded.header.kind == "serving" ? print_deployments(table) : print_plans(table);
  return kOk;
}

}  // namespace

Command plan_command() {
  return {.name = "plan",
          .arguments = "FILE [--objective NAME] [OPTIONS]",
          .doc = "Search the best parallel plan of a training, or deployment of a serving scenario.",
          .examples = "  waferwatt plan scenarios/train-llama3-70b-h100.json --objective energy\n"
                      "  waferwatt plan scenarios/serve-llama3-70b-azure-conversation.json --objective cost\n",
          .options = {{"--objective", "", "NAME", "Training: time (default), cost, energy, memory. Serving: accelerators (default), cost, energy."},
                      {"--set", "", "PATH=VALUE", "Replace a value; may be repeated.", true},
                      {"--jobs", "", "N", "Processor cores to use; all by default."}},
          .run = plan};
}

}  // namespace waferwatt::cli
