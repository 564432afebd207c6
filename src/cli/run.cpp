// SPDX-License-Identifier: Apache-2.0
#include "run_options.hpp"

#include <algorithm>
#include <thread>

#include "waferwatt/report/summary.hpp"

namespace waferwatt::cli {
namespace {

int run(const Arguments& arguments) {
  const std::string& file = only_argument(arguments, "FILE");
  auto run_with = run_options(arguments);
  const auto if_present = arguments.has("--force") ? report::IfPresent::replace : report::IfPresent::refuse;

  const scenario::Scenario scenario = scenario::load(file, shared_catalog(), load_options(arguments));
  if (scenario.header.sweep) return run_sweep(arguments, scenario);
  const auto folder = results_folder(arguments, scenario);
  report::check_results_folder(folder, if_present);

  const ProgressLine line;
  run_with.progress = [&](double fraction, const std::string& what) { line.show(fraction, what); };
  line.show(0, scenario.header.name);
  const scenario::Outcome outcome = scenario::run_isolated(scenario, run_with);
  line.clear();

  report::write_results_folder(folder, scenario, outcome, if_present);
  if (arguments.has("--json"))
    fmt::print("{}", io::to_json(report::summary(scenario, outcome)));
  else
    fmt::print("{}\nReport    {}\n", report::headline(scenario, outcome.result, style_of(stdout)), (folder / "report.html").string());
  if (outcome.result.infeasible.empty()) return kOk;
  fmt::print(stderr, "infeasible: {}\n", outcome.result.infeasible);
  return kInfeasible;
}

}  // namespace

scenario::RunOptions run_options(const Arguments& arguments) {
  scenario::RunOptions options;
  if (const auto seconds = arguments.positive_number("--timeout")) options.timeout = *seconds * core::second;
  options.n_jobs = static_cast<unsigned>(
      arguments.whole_number("--jobs", 1).value_or(std::max(1u, std::thread::hardware_concurrency())));
  return options;
}

scenario::LoadOptions load_options(const Arguments& arguments) {
  for (const auto& text : arguments.values("--set"))
    if (text.find('=') == std::string::npos || text.front() == '=')
      throw UsageError(fmt::format("option --set needs PATH=VALUE, got \"{}\"", text));
  return {.overrides = arguments.values("--set"), .seed = arguments.whole_number("--seed")};
}

std::filesystem::path results_folder(const Arguments& arguments, const scenario::Scenario& scenario) {
  return arguments.value("--output").value_or((std::filesystem::path{"results"} / scenario::folder_name(scenario.header.name)).string());
}

Command run_command() {
  return {.name = "run",
          .arguments = "FILE [OPTIONS]",
          .doc = "Run a scenario, or its sweep; print the answer and what binds, write a results folder.",
          .examples =
              "  waferwatt run scenarios/compute-famine.json\n"
              "  waferwatt run scenarios/compute-famine.json -o results/longer-life --set economics.it_life=\"6 year\"\n"
              "  waferwatt run scenarios/supply-cowos-2024.json --json --force | jq .headline\n",
          .options = {{"--output", "-o", "DIR", "Results folder (default: results/<name of the scenario>)."},
                      {"--set", "", "PATH=VALUE", "Replace a value, e.g. parallel.tensor=4; may be repeated.",
                       true},
                      {"--seed", "", "N", "Replace the seed of the scenario."},
                      {"--jobs", "-j", "N", "Processor cores to use (default: all)."},
                      {"--timeout", "", "SECONDS", "Stop the run after this time."},
                      {"--force", "", "", "Replace the results of an earlier run."},
                      {"--json", "", "", "Print summary.json instead of the answer in words."}},
          .run = run};
}

}  // namespace waferwatt::cli
