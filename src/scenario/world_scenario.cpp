// SPDX-License-Identifier: Apache-2.0
// Kind "world": the run, and the sentence that answers it.
#include "waferwatt/scenario/world_scenario.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "waferwatt/core/number_text.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"
#include "waferwatt/scenario/own_rules.hpp"
#include "world_result.hpp"

namespace waferwatt::scenario {
namespace {

/// "packaging in 2023 to 2025, power in 2026 to 2028".
std::string what_bound(const WorldRun& run) {
  std::vector<std::string> parts;
  std::string current;
  int first = 0, last = 0;
  const auto close = [&] {
    if (!current.empty()) parts.push_back(first == last ? fmt::format("{} in {}", current, first) : fmt::format("{} in {} to {}", current, first, last));
  };
  for (const auto& y : run.simulated.years) {
    const auto binds = world_bindings(run, y.year);
    const std::string top = binds.empty() ? "nothing" : binds.front().resource;
    if (top != current) {
      close();
      current = top;
      first = y.year;
    }
    last = y.year;
  }
  close();
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// Each buyer and what became of it, once: a partner may rescue it many times.
std::string failures_text(const WorldRun& run) {
  if (run.simulated.failures.empty()) return "";
  std::vector<std::string> ends;
  std::set<std::pair<std::size_t, market::Resolution>> told;
  for (const auto& f : run.simulated.failures)
    if (told.insert({f.buyer, f.resolved.resolution}).second)
      ends.push_back(fmt::format("{} is {} in {}", run.spec.buyers[f.buyer].name, market::resolution_name(f.resolved.resolution), f.date.year()));
  constexpr std::size_t kMost = 3;
  const std::size_t more = ends.size() > kMost ? ends.size() - kMost : 0;
  ends.resize(ends.size() - more);
  return fmt::format(" {}{}.", fmt::join(ends, "; "), more ? fmt::format("; {} more such ends", more) : "");
}

std::string projects_text(const WorldRun& run) {
  std::string text;
  for (std::size_t i = 0; i < run.simulated.projects.size(); ++i) {
    const auto& project = run.spec.projects[i];
    const auto& end = run.simulated.projects[i];
    const char* in_time = !project.deadline || (end.finished && *end.finished <= *project.deadline) ? "" : ", too late";
    text += end.finished ? fmt::format(" {} is trained by {}{}.", project.name, end.finished->text(), in_time)
                         : fmt::format(" {} is {:.0f} % trained at the end.", project.name, 100 * (end.done / project.work));
  }
  return text;
}

bool somebody_has_a_budget(const world::WorldSpec& spec) {
  return std::ranges::any_of(spec.buyers, [](const auto& buyer) { return std::ranges::any_of(buyer.budget.points(), [](const auto& point) { return point.second > MoneyRate{}; }); });
}

std::string end_text(const WorldRun& run) {
  const auto& last = run.simulated.years.back();
  if (last.h100e_energised <= 0) return "at the end nothing runs.";
  return fmt::format("at the end {} H100-equivalents run on {:.1f} GW and an H100-equivalent hour rents for {:.2f} USD.", compact_number(last.h100e_energised), last.energised_nameplate.in(giga * watt),
                     run.simulated.quarters.back().rent.in(usd / hour));
}

std::string headline(const WorldRun& run) {
  double delivered = 0;
  for (const auto& d : run.simulated.deliveries) delivered += d.n_accelerators;
  const auto& years = run.simulated.years;
  const auto most = std::ranges::max_element(years, {}, &world::YearAccount::accelerators_waiting);
  return fmt::format("From {} to {}, {} accelerators reach their owners; what binds is {}. At the worst year's end ({}) {} accelerators wait for power; {}{}{}", years.front().year, years.back().year,
                     compact_number(delivered), somebody_has_a_budget(run.spec) ? what_bound(run) : "capital, since nobody has a budget", most->year, compact_number(most->accelerators_waiting),
                     end_text(run), failures_text(run), projects_text(run));
}

}  // namespace

Result run(const WorldScenario& scenario, const catalog::Catalog& catalog, const RunContext& context) {
  engine::SimgridLoop loop;
  return run(scenario, catalog, context, loop);
}

Result run(const WorldScenario& scenario, const catalog::Catalog& catalog, const RunContext& context, engine::EventLoop& loop) {
  const auto can = capabilities(scenario, catalog, context);
  auto shelves = chain_shelves(scenario, catalog);
  const auto draw = scenario.draw > 0 ? WorldDraw::numbered(context.seed, static_cast<std::size_t>(scenario.draw)) : WorldDraw{};
  if (scenario.draw > 0) supply::draw(shelves, scenario.known_at, scenario.uncertainty.supply, draw.deviate());
  const auto spec = world_spec(scenario, catalog, shelves, can, draw, context.seed);
  const auto simulated = world::simulate(spec, loop);
  context.progress(0.5, "simulated");

  const WorldRun world_run{scenario, catalog, spec, simulated, can};
  Result result;
  result.headline = headline(world_run);
  result.metrics = world_metrics(world_run);
  result.binds = world_bindings(world_run, 0);
  for (const auto& y : simulated.years)
    for (auto& binding : world_bindings(world_run, y.year)) result.binds.push_back(std::move(binding));
  add_world_tables(world_run, result);
  result.headline += add_world_views(world_run, context, result);
  if (context.n_draws > 0) add_world_bands(world_run, context, result);
  return result;
}

}  // namespace waferwatt::scenario
