// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "run_options.hpp"
#include "waferwatt/report/rows_json.hpp"
#include "waferwatt/report/summary.hpp"
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

void print_words(const scenario::PlanSearch& found) {
  const auto& result = found.outcome.result;
  fmt::print("{}\n", result.headline);
  for (const auto& table : result.tables) found.scenario.header.kind == "serving" ? print_deployments(table) : print_plans(table);
}

io::Value json_of(const scenario::PlanSearch& found) {
  io::Value document = report::summary(found.scenario, found.outcome);
  for (const auto& table : found.outcome.result.tables) document[table.name()] = report::rows_json(table);
  return document;
}

int plan(const Arguments& arguments) {
  const auto if_present = arguments.has("--force") ? report::IfPresent::replace : report::IfPresent::refuse;
  auto loaded = scenario::load(only_argument(arguments, "FILE"), shared_catalog(), load_options(arguments));
  const auto folder = arguments.value("--output");
  if (folder) report::check_results_folder(*folder, if_present);
  const std::string objective = objective_of(arguments, loaded);
  const auto found = scenario::run_plan_search(std::move(loaded), objective, run_options(arguments));
  if (folder) report::write_results_folder(*folder, found.scenario, found.outcome, if_present);
  if (arguments.has("--json"))
    fmt::print("{}", io::to_json(json_of(found)));
  else if (found.outcome.result.infeasible.empty())
    print_words(found);
  if (folder && !arguments.has("--json")) fmt::print("\nReport    {}\n", (std::filesystem::path{*folder} / "report.html").string());
  if (found.outcome.result.infeasible.empty()) return kOk;
  fmt::print(stderr, "infeasible: {}\n", found.outcome.result.infeasible);
  return kInfeasible;
}

}  // namespace

Command plan_command() {
  return {.name = "plan",
          .arguments = "FILE [--objective NAME] [OPTIONS]",
          .doc = "Search the best parallel plan of a training, or deployment of a serving scenario.",
          .examples = "  waferwatt plan scenarios/train-llama3-70b-h100.json --objective energy -o results/plans\n"
                      "  waferwatt plan scenarios/serve-llama3-70b-azure-conversation.json --objective cost\n",
          .options = {{"--objective", "", "NAME", "Training: time (default), cost, energy, memory. Serving: accelerators (default), cost, energy."},
                      {"--output", "-o", "DIR", "Write a results folder with a report page, too."},
                      {"--set", "", "PATH=VALUE", "Replace a value; may be repeated.", true},
                      {"--seed", "", "N", "Replace the seed of the scenario."},
                      {"--jobs", "-j", "N", "Processor cores to use (default: all)."},
                      {"--timeout", "", "SECONDS", "Stop the search after this time."},
                      {"--force", "", "", "Replace the results of an earlier run."},
                      {"--json", "", "", "Print summary.json with the ranked plans instead of words."}},
          .run = plan};
}

}  // namespace waferwatt::cli
