// SPDX-License-Identifier: Apache-2.0
// Bands and the tornado of a world: the same world with its uncertain values moved.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "supply_run.hpp"
#include "waferwatt/core/parallel.hpp"
#include "waferwatt/engine/bare_loop.hpp"
#include "world_result.hpp"

namespace waferwatt::scenario {
namespace {

using MetricKey = std::pair<std::string, std::map<std::string, std::string>>;

/// Linear between order statistics. \param values sorted
double quantile(const std::vector<double>& values, double probability) {
  const double at = probability * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (at - static_cast<double>(below));
}

/// What the tornado is about: energised compute and tokens served over the whole run, compute at its end.
struct Outcome3 {
  double h100e_weeks = 0, tokens = 0, h100e_at_end = 0;
};

class Drawer {
 public:
  Drawer(const WorldRun& run, std::uint64_t seed) : run_(run), seed_(seed), shelves_(chain_shelves(run.scenario, run.catalog)) {}

  /// \param metrics filled where not null
  Outcome3 simulate(const WorldDraw& draw, std::vector<Metric>* metrics) const {
    auto moved = shelves_;
    supply::draw(moved, run_.scenario.known_at, run_.scenario.uncertainty.supply, draw.deviate());
    auto spec = world_spec(run_.scenario, run_.catalog, moved, run_.capabilities, draw, seed_);
    spec.with_cuts = false;
    engine::BareLoop loop;
    const auto simulated = world::simulate(spec, loop);
    if (metrics) *metrics = world_metrics({run_.scenario, run_.catalog, spec, simulated, run_.capabilities});
    Outcome3 outcome{simulated.h100e_weeks, 0, simulated.years.back().h100e_energised};
    for (const auto& year : simulated.years) outcome.tokens += year.tokens_served.in(token);
    return outcome;
  }
  std::vector<std::string> inputs() const { return uncertain_inputs(run_.scenario, run_.catalog, shelves_, run_.capabilities, seed_); }

 private:
  const WorldRun& run_;
  std::uint64_t seed_;
  catalog::Catalog shelves_;
};

/// Each input at its low and high alone, by the swing it causes.
void add_tornado(const Drawer& drawer, const RunContext& context, Result& result) {
  const auto inputs = drawer.inputs();
  std::vector<std::pair<Outcome3, Outcome3>> ends(inputs.size());
  const auto at = [&](const std::string& moved, double deviate) { return drawer.simulate(WorldDraw([&](const std::string& input) { return input == moved ? deviate : 0.0; }), nullptr); };
  in_parallel(inputs.size(), context.n_jobs, [&](std::size_t i) { ends[i] = {at(inputs[i], -supply::kDeviate90), at(inputs[i], supply::kDeviate90)}; },
              [&](std::size_t done) { context.progress(0.85 + 0.15 * static_cast<double>(done) / static_cast<double>(inputs.size()), "one input at a time"); });
  std::vector<std::size_t> order(inputs.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto swing = [&](std::size_t i) { return std::abs(ends[i].second.h100e_weeks - ends[i].first.h100e_weeks); };
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return swing(a) > swing(b); });
  Table table("tornado", {{"input", Table::Kind::text}, {"h100e_weeks_at_low"}, {"h100e_weeks_at_high"}, {"swing_h100e_weeks"}, {"tokens_at_low"}, {"tokens_at_high"}});
  for (const std::size_t i : order) table.add({inputs[i], ends[i].first.h100e_weeks, ends[i].second.h100e_weeks, swing(i), ends[i].first.tokens, ends[i].second.tokens});
  result.tables.push_back(std::move(table));
}

}  // namespace

void add_world_bands(const WorldRun& run, const RunContext& context, Result& result) {
  const Drawer drawer(run, context.seed);
  std::vector<std::vector<Metric>> draws(context.n_draws);
  std::vector<Outcome3> outcomes(context.n_draws);
  const auto n = static_cast<double>(draws.size());
  in_parallel(draws.size(), context.n_jobs, [&](std::size_t i) { outcomes[i] = drawer.simulate(WorldDraw::numbered(context.seed, i + 1), &draws[i]); },
              [&](std::size_t done) { context.progress(0.5 + 0.35 * static_cast<double>(done) / n, fmt::format("draw {} of {}", done, draws.size())); });
  std::map<MetricKey, std::vector<double>> values;
  for (const auto& draw : draws)
    for (const auto& metric : draw) values[{metric.name, metric.dims}].push_back(metric.value);
  for (auto& metric : result.metrics) {
    const auto found = values.find({metric.name, metric.dims});
    if (found == values.end()) continue;
    // What a draw does not have is nothing: a year without deliveries, a project without an end.
    if (metric.name == "project_time" && found->second.size() < draws.size()) continue;
    auto sorted = found->second;
    sorted.resize(draws.size(), 0.0);
    std::ranges::sort(sorted);
    metric.low = quantile(sorted, 0.1);
    metric.high = quantile(sorted, 0.9);
  }
  Table table("draws", {{"draw", Table::Kind::integer}, {"h100e_weeks"}, {"tokens_served"}, {"h100e_at_end"}});
  for (std::size_t i = 0; i < outcomes.size(); ++i) table.add({static_cast<std::int64_t>(i + 1), outcomes[i].h100e_weeks, outcomes[i].tokens, outcomes[i].h100e_at_end});
  result.tables.push_back(std::move(table));
  add_tornado(drawer, context, result);
}

}  // namespace waferwatt::scenario
