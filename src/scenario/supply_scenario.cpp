// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/supply_scenario.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "supply_run.hpp"
#include "waferwatt/core/number_text.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"

namespace waferwatt::scenario {
namespace {

/// Slots of the packaging lines by what decided the number of starts.
struct SlotCharges {
  std::map<std::tuple<int, std::size_t, supply::Limit>, std::pair<double, double>> by_year;  // charged, idle
  std::array<double, supply::kLimits> total{};
  double all = 0;
};

SlotCharges slot_charges(const supply::Chain& chain, Date start) {
  SlotCharges charges;
  for (const auto& entry : chain.weeks()) {
    if (entry.week < start) continue;
    auto& [charged, idle] = charges.by_year[{entry.week.year(), entry.product, entry.limit}];
    charged += entry.slots;
    idle += std::max(0.0, entry.slots - entry.started);
    charges.total[static_cast<std::size_t>(entry.limit)] += entry.slots;
    charges.all += entry.slots;
  }
  return charges;
}

void add_deliveries(const SupplyRun& chain_run, Date start, Result& result) {
  const auto& products = chain_run.chain().spec().products;
  std::map<std::tuple<int, std::string, std::string>, double> yearly;  // year, vendor, accelerator
  std::map<std::tuple<int, int, std::size_t>, double> quarterly;
  for (const auto& delivery : chain_run.deliveries()) {
    if (delivery.date < start) continue;
    const auto& product = products[delivery.product];
    yearly[{delivery.date.year(), product.vendor, product.accelerator}] += delivery.n;
    quarterly[{delivery.date.year(), delivery.date.quarter(), delivery.product}] += delivery.n;
  }
  Table deliveries("deliveries", {{"year", Table::Kind::integer}, {"vendor", Table::Kind::text}, {"accelerator", Table::Kind::text}, {"accelerators_delivered"}});
  for (const auto& [key, n] : yearly) deliveries.add({std::int64_t{std::get<0>(key)}, std::get<1>(key), std::get<2>(key), n});
  Table by_quarter("deliveries_by_quarter", {{"year", Table::Kind::integer}, {"quarter", Table::Kind::integer}, {"vendor", Table::Kind::text}, {"accelerator", Table::Kind::text}, {"accelerators_delivered"}});
  for (const auto& [key, n] : quarterly)
    by_quarter.add({std::int64_t{std::get<0>(key)}, std::int64_t{std::get<1>(key)}, products[std::get<2>(key)].vendor, products[std::get<2>(key)].accelerator, n});
  result.tables.push_back(std::move(deliveries));
  result.tables.push_back(std::move(by_quarter));
}

/// Where every wafer, die, stack and package is at the end.
Table balances(const supply::Chain& chain) {
  Table table("balances", {{"accelerator", Table::Kind::text}, {"wafers_started"}, {"wafers_in_fab"}, {"dies_good"}, {"dies_in_bank"}, {"dies_used"}, {"stacks_used"},
                           {"packages_started"}, {"packages_in_process"}, {"packages_scrapped"}, {"packages_delivered"}});
  for (std::size_t p = 0; p < chain.accounts().size(); ++p) {
    const auto& a = chain.accounts()[p];
    table.add({chain.spec().products[p].accelerator, a.wafers_started, a.wafers_in_fab, a.dies_finished + a.dies_given, a.dies_bank, a.dies_used, a.stacks_used,
               a.packages_started, a.packages_in_assembly + a.packages_in_test + a.packages_in_delivery, a.packages_scrapped, a.packages_delivered});
  }
  return table;
}

void add_bindings(const SlotCharges& charges, Result& result) {
  const std::map<supply::Limit, std::string> kTexts = {{supply::Limit::packaging, "packaging capacity"}, {supply::Limit::memory, "high-bandwidth memory"},
                                                       {supply::Limit::logic, "logic dies"}, {supply::Limit::orders, "orders"}};
  for (const auto& [limit, text] : kTexts) {
    const double share = charges.all > 0 ? charges.total[static_cast<std::size_t>(limit)] / charges.all : 0;
    if (share > 0)
      result.binds.push_back({.resource = std::string{supply::limit_name(limit)}, .share = share,
                              .text = fmt::format("{} decided {:.0f} % of the package starts", text, 100 * share)});
  }
  std::ranges::sort(result.binds, std::greater{}, &Binding::share);
}

/// Capacity decided on during the run.
Table projects(const supply::Chain& chain) {
  Table table("projects", {{"line", Table::Kind::text}, {"decided", Table::Kind::text}, {"first_output", Table::Kind::text}, {"full_output", Table::Kind::text},
                           {"capacity_wafers_per_month"}, {"capital_cost_usd"}});
  for (const auto& p : chain.projects())
    table.add({p.line, p.decided.text(), p.first_output.text(), p.full_output.text(), p.capacity.in(wafer / month), p.capital_cost.in(usd)});
  return table;
}

}  // namespace

Result run(const SupplyScenario& scenario, const catalog::Catalog& catalog, const RunContext& context) {
  SupplyRun supply_run(scenario, chain_spec(scenario, catalog));
  engine::SimgridLoop loop;
  supply_run.simulate(loop);

  const auto& chain = supply_run.chain();
  Result result;
  result.metrics = measures(supply_run, scenario, catalog);
  add_deliveries(supply_run, scenario.start, result);
  const SlotCharges charges = slot_charges(chain, scenario.start);
  add_bindings(charges, result);
  result.ledger = Table("ledger", {{"year", Table::Kind::integer}, {"accelerator", Table::Kind::text}, {"resource", Table::Kind::text}, {"charged_slots_packages"}, {"idle_slots_packages"}});
  for (const auto& [key, slots] : charges.by_year)
    result.ledger.add({std::int64_t{std::get<0>(key)}, chain.spec().products[std::get<1>(key)].accelerator,
                       std::string{supply::limit_name(std::get<2>(key))}, slots.first, slots.second});
  result.tables.push_back(balances(chain));
  if (!scenario.expansions.empty()) result.tables.push_back(projects(chain));
  double total = 0;
  for (const auto& delivery : supply_run.deliveries()) total += delivery.date >= scenario.start ? delivery.n : 0;
  result.metrics.push_back({.name = "balance_error", .value = supply_run.balance_error(), .unit = "1"});
  if (context.n_draws > 0) add_bands(scenario, catalog, context, result);
  context.progress(1.0, "simulated");
  result.headline = fmt::format("{} accelerators are delivered from {} to {}; {}.", compact_number(total), scenario.start.text(), scenario.end.text(),
                                result.binds.empty() ? "nothing was made" : result.binds.front().text);
  return result;
}

}  // namespace waferwatt::scenario
