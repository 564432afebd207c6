// SPDX-License-Identifier: Apache-2.0
#include "supply_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "waferwatt/supply/yield.hpp"

namespace waferwatt::scenario {
namespace {

using Dims = std::map<std::string, std::string>;

supply::Shock to_shock(const SupplyShock& s) {
  return {s.kind, s.date, s.duration, s.recovery, s.loss, s.scrap, s.lines, s.company, s.memory, s.accelerator};
}

supply::Expansion to_expansion(const SupplyExpansion& x, Date start) {
  return {x.line, x.decided, start, x.threshold, x.review, x.build_time, x.ramp_time, x.capacity, x.capital_cost, static_cast<int>(x.max_projects)};
}

/// The part of defective dies that can be sold, from the units that may be defective.
double harvest_fraction(const SupplyHarvest& harvest, const supply::Product& product, Date date) {
  const DefectDensity density = product.defect_density.at(date);
  const double perfect = supply::negative_binomial_yield(product.die_area, density);
  const double sellable = supply::harvested_yield(product.die_area, density, {harvest.n_units, harvest.n_needed, harvest.area_fraction});
  return perfect < 1 ? std::clamp((sellable - perfect) / (1 - perfect), 0.0, 1.0) : 0;
}

void add_deliveries(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog, std::vector<Metric>& metrics) {
  Diagnostics diagnostics;
  const auto& products = run.chain().spec().products;
  std::map<Dims, double> units, equivalents;
  // A quarter in which a product delivers nothing is an outcome, too.
  for (Date date = scenario.start; date < scenario.end; date = date + 90 * day)
    for (const auto& product : products) units[{{"accelerator", product.accelerator}, {"quarter", fmt::format("{}-Q{}", date.year(), date.quarter())}}] += 0;
  for (const auto& delivery : run.deliveries()) {
    if (delivery.date < scenario.start) continue;
    const auto& product = products[delivery.product];
    const auto& accelerator = *scenario.products[delivery.product].accelerator.resolve(catalog.accelerators, diagnostics);
    const std::string year = std::to_string(delivery.date.year()), quarter = fmt::format("{}-Q{}", year, delivery.date.quarter());
    units[{{"vendor", product.vendor}}] += delivery.n;
    units[{{"vendor", product.vendor}, {"year", year}}] += delivery.n;
    units[{{"vendor", product.vendor}, {"quarter", quarter}}] += delivery.n;
    units[{{"accelerator", product.accelerator}, {"quarter", quarter}}] += delivery.n;
    equivalents[{{"vendor", product.vendor}, {"year", year}}] += delivery.n * accelerator.h100_equivalents();
    equivalents[{}] += delivery.n * accelerator.h100_equivalents();
  }
  for (const auto& [dims, n] : units) metrics.push_back({.name = "accelerators_delivered", .dims = dims, .value = n, .unit = "accelerator"});
  for (const auto& [dims, n] : equivalents) metrics.push_back({.name = "h100_equivalents_delivered", .dims = dims, .value = n, .unit = "H100e"});
}

void add_capacities(const SupplyRun& run, const SupplyScenario& scenario, std::vector<Metric>& metrics) {
  const auto& spec = run.chain().spec();
  for (int year = scenario.start.year(); Date::from_civil(year + 1, 1, 1) <= scenario.end; ++year)
    for (const auto& line : spec.packaging)
      metrics.push_back({.name = "packaging_capacity", .dims = {{"line", line.family}, {"year", std::to_string(year)}},
                         .value = line.capacity.at(Date::from_civil(year + 1, 1, 1)).in(wafer / month), .unit = "wafer/month"});
}

void add_memory(const SupplyRun& run, Date start, const catalog::Catalog& catalog, std::vector<Metric>& metrics) {
  std::map<int, double> used;  // year
  const auto& products = run.chain().spec().products;
  for (const auto& entry : run.chain().weeks()) {
    const auto& product = products[entry.product];
    if (entry.week < start || product.memory.empty()) continue;
    used[entry.week.year()] += entry.started * product.stacks_per_package * catalog.memories.at(product.memory).capacity.value.in(giga * byte) * 8;
  }
  for (const auto& [year, gbit] : used) metrics.push_back({.name = "memory_used", .dims = {{"year", std::to_string(year)}}, .value = gbit, .unit = "Gbit"});
}

}  // namespace

supply::ChainSpec chain_spec(const SupplyScenario& scenario, const catalog::Catalog& catalog) {
  std::vector<supply::Product> products;
  Diagnostics diagnostics;
  for (const auto& product : scenario.products) {
    // A draw changes the catalog's accelerators; those written out in the scenario are as they are.
    const auto& accelerator = *product.accelerator.resolve(catalog.accelerators, diagnostics);
    auto made = supply::make_product(accelerator, catalog, product.vendor.empty() ? accelerator.vendor : product.vendor, product.mix, product.harvest_fraction, product.packaging);
    if (product.harvest) made.harvest_fraction = harvest_fraction(*product.harvest, made, scenario.start);
    made.delivery_time = product.delivery_time;
    products.push_back(std::move(made));
  }
  auto spec = supply::make_chain_spec(catalog, scenario.known_at, std::move(products));
  spec.start = scenario.start - scenario.warm_up;
  spec.end = scenario.end;
  spec.assembly_time = scenario.assembly_time;
  spec.shipping_time = scenario.shipping_time;
  spec.stocks = chain_stocks(scenario.stocks);
  for (const auto& shock : scenario.shocks) spec.shocks.push_back(to_shock(shock));
  for (const auto& expansion : scenario.expansions) spec.expansions.push_back(to_expansion(expansion, scenario.start));
  for (const auto& allocation : scenario.allocation)
    for (auto& line : spec.packaging)
      if (line.family == allocation.line) {
        line.allocation = allocation.policy;
        line.priority = allocation.priority;
      }
  return spec;
}

std::vector<supply::Stock> chain_stocks(const std::vector<SupplyStock>& stocks) {
  std::vector<supply::Stock> result;
  for (const auto& s : stocks) result.push_back({s.company, s.memory, s.stacks, s.accelerator, s.dies});
  return result;
}

SupplyRun::SupplyRun(const SupplyScenario& scenario, supply::ChainSpec spec)
    : scenario_(scenario),
      chain_(
          std::move(spec), [this](std::size_t product, Date date) { return open_orders(product, date); },
          [this](std::size_t product, double n, Date date) { delivered_.push_back({product, n, date}); }),
      delivered_of_(chain_.spec().products.size(), 0.0) {}

void SupplyRun::simulate(engine::EventLoop& loop) {
  chain_.begin(loop);
  loop.run(*this);
}

void SupplyRun::handle(const engine::Event& event, engine::EventLoop& loop) {
  if (Date::from_days(event.time) < chain_.spec().end) chain_.handle(event, loop);
}

double SupplyRun::open_orders(std::size_t product, Date date) {
  const auto& orders = scenario_.products[product].orders;
  if (!orders) return std::numeric_limits<double>::infinity();
  for (; counted_ < delivered_.size(); ++counted_) delivered_of_[delivered_[counted_].product] += delivered_[counted_].n;
  const auto& spec = chain_.spec();
  const auto& p = spec.products[product];
  const Time lead = p.packaging_cycle_time + p.test_time + p.delivery_time.value_or(spec.assembly_time + spec.shipping_time);
  return std::max(0.0, orders->integral(spec.start, date + lead).in(accelerator) - delivered_of_[product]);
}

double SupplyRun::balance_error() const {
  double worst = 0;
  for (const auto& account : chain_.accounts()) worst = std::max(worst, account.balance_error());
  for (const auto& pool : chain_.pools()) worst = std::max(worst, pool.balance_error());
  return worst;
}

std::vector<Metric> measures(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog) {
  std::vector<Metric> metrics;
  add_deliveries(run, scenario, catalog, metrics);
  add_capacities(run, scenario, metrics);
  add_memory(run, scenario.start, catalog, metrics);
  return metrics;
}

}  // namespace waferwatt::scenario
