// SPDX-License-Identifier: Apache-2.0
// What a supply run leaves as tables.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "supply_run.hpp"

namespace waferwatt::scenario {
namespace {

using Kind = Table::Kind;

void add_deliveries(const SupplyRun& run, Date start, Result& result) {
  const auto& products = run.chain().spec().products;
  std::map<std::tuple<int, std::string, std::string>, double> yearly;  // year, vendor, accelerator
  std::map<std::tuple<int, int, std::size_t>, double> quarterly;
  for (const auto& delivery : run.deliveries()) {
    if (delivery.date < start) continue;
    const auto& product = products[delivery.product];
    yearly[{delivery.date.year(), product.vendor, product.accelerator}] += delivery.n;
    quarterly[{delivery.date.year(), delivery.date.quarter(), delivery.product}] += delivery.n;
  }
  Table deliveries("deliveries", {{"year", Kind::integer}, {"vendor", Kind::text}, {"accelerator", Kind::text}, {"accelerators_delivered"}});
  for (const auto& [key, n] : yearly) deliveries.add({std::int64_t{std::get<0>(key)}, std::get<1>(key), std::get<2>(key), n});
  Table by_quarter("deliveries_by_quarter", {{"year", Kind::integer}, {"quarter", Kind::integer}, {"vendor", Kind::text}, {"accelerator", Kind::text}, {"accelerators_delivered"}});
  for (const auto& [key, n] : quarterly)
    by_quarter.add({std::int64_t{std::get<0>(key)}, std::int64_t{std::get<1>(key)}, products[std::get<2>(key)].vendor, products[std::get<2>(key)].accelerator, n});
  result.tables.push_back(std::move(deliveries));
  result.tables.push_back(std::move(by_quarter));
}

/// What each buyer got of each product, of all that buyers got of it.
std::map<std::size_t, std::map<std::string, double>> owner_shares(const SupplyRun& run, const SupplyScenario& scenario) {
  std::map<std::size_t, std::map<std::string, double>> shares;
  std::map<std::size_t, double> sums;
  for (std::size_t i = 0; i < run.book().demands().size(); ++i) {
    const auto& demand = run.book().demands()[i];
    const double n = run.book().accounts()[i].delivered;
    shares[demand.product][scenario.buyers[demand.buyer].name] += n;
    sums[demand.product] += n;
  }
  for (auto& [product, owners] : shares)
    for (auto& [owner, n] : owners) n /= std::max(sums[product], 1e-300);
  return shares;
}

/// Delivered accelerators by the lines that they came through and, where the scenario has buyers, by who got them.
Table flows(const SupplyRun& run, const SupplyScenario& scenario) {
  const auto& products = run.chain().spec().products;
  std::map<std::size_t, double> delivered;
  for (const auto& delivery : run.deliveries())
    if (delivery.date >= scenario.start) delivered[delivery.product] += delivery.n;
  const auto owners = owner_shares(run, scenario);
  Table table("flows", {{"logic", Kind::text}, {"packaging", Kind::text}, {"memory", Kind::text}, {"accelerator", Kind::text}, {"vendor", Kind::text}, {"owner", Kind::text}, {"accelerators_delivered"}});
  const auto or_none = [](const std::string& line) { return line.empty() ? std::string{"none"} : line; };
  for (const auto& [p, n] : delivered) {
    const auto found = owners.find(p);
    const std::map<std::string, double> unnamed = {{"customers of " + products[p].vendor, 1.0}};
    for (const auto& [owner, share] : found == owners.end() ? unnamed : found->second)
      if (n * share > 0)
        table.add({products[p].node.empty() ? std::string{"not modelled"} : products[p].node, or_none(products[p].packaging), or_none(products[p].memory), products[p].accelerator,
                   products[p].vendor, owner, n * share});
  }
  return table;
}

/// Where every wafer, die, stack and package is at the end.
Table balances(const supply::Chain& chain) {
  Table table("balances", {{"accelerator", Kind::text}, {"wafers_started"}, {"wafers_in_fab"}, {"dies_good"}, {"dies_in_bank"}, {"dies_used"}, {"stacks_used"},
                           {"packages_started"}, {"packages_in_process"}, {"packages_awaiting_parts"}, {"packages_scrapped"}, {"packages_held"}, {"packages_delivered"}});
  for (std::size_t p = 0; p < chain.accounts().size(); ++p) {
    const auto& a = chain.accounts()[p];
    // What sums of rounded numbers leave of nothing is nothing.
    const auto left = [&](double n) { return std::abs(n) < 1e-9 * a.packages_started ? 0.0 : n; };
    table.add({chain.spec().products[p].accelerator, a.wafers_started, a.wafers_in_fab, a.dies_finished + a.dies_given, a.dies_bank, a.dies_used, a.stacks_used,
               a.packages_started, left(a.packages_in_assembly + a.packages_in_test + a.packages_in_delivery), left(a.packages_awaiting_test + a.packages_awaiting_system),
               a.packages_scrapped, a.packages_held, a.packages_delivered});
  }
  return table;
}

/// Die banks and stacks in store where quarters begin.
Table inventories(const supply::Chain& chain, Date start) {
  Table table("inventories", {{"year", Kind::integer}, {"quarter", Kind::integer}, {"kind", Kind::text}, {"of", Kind::text}, {"where", Kind::text}, {"amount"}});
  std::int64_t year = 0, quarter = 0;
  for (const auto& inventory : chain.inventories()) {
    if (inventory.date < start || (inventory.date.year() == year && inventory.date.quarter() == quarter)) continue;
    year = inventory.date.year();
    quarter = inventory.date.quarter();
    for (std::size_t p = 0; p < inventory.dies.size(); ++p)
      if (inventory.dies[p] >= 1) table.add({year, quarter, std::string{"dies"}, chain.spec().products[p].accelerator, std::string{"die bank"}, inventory.dies[p]});
    for (std::size_t i = 0; i < inventory.stacks.size(); ++i) {
      const auto& pool = chain.pools()[i];
      const bool is_maker = pool.maker < chain.spec().memory_makers.size();
      if (inventory.stacks[i] >= 1) table.add({year, quarter, std::string{"stacks"}, pool.memory, is_maker ? chain.spec().memory_makers[pool.maker].maker : "stock of " + pool.only_for, inventory.stacks[i]});
    }
  }
  return table;
}

Table parts(const supply::Chain& chain) {
  Table table("parts", {{"part", Kind::text}, {"made_units"}, {"used_units"}, {"in_store_units"}, {"lapsed_units"}});
  for (std::size_t l = 0; l < chain.part_accounts().size(); ++l) {
    const auto& a = chain.part_accounts()[l];
    table.add({chain.spec().parts[l].part, a.made, a.used, a.store, a.lapsed});
  }
  return table;
}

/// Capacity decided on during the run.
Table projects(const supply::Chain& chain) {
  Table table("projects", {{"line", Kind::text}, {"decided", Kind::text}, {"first_output", Kind::text}, {"full_output", Kind::text}, {"capacity_wafers_per_month"}, {"capital_cost_usd"}});
  for (const auto& p : chain.projects())
    table.add({p.line, p.decided.text(), p.first_output.text(), p.full_output.text(), p.capacity.in(wafer / month), p.capital_cost.in(usd)});
  return table;
}

Table package_costs(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog) {
  Table table("package_costs", {{"year", Kind::integer}, {"accelerator", Kind::text}, {"logic_usd"}, {"memory_usd"}, {"interposer_usd"}, {"assembly_usd"}, {"test_usd"}, {"scrap_usd"}, {"total_usd"}});
  for (const auto& [year, product, cost] : yearly_costs(run, scenario, catalog))
    table.add({std::int64_t{year}, run.chain().spec().products[product].accelerator, cost.logic.in(usd), cost.memory.in(usd), cost.interposer.in(usd), cost.assembly.in(usd), cost.test.in(usd), cost.scrap.in(usd), cost.total().in(usd)});
  return table;
}

/// Capital spending of the foundries by what it goes to, and what the run's projects take of it in their build years.
Table capital(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog) {
  Table table("capital", {{"year", Kind::integer}, {"company", Kind::text}, {"purpose", Kind::text}, {"spending_usd"}});
  for (int year = scenario.start.year(); Date::from_civil(year, 1, 1) < scenario.end; ++year) {
    const Date from = Date::from_civil(year, 1, 1), to = Date::from_civil(year + 1, 1, 1);
    for (const auto& [id, company] : catalog.companies.all())
      for (const auto& [purpose, share] : company.capex_shares)
        if (company.capex) table.add({std::int64_t{year}, id, purpose, (company.capex->value.integral(from, to) * share.value).in(usd)});
    for (const auto& p : run.chain().projects())
      if (const Time span = std::min(to, p.full_output) - std::max(from, p.decided); span > Time{})
        table.add({std::int64_t{year}, std::string{"this scenario"}, "project at " + p.line, p.capital_cost.in(usd) * (span / (p.full_output - p.decided))});
  }
  return table;
}

Table orders(const SupplyRun& run, const SupplyScenario& scenario) {
  Table table("orders", {{"buyer", Kind::text}, {"accelerator", Kind::text}, {"needed_accelerators"}, {"ordered_accelerators"}, {"cancelled_accelerators"}, {"delivered_accelerators"}, {"open_accelerators"}});
  for (std::size_t i = 0; i < run.book().demands().size(); ++i) {
    const auto& demand = run.book().demands()[i];
    const auto& a = run.book().accounts()[i];
    table.add({scenario.buyers[demand.buyer].name, run.chain().spec().products[demand.product].accelerator, a.needed, a.placed, a.cancelled, a.delivered, a.open});
  }
  return table;
}

/// Mean price of an auctioned line's wafers by year.
Table auctions(const supply::Chain& chain, Date start) {
  std::map<std::pair<int, std::string>, std::pair<double, double>> prices;
  for (const auto& entry : chain.auctions())
    if (entry.week >= start) {
      auto& [sum, n] = prices[{entry.week.year(), entry.line}];
      sum += entry.price.in(usd / wafer);
      n += 1;
    }
  Table table("auctions", {{"year", Kind::integer}, {"line", Kind::text}, {"mean_price_usd_per_wafer"}});
  for (const auto& [key, price] : prices) table.add({std::int64_t{key.first}, key.second, price.first / price.second});
  return table;
}

/// The order book where quarters begin, and what is needed, ordered and delivered in each quarter.
Table order_book(const SupplyRun& run, Date start) {
  Table table("order_book", {{"year", Kind::integer}, {"quarter", Kind::integer}, {"open_accelerators"}, {"without_fear_accelerators"}, {"needed_accelerators"}, {"ordered_accelerators"}, {"delivered_accelerators"}});
  const auto& weeks = run.book_history();
  const auto is_same = [](Date a, Date b) { return a.year() == b.year() && a.quarter() == b.quarter(); };
  for (auto first = std::ranges::find_if(weeks, [&](const auto& w) { return w.date >= start; }); first != weeks.end();) {
    const auto next = std::find_if(first, weeks.end(), [&](const auto& w) { return !is_same(w.date, first->date); });
    const auto& until = next == weeks.end() ? weeks.back() : *next;
    table.add({std::int64_t{first->date.year()}, std::int64_t{first->date.quarter()}, first->open, first->wanted, until.needed - first->needed, until.placed - first->placed, until.delivered - first->delivered});
    first = next;
  }
  return table;
}

}  // namespace

std::vector<YearlyCost> yearly_costs(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog) {
  std::map<std::pair<int, std::size_t>, double> delivered;
  for (const auto& delivery : run.deliveries())
    if (delivery.date >= scenario.start) delivered[{delivery.date.year(), delivery.product}] += delivery.n;
  std::vector<YearlyCost> costs;
  Diagnostics diagnostics;
  for (const auto& [key, n] : delivered) {
    const auto& product = run.chain().spec().products[key.second];
    if (n < 1 || product.packaging.empty()) continue;
    const auto& accelerator = *scenario.products[key.second].accelerator.resolve(catalog.accelerators, diagnostics);
    costs.push_back({key.first, key.second, supply::package_cost(product, accelerator, catalog, Date::from_civil(key.first, 7, 1))});
  }
  return costs;
}

void add_tables(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog, Result& result) {
  const auto& chain = run.chain();
  add_deliveries(run, scenario.start, result);
  const auto add = [&](Table table) {
    if (table.n_rows() > 0) result.tables.push_back(std::move(table));
  };
  add(flows(run, scenario));
  add(balances(chain));
  add(inventories(chain, scenario.start));
  add(parts(chain));
  add(projects(chain));
  add(package_costs(run, scenario, catalog));
  add(capital(run, scenario, catalog));
  add(orders(run, scenario));
  add(order_book(run, scenario.start));
  add(auctions(chain, scenario.start));
}

}  // namespace waferwatt::scenario
