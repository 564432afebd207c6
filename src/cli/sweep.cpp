// SPDX-License-Identifier: Apache-2.0
#include "run_options.hpp"
#include "waferwatt/report/summary.hpp"
#include "waferwatt/report/sweep_folder.hpp"

namespace waferwatt::cli {
namespace {

/// Messages about it say where it was written.
void place_everywhere(io::Value& value) {
  static const auto file = std::make_shared<const std::string>("--axis");
  value.set_place({file, 0, 0});
  if (auto* members = value.get_if<io::Value::Object>())
    for (auto& member : *members) place_everywhere(member.value);
  if (auto* list = value.get_if<io::Value::List>())
    for (auto& element : *list) place_everywhere(element);
}

/// "parallel.tensor=1,2,4" as an axis of the scenario's sweep.
io::Value axis_patch(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size())
    throw UsageError(fmt::format("option --axis needs PATH=VALUE,VALUE,..., got \"{}\"", text));
  io::Value::List values;
  for (std::size_t at = equals + 1; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    values.push_back(io::parse_override(std::string_view{text}.substr(at, comma - at)));
    at = comma + 1;
  }
  io::Value patch{io::Value::Object{}};
  patch["sweep"]["axes"][text.substr(0, equals)] = io::Value{std::move(values)};
  place_everywhere(patch);
  return patch;
}

int sweep(const Arguments& arguments) {
  auto load_with = load_options(arguments);
  for (const auto& text : arguments.values("--axis")) load_with.patches.push_back(axis_patch(text));
  const auto scenario = scenario::load(only_argument(arguments, "FILE"), shared_catalog(), load_with);
  if (!scenario.header.sweep) throw UsageError("the scenario has no \"sweep\"; give its axes with --axis PATH=VALUE,VALUE,...");
  return run_sweep(arguments, scenario);
}

}  // namespace

int run_sweep(const Arguments& arguments, const scenario::Scenario& scenario) {
  const auto folder = results_folder(arguments, scenario);
  const auto if_present = arguments.has("--force") ? report::IfPresent::replace : report::IfPresent::refuse;
  auto options = run_options(arguments);
  const ProgressLine line;
  options.progress = [&](double fraction, const std::string& what) { line.show(fraction, what); };
  const auto sweep = report::run_sweep_into(folder, scenario, options, if_present);
  line.clear();

  const auto& result = sweep.outcome.result;
  if (sweep.n_known > 0) fmt::print(stderr, "{} of {} points were known from an earlier run\n", sweep.n_known, sweep.n_points);
  if (arguments.has("--json"))
    fmt::print("{}", io::to_json(report::summary(scenario, sweep.outcome)));
  else
    fmt::print("{}\nPoints    {}\nReport    {}\n", report::headline(scenario, result, style_of(stdout)), (folder / "tables/points.csv").string(), (folder / "report.html").string());
  if (sweep.n_failed > 0) {
    fmt::print(stderr, "{} of {} points failed; tables/points.csv has the reasons, and the same command tries them again with --force\n", sweep.n_failed, sweep.n_points);
    return kOurBug;
  }
  if (result.infeasible.empty()) return kOk;
  fmt::print(stderr, "infeasible: {}\n", result.infeasible);
  return kInfeasible;
}

Command sweep_command() {
  return {.name = "sweep",
          .arguments = "FILE [OPTIONS]",
          .doc = "Run a scenario at many points, in parallel; an interrupted sweep goes on where it stopped.",
          .examples = "  waferwatt sweep scenarios/train-llama3-70b-h100.json --axis parallel.tensor=4,8 --axis global_batch=1024,2048\n"
                      "  waferwatt sweep study.json -o results/study --jobs 8\n",
          .options = {{"--axis", "", "PATH=VALUES", "Values of a key, separated by commas; added to the scenario's own axes.", true},
                      {"--output", "-o", "DIR", "Results folder (default: results/<name of the scenario>)."},
                      {"--set", "", "PATH=VALUE", "Replace a value at all points; may be repeated.", true},
                      {"--seed", "", "N", "Replace the seed of the scenario."},
                      {"--jobs", "-j", "N", "Points at a time (default: all processor cores)."},
                      {"--timeout", "", "SECONDS", "Stop a point after this time."},
                      {"--force", "", "", "Replace the results of an earlier sweep; its points are not run again."},
                      {"--json", "", "", "Print summary.json instead of the answer in words."}},
          .run = sweep};
}

}  // namespace waferwatt::cli
