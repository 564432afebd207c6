// SPDX-License-Identifier: Apache-2.0
// What the changes of a scenario do, against the same chain without them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "supply_run.hpp"
#include "waferwatt/core/number_text.hpp"
#include "waferwatt/engine/bare_loop.hpp"

namespace waferwatt::scenario {
namespace {

bool names(const SupplyScenario& scenario, Without what) { return std::ranges::find(scenario.without, what) != scenario.without.end(); }

std::string quarter_of(Date date) { return fmt::format("{}-Q{}", date.year(), date.quarter()); }

/// The entry of the largest absolute value.
std::pair<std::string, double> largest(const std::map<std::string, double>& values) {
  std::pair<std::string, double> best;
  for (const auto& entry : values)
    if (std::abs(entry.second) > std::abs(best.second)) best = entry;
  return best;
}

}  // namespace

SupplyScenario baseline_of(const SupplyScenario& scenario) {
  SupplyScenario baseline = scenario;
  baseline.without.clear();
  if (names(scenario, Without::shocks)) baseline.shocks.clear();
  if (names(scenario, Without::expansions)) baseline.expansions.clear();
  if (names(scenario, Without::allocation)) baseline.allocation.clear();
  if (names(scenario, Without::stocks)) baseline.stocks.clear();
  if (names(scenario, Without::other_packaging)) std::erase_if(baseline.products, [](const SupplyProduct& p) { return !p.packaging.empty(); });
  return baseline;
}

std::string without_text(const SupplyScenario& scenario) {
  const std::map<Without, std::string> kTexts = {{Without::shocks, "the shocks"}, {Without::expansions, "the expansions"}, {Without::allocation, "the allocation rule"},
                                                 {Without::stocks, "the stocks"}, {Without::other_packaging, "the other packaging"}};
  std::string text;
  for (std::size_t i = 0; i < scenario.without.size(); ++i) text += (i == 0 ? "" : i + 1 == scenario.without.size() ? " and " : ", ") + kTexts.at(scenario.without[i]);
  return text;
}

std::string add_difference(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog, Result& result) {
  const SupplyScenario baseline = baseline_of(scenario);
  SupplyRun base(baseline, chain_spec(baseline, catalog));
  engine::BareLoop loop;
  base.simulate(loop);

  std::map<std::string, double> by_quarter, by_accelerator;
  std::map<std::pair<std::string, std::string>, std::pair<double, double>> rows;  // quarter, accelerator: with, without
  const auto count = [&](const SupplyRun& of, double sign) {
    for (const auto& delivery : of.deliveries()) {
      if (delivery.date < scenario.start) continue;
      const auto& accelerator = of.chain().spec().products[delivery.product].accelerator;
      by_quarter[quarter_of(delivery.date)] += sign * delivery.n;
      by_accelerator[accelerator] += sign * delivery.n;
      auto& row = rows[{quarter_of(delivery.date), accelerator}];
      (sign > 0 ? row.first : row.second) += delivery.n;
    }
  };
  count(run, 1);
  count(base, -1);
  Table table("difference", {{"quarter", Table::Kind::text}, {"accelerator", Table::Kind::text}, {"accelerators_delivered"}, {"without_accelerators_delivered"}, {"difference_accelerators"}});
  for (const auto& [key, n] : rows) table.add({key.first, key.second, n.first, n.second, n.first - n.second});
  result.tables.push_back(std::move(table));

  const double with = run.total(), without = base.total(), difference = with - without;
  result.metrics.push_back({.name = "accelerators_delivered_difference", .value = difference, .unit = "accelerator"});
  // Accelerators are not alike: more of lesser ones can be less.
  const double equivalents = h100_equivalents(base, baseline, catalog), more_equivalents = h100_equivalents(run, scenario, catalog) - equivalents;
  result.metrics.push_back({.name = "h100_equivalents_delivered_difference", .value = more_equivalents, .unit = "H100e"});
  const auto [quarter, in_quarter] = largest(by_quarter);
  const auto [accelerator, of_accelerator] = largest(by_accelerator);
  const auto signed_number = [](double n) { return (n < 0 ? "-" : "+") + compact_number(std::abs(n)); };
  const std::string than = without_text(scenario);
  // Less than a half of one is what sums of rounded numbers leave.
  constexpr double kHalf = 0.5;
  if (quarter.empty() || std::abs(in_quarter) < kHalf) return fmt::format("as many as without {}", than);
  const std::string of_quarter = fmt::format("{} in {}", signed_number(in_quarter), quarter);
  if (std::abs(difference) < kHalf && std::abs(of_accelerator) < kHalf) return fmt::format("in the end as many as without {}: {} is the largest difference of a quarter", than, of_quarter);
  return fmt::format("{} {} ({:+.1f} %; {:+.1f} % of H100-equivalents) than without {}: {} of {} and {} are the largest differences", compact_number(std::abs(difference)),
                     difference < 0 ? "fewer" : "more", without > 0 ? 100 * difference / without : 100.0, equivalents > 0 ? 100 * more_equivalents / equivalents : 100.0, than,
                     signed_number(of_accelerator), accelerator, of_quarter);
}

}  // namespace waferwatt::scenario
