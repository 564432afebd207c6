// SPDX-License-Identifier: Apache-2.0
// Bands and the tornado: the same chain with the catalog's uncertain values moved within their ranges.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <set>

#include "supply_run.hpp"
#include "waferwatt/core/parallel.hpp"
#include "waferwatt/core/random.hpp"
#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/supply/random_events.hpp"
#include "waferwatt/supply/uncertainty.hpp"

namespace waferwatt::scenario {
namespace {

constexpr std::size_t kEnoughDraws = 50;  // fewer say nothing about single inputs

using Key = std::pair<std::string, std::map<std::string, std::string>>;

std::string mix_input(const SupplyProduct& product) { return "mix of " + product.accelerator.id(); }

/// Vendors do not publish what they make of each product, neither the past nor the plan: every weight is moved.
void move_mixes(std::vector<SupplyProduct>& products, double mix_error, const supply::Deviates& deviate) {
  for (auto& product : products) {
    const double factor = std::exp(mix_error * deviate(mix_input(product)));
    std::vector<Ramp<double>::Point> points = product.mix.points();
    for (auto& point : points) point.second *= factor;
    product.mix = Ramp<double>(std::move(points));
  }
}

/// A run's metrics and its deliveries from start to end.
struct Draw {
  std::map<Key, double> values;
  double total = 0;
};

class Drawer {
 public:
  Drawer(const SupplyScenario& scenario, const catalog::Catalog& catalog) : scenario_(scenario) {
    std::vector<const catalog::Accelerator*> accelerators;
    std::set<std::string> packaging;
    Diagnostics diagnostics;
    for (const auto& product : scenario.products) {
      accelerators.push_back(product.accelerator.resolve(catalog.accelerators, diagnostics));
      if (!product.packaging.empty()) packaging.insert(product.packaging);
    }
    shelves_ = supply::supply_shelves(catalog, accelerators, packaging, part_ids(scenario, catalog), build_ids(scenario));
    scenario_.parts = part_ids(scenario, catalog);
    if (!scenario_.without.empty()) baseline_ = baseline_of(scenario_);
    for (const auto& r : scenario.risks) risks_.push_back({{r.kind, {}, r.duration, r.recovery, r.loss, r.scrap, r.lines, "", "", ""}, r.rate});
  }

  /// \param events where chance events come from; absent: none come
  Draw run(const supply::Deviates& deviate, const RandomStream* events = nullptr) const {
    auto shelves = shelves_;
    supply::draw(shelves, scenario_.known_at, scenario_.forecast_error, deviate);
    Draw result;
    auto scenario = scenario_;
    move_mixes(scenario.products, scenario_.mix_error, deviate);
    const auto changed = simulated(scenario, shelves, events);
    for (auto& metric : measures(*changed, scenario, shelves)) result.values.emplace(Key{metric.name, metric.dims}, metric.value);
    result.total = changed->total();
    // The baseline has the same draws and the same events.
    if (baseline_) {
      auto baseline = *baseline_;
      move_mixes(baseline.products, baseline.mix_error, deviate);
      const auto unchanged = simulated(baseline, shelves, events);
      result.values.emplace(Key{"accelerators_delivered_difference", {}}, result.total - unchanged->total());
      result.values.emplace(Key{"h100_equivalents_delivered_difference", {}}, h100_equivalents(*changed, scenario, shelves) - h100_equivalents(*unchanged, baseline, shelves));
    }
    return result;
  }

  std::vector<std::string> inputs() const {
    auto inputs = supply::uncertain_inputs(shelves_, scenario_.known_at);
    if (scenario_.mix_error > 0)
      for (const auto& product : scenario_.products) inputs.push_back(mix_input(product));
    return inputs;
  }

 private:
  std::unique_ptr<SupplyRun> simulated(const SupplyScenario& scenario, const catalog::Catalog& shelves, const RandomStream* events) const {
    auto spec = chain_spec(scenario, shelves);
    if (events) std::ranges::copy(supply::draw_events(risks_, scenario.start, scenario.end, *events), std::back_inserter(spec.shocks));
    auto run = std::make_unique<SupplyRun>(scenario, std::move(spec));
    engine::BareLoop loop;
    run->simulate(loop);
    return run;
  }

  SupplyScenario scenario_;
  std::optional<SupplyScenario> baseline_;
  catalog::Catalog shelves_;
  std::vector<supply::Risk> risks_;
};

/// Linear between order statistics. \param values sorted
double quantile(const std::vector<double>& values, double probability) {
  const double at = probability * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (at - static_cast<double>(below));
}

Table draws_table(const std::vector<Draw>& draws) {
  Table table("draws", {{"draw", Table::Kind::integer}, {"accelerators_delivered"}});
  for (std::size_t i = 0; i < draws.size(); ++i) table.add({static_cast<std::int64_t>(i), draws[i].total});
  return table;
}

double deviate_of(const RandomStream& random, const std::string& input, std::size_t draw) { return random.substream(input, draw).normal(0, 1); }

/// First-order part of the variance of deliveries that each input alone explains. The inputs' deviates z are standard normal,
/// so a projection of the draws on the first two Hermite polynomials, z and (z^2 - 1) / sqrt 2, estimates it without further runs:
/// (E[y h1]^2 + E[y h2]^2) / Var y, less 2 / n for what chance alone gives.
Table sensitivity(const Drawer& drawer, const RandomStream& random, const std::vector<Draw>& draws) {
  const auto n = static_cast<double>(draws.size());
  double mean = 0, variance = 0;
  for (const auto& draw : draws) mean += draw.total / n;
  for (const auto& draw : draws) variance += (draw.total - mean) * (draw.total - mean) / n;
  std::vector<std::pair<double, std::string>> shares;
  for (const auto& input : drawer.inputs()) {
    double first = 0, second = 0;
    for (std::size_t i = 0; i < draws.size(); ++i) {
      const double z = deviate_of(random, input, i), y = draws[i].total - mean;
      first += y * z / n;
      second += y * (z * z - 1) / std::sqrt(2.0) / n;
    }
    const double share = variance > 0 ? (first * first + second * second) / variance - 2 / n : 0;
    if (share > 0) shares.emplace_back(share, input);
  }
  std::ranges::sort(shares, std::greater{});
  Table table("sensitivity", {{"input", Table::Kind::text}, {"first_order_share_of_variance"}});
  for (const auto& [share, input] : shares) table.add({input, share});
  return table;
}

/// Each input at its low and high alone, by the swing it causes.
void add_tornado(const Drawer& drawer, const RunContext& context, Result& result) {
  const auto inputs = drawer.inputs();
  std::vector<std::pair<double, double>> ends(inputs.size());
  const auto at = [&](const std::string& moved, double deviate) {
    return drawer.run([&](const std::string& input) { return input == moved ? deviate : 0.0; }).total;
  };
  in_parallel(inputs.size(), context.n_jobs, [&](std::size_t i) { ends[i] = {at(inputs[i], -supply::kDeviate90), at(inputs[i], supply::kDeviate90)}; },
              [&](std::size_t done) { context.progress(0.8 + 0.2 * static_cast<double>(done) / static_cast<double>(inputs.size()), "one input at a time"); });
  std::vector<std::size_t> order(inputs.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto swing = [&](std::size_t i) { return std::abs(ends[i].second - ends[i].first); };
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return swing(a) > swing(b); });
  Table table("tornado", {{"input", Table::Kind::text}, {"accelerators_delivered_at_low"}, {"accelerators_delivered_at_high"}, {"swing_accelerators"}});
  for (const std::size_t i : order) table.add({inputs[i], ends[i].first, ends[i].second, swing(i)});
  result.tables.push_back(std::move(table));
}

}  // namespace

std::string add_bands(const SupplyScenario& scenario, const catalog::Catalog& catalog, const RunContext& context, Result& result) {
  const Drawer drawer(scenario, catalog);
  const RandomStream random(context.seed, "supply draw");
  std::vector<Draw> draws(context.n_draws);
  const auto n = static_cast<double>(draws.size());
  in_parallel(draws.size(), context.n_jobs,
              [&](std::size_t i) {
                const auto events = random.substream("events", i);
                draws[i] = drawer.run([&](const std::string& input) { return deviate_of(random, input, i); }, &events);
              },
              [&](std::size_t done) { context.progress(0.8 * static_cast<double>(done) / n, fmt::format("draw {} of {}", done, draws.size())); });
  for (auto& metric : result.metrics) {
    std::vector<double> values;
    for (const auto& draw : draws)
      if (const auto found = draw.values.find({metric.name, metric.dims}); found != draw.values.end()) values.push_back(found->second);
    // What a draw does not deliver has no entry.
    if (values.empty()) continue;
    values.resize(draws.size(), 0.0);
    std::ranges::sort(values);
    metric.low = quantile(values, 0.1);
    metric.high = quantile(values, 0.9);
  }
  result.tables.push_back(draws_table(draws));
  auto shares = sensitivity(drawer, random, draws);
  const bool is_known = draws.size() >= kEnoughDraws && shares.n_rows() > 0;
  const std::string most = is_known ? fmt::format(" Of the variance of deliveries {:.0f} % comes from \"{}\", more than from any other input.",
                                                  100 * shares.numbers("first_order_share_of_variance")[0], shares.texts("input")[0]) : "";
  result.tables.push_back(std::move(shares));
  add_tornado(drawer, context, result);
  return most;
}

}  // namespace waferwatt::scenario
