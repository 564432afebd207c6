// SPDX-License-Identifier: Apache-2.0
#pragma once
// From a world's run to tables, metrics and sentences.
#include "world_build.hpp"

namespace waferwatt::scenario {

/// What the report needs of a run.
struct WorldRun {
  const WorldScenario& scenario;
  const catalog::Catalog& catalog;
  const world::WorldSpec& spec;
  const world::WorldResult& simulated;
  const WorldCapabilities& capabilities;
};

/// The metrics of a run, those of draws too.
std::vector<Metric> world_metrics(const WorldRun& run);

/// Deliveries, years, owners, prices, money, failures, projects, capabilities, the way from wafers to tokens.
void add_world_tables(const WorldRun& run, Result& result);

/// Shares of what was charged, of one year and owner, or of all (year 0, nobody).
std::vector<Binding> world_bindings(const WorldRun& run, int year, std::size_t owner = world::kNobody);
std::string_view resource_text(world::Resource resource);

/// The three views by year and buyer with marginal values and sentences: the tables "marginal_values" (of the
/// whole run), "values_of_capacity", "cuts" and
/// "views". \returns a sentence where views differ in sign, or nothing
std::string add_world_views(const WorldRun& run, const RunContext& context, Result& result);

/// Puts the 10 % and 90 % quantiles of `context.n_draws` runs into the metrics and adds the tables "draws" and "tornado".
void add_world_bands(const WorldRun& run, const RunContext& context, Result& result);

}  // namespace waferwatt::scenario
