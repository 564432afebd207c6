// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/supply_scenario.hpp"

#include <fmt/format.h>

#include <cmath>

#include "supply_run.hpp"
#include "waferwatt/core/number_text.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"
#include "waferwatt/scenario/own_rules.hpp"

namespace waferwatt::scenario {
namespace {

/// When a stock was used up: the first week that began with less than a hundredth of it.
std::string stock_clause(const supply::Chain& chain, const SupplyScenario& scenario) {
  std::string text;
  for (std::size_t i = 0; i < chain.pools().size(); ++i) {
    const auto& pool = chain.pools()[i];
    if (pool.only_for.empty() || pool.given <= 0) continue;
    std::string when = fmt::format("{:.0f} % of the {} in stock are left at the end", 100 * pool.store / pool.given, pool.memory);
    for (const auto& inventory : chain.inventories())
      if (inventory.date >= scenario.start && inventory.stacks[i] < 0.01 * pool.given) {
        when = fmt::format("the {} in stock lasts until {}", pool.memory, inventory.date.text().substr(0, 7));
        break;
      }
    text += "; " + when;
  }
  return text;
}

/// How the order book stood when it was largest against what buyers needed.
std::string book_clause(const SupplyRun& run, const SupplyScenario& scenario) {
  const SupplyRun::BookEntry* largest = nullptr;
  for (const auto& entry : run.book_history())
    if (entry.date >= scenario.start && (!largest || entry.open > largest->open)) largest = &entry;
  if (!largest || largest->wanted <= 0) return "";
  double placed = 0, cancelled = 0;
  for (const auto& account : run.book().accounts()) placed += account.placed, cancelled += account.cancelled;
  return fmt::format("; the order book is largest in {}, {} and {:.2f} times what buyers need, and {:.0f} % of all orders are cancelled", largest->date.text().substr(0, 7),
                     compact_number(largest->open), largest->open / largest->wanted, placed > 0 ? 100 * cancelled / placed : 0.0);
}

std::string band_of(const Result& result, const std::string& metric) {
  for (const auto& m : result.metrics)
    if (m.name == metric && m.dims.empty() && m.low && m.high) {
      const auto text = [](double n) { return (n < 0 ? "-" : "") + compact_number(std::abs(n)); };
      return fmt::format("{} to {}", text(*m.low), text(*m.high));
    }
  return "";
}

/// The 80 % bands of deliveries and of the difference.
std::string band_sentence(const Result& result) {
  const std::string all = band_of(result, "accelerators_delivered"), difference = band_of(result, "accelerators_delivered_difference");
  if (all.empty()) return "";
  return fmt::format(" 80 % of the draws deliver {}{}.", all, difference.empty() ? "" : ", with a difference of " + difference);
}

}  // namespace

Result run(const SupplyScenario& scenario, const catalog::Catalog& catalog, const RunContext& context) {
  engine::SimgridLoop loop;
  return run(scenario, catalog, context, loop);
}

Result run(const SupplyScenario& scenario, const catalog::Catalog& catalog, const RunContext& context, engine::EventLoop& loop) {
  SupplyRun supply_run(scenario, chain_spec(scenario, catalog));
  supply_run.simulate(loop);

  Result result;
  result.metrics = measures(supply_run, scenario, catalog);
  add_tables(supply_run, scenario, catalog, result);
  const std::string disagreement = add_views(supply_run, scenario, context, result);
  const std::string difference = scenario.without.empty() ? "" : ", " + add_difference(supply_run, scenario, catalog, result);
  result.metrics.push_back({.name = "balance_error", .value = supply_run.balance_error(), .unit = "1"});
  const std::string most = context.n_draws > 0 ? add_bands(scenario, catalog, context, result) : "";
  context.progress(1.0, "simulated");
  result.headline = fmt::format("{} accelerators are delivered from {} to {}{}{}{}; {}.{}{}{}", compact_number(supply_run.total()), scenario.start.text(), scenario.end.text(), difference,
                                stock_clause(supply_run.chain(), scenario), book_clause(supply_run, scenario), result.binds.empty() ? "nothing was made" : result.binds.front().text,
                                band_sentence(result), most, disagreement);
  return result;
}

}  // namespace waferwatt::scenario
