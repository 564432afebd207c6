// SPDX-License-Identifier: Apache-2.0
#include "supply_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "waferwatt/supply/yield.hpp"

namespace waferwatt::scenario {
namespace {

using Dims = std::map<std::string, std::string>;

constexpr std::uint32_t kReview = 100;  // event kind; the chain's are lower

supply::Shock to_shock(const SupplyShock& s) {
  return {s.kind, s.date, s.duration, s.recovery, s.loss, s.scrap, s.lines, s.company, s.memory, s.accelerator};
}

/// What the scenario does not say is the region's.
supply::Expansion to_expansion(const SupplyExpansion& x, Date start, const catalog::Catalog& catalog) {
  supply::Expansion expansion{.line = x.line, .decided = x.decided, .not_before = start, .threshold = x.threshold, .review = x.review,
                              .capacity = x.capacity, .max_projects = static_cast<int>(x.max_projects)};
  if (!x.build.empty()) {
    const auto& build = catalog.fab_builds.at(x.build);
    expansion.build_time = build.build_time();
    expansion.ramp_time = build.ramp_time.value;
    expansion.capital_cost = build.capital_cost.value * x.capacity;
  }
  if (x.build_time) expansion.build_time = *x.build_time;
  if (x.ramp_time) expansion.ramp_time = *x.ramp_time;
  if (x.capital_cost) expansion.capital_cost = *x.capital_cost;
  return expansion;
}

/// The part of defective dies that can be sold, from the units that may be defective.
double harvest_fraction(const SupplyHarvest& harvest, const supply::Product& product, Date date) {
  const DefectDensity density = product.defect_density.at(date);
  const double perfect = supply::die_yield(product.die_area, density, product.die_yield);
  const double sellable = supply::harvested_yield(product.die_area, density, {harvest.n_units, harvest.n_needed, harvest.area_fraction}, product.die_yield.clustering);
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
    units[{}] += delivery.n;
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

/// The quarter of the run from which on an accelerator's deliveries stay below a tenth of their largest quarter.
void add_collapses(const std::map<Dims, double>& units, const SupplyScenario& scenario, std::vector<Metric>& metrics) {
  std::map<std::string, std::vector<double>> by_accelerator;
  for (Date date = scenario.start; date < scenario.end; date = date.next_month().next_month().next_month()) {
    const std::string quarter = fmt::format("{}-Q{}", date.year(), date.quarter());
    for (const auto& [dims, n] : units)
      if (dims.contains("accelerator")) by_accelerator[dims.at("accelerator")];
    for (auto& [accelerator, quarters] : by_accelerator) {
      const auto found = units.find({{"accelerator", accelerator}, {"quarter", quarter}});
      quarters.push_back(found == units.end() ? 0.0 : found->second);
    }
  }
  for (const auto& [accelerator, quarters] : by_accelerator) {
    const double largest = *std::ranges::max_element(quarters);
    std::size_t first_low = quarters.size();
    while (first_low > 0 && quarters[first_low - 1] < 0.1 * largest) --first_low;
    if (first_low < quarters.size()) metrics.push_back({.name = "delivery_collapse", .dims = {{"accelerator", accelerator}}, .value = static_cast<double>(first_low + 1), .unit = "quarter"});
  }
}

/// Deliveries as they show in a vendor's books: those of a fiscal quarter, spread evenly over its months. Estimates from
/// revenue are of this kind, so that a stop in the middle of a quarter is seen after it.
void add_recognised(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog, std::vector<Metric>& metrics) {
  const auto& products = run.chain().spec().products;
  std::map<std::pair<std::size_t, int>, double> fiscal;  // product, first month of the fiscal quarter since year 0
  const auto offset_of = [&](const std::string& vendor) {
    const auto& company = catalog.companies.find(vendor);
    return company && company->fiscal_year_month ? static_cast<int>(company->fiscal_year_month->value - 1) % 3 : 0;
  };
  for (const auto& delivery : run.deliveries()) {
    const int month = delivery.date.year() * 12 + delivery.date.month() - 1, offset = offset_of(products[delivery.product].vendor);
    fiscal[{delivery.product, (month - offset) / 3 * 3 + offset}] += delivery.n;
  }
  std::map<Dims, double> units;
  for (Date date = scenario.start; date < scenario.end; date = date + 90 * day)
    for (const auto& product : products) units[{{"accelerator", product.accelerator}, {"quarter", fmt::format("{}-Q{}", date.year(), date.quarter())}}] += 0;
  const auto first_of = [](int month) { return Date::from_civil(month / 12, static_cast<unsigned>(month % 12 + 1), 1); };
  for (const auto& [key, n] : fiscal) {
    int n_months = 0;  // the run may end within the quarter
    for (int month = key.second; month < key.second + 3; ++month) n_months += first_of(month) < scenario.end;
    for (int month = key.second; month < key.second + n_months; ++month) {
      const Date date = first_of(month);
      if (date < scenario.start) continue;
      const std::string quarter = fmt::format("{}-Q{}", date.year(), date.quarter());
      units[{{"vendor", products[key.first].vendor}, {"quarter", quarter}}] += n / n_months;
      units[{{"accelerator", products[key.first].accelerator}, {"quarter", quarter}}] += n / n_months;
    }
  }
  add_collapses(units, scenario, metrics);
  for (const auto& [dims, n] : units) metrics.push_back({.name = "accelerators_recognised", .dims = dims, .value = n, .unit = "accelerator"});
}

void add_capacities(const SupplyRun& run, const SupplyScenario& scenario, std::vector<Metric>& metrics) {
  const auto& spec = run.chain().spec();
  for (int year = scenario.start.year(); Date::from_civil(year + 1, 1, 1) <= scenario.end; ++year)
    for (const auto& line : spec.packaging)
      metrics.push_back({.name = "packaging_capacity", .dims = {{"line", line.family}, {"year", std::to_string(year)}},
                         .value = line.capacity.at(Date::from_civil(year + 1, 1, 1)).in(wafer / month), .unit = "wafer/month"});
}

void add_memory(const SupplyRun& run, Date start, const catalog::Catalog& catalog, std::vector<Metric>& metrics) {
  std::map<int, double> used, delivered;  // year
  const auto& products = run.chain().spec().products;
  for (const auto& delivery : run.deliveries())
    if (const auto& product = products[delivery.product]; delivery.date >= start && !product.memory.empty())
      delivered[delivery.date.year()] += delivery.n * product.stacks_per_package * catalog.memories.at(product.memory).capacity.value.in(giga * byte) * 8;
  for (const auto& [year, gbit] : delivered) metrics.push_back({.name = "memory_delivered", .dims = {{"year", std::to_string(year)}}, .value = gbit, .unit = "Gbit"});
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
    if (scenario.die_yield) made.die_yield = *scenario.die_yield;
    if (product.harvest) made.harvest_fraction = harvest_fraction(*product.harvest, made, scenario.start);
    made.delivery_time = product.delivery_time;
    products.push_back(std::move(made));
  }
  auto spec = supply::make_chain_spec(catalog, scenario.known_at, std::move(products), {1, 1, 1}, part_ids(scenario, catalog));
  spec.start = scenario.start - scenario.warm_up;
  spec.end = scenario.end;
  spec.assembly_time = scenario.assembly_time;
  spec.shipping_time = scenario.shipping_time;
  spec.stocks = chain_stocks(scenario.stocks);
  for (const auto& shock : scenario.shocks) spec.shocks.push_back(to_shock(shock));
  for (const auto& expansion : scenario.expansions) spec.expansions.push_back(to_expansion(expansion, scenario.start, catalog));
  for (const auto& allocation : scenario.allocation)
    for (auto& line : spec.packaging)
      if (line.family == allocation.line) {
        line.allocation = allocation.policy;
        line.priority = allocation.priority;
        line.prepaid = allocation.prepaid;
        line.bids = allocation.bids;
      }
  spec.allocation_rule = scenario.packaging_rule;
  return spec;
}

std::vector<supply::Stock> chain_stocks(const std::vector<SupplyStock>& stocks) {
  std::vector<supply::Stock> result;
  for (const auto& s : stocks) result.push_back({s.company, s.memory, s.stacks, s.accelerator, s.dies});
  return result;
}

std::vector<std::string> part_ids(const SupplyScenario& scenario, const catalog::Catalog& catalog) {
  std::vector<std::string> ids;
  for (const auto& id : scenario.parts.value_or(catalog.parts.ids())) {
    const auto is_needed = [&](const catalog::PartUse& use) {
      return std::ranges::any_of(scenario.products, [&](const SupplyProduct& p) { return std::ranges::find(use.accelerators, p.accelerator.id()) != use.accelerators.end(); });
    };
    if (std::ranges::any_of(catalog.parts.at(id).uses, is_needed)) ids.push_back(id);
  }
  return ids;
}

std::set<std::string> build_ids(const SupplyScenario& scenario) {
  std::set<std::string> ids;
  for (const auto& expansion : scenario.expansions)
    if (!expansion.build.empty()) ids.insert(expansion.build);
  return ids;
}

namespace {

/// The longest usual way from order to delivery of the products that are ordered.
Time normal_lead(const supply::ChainSpec& spec) {
  Time lead;
  for (const auto& p : spec.products) lead = std::max(lead, p.packaging_cycle_time + p.test_time + p.delivery_time.value_or(spec.assembly_time + spec.shipping_time));
  return lead + spec.cover;
}

supply::OrderBook make_book(const SupplyScenario& scenario, const supply::ChainSpec& spec) {
  std::vector<supply::Demand> demands;
  for (std::size_t b = 0; b < scenario.buyers.size(); ++b)
    for (const auto& need : scenario.buyers[b].needs) {
      const auto& buyer = scenario.buyers[b];
      const auto product = std::ranges::find(spec.products, need.accelerator, &supply::Product::accelerator) - spec.products.begin();
      demands.push_back({b, static_cast<std::size_t>(product), need.need, buyer.priority, buyer.share, buyer.prepaid, buyer.bid});
    }
  const auto& o = scenario.ordering;
  return {std::move(demands), {normal_lead(spec), o.double_ordering, o.largest_inflation, o.cancellation, o.policy}, spec.products.size()};
}

}  // namespace

SupplyRun::SupplyRun(const SupplyScenario& scenario, supply::ChainSpec spec)
    : scenario_(scenario),
      first_spec_(spec),
      chain_(
          std::move(spec), [this](std::size_t product, Date date) { return open_orders(product, date); },
          [this](std::size_t product, double n, Date date) { deliver(product, n, date); }),
      book_(make_book(scenario, chain_.spec())),
      delivered_of_(chain_.spec().products.size(), 0.0),
      unsold_(chain_.spec().products.size(), 0.0) {}

void SupplyRun::simulate(engine::EventLoop& loop) {
  chain_.begin(loop);
  if (!book_.demands().empty()) loop.at(chain_.spec().start.days(), kReview, 0, 0);
  loop.run(*this);
}

void SupplyRun::handle(const engine::Event& event, engine::EventLoop& loop) {
  const Date date = Date::from_days(event.time);
  if (date >= chain_.spec().end || chain_.handle(event, loop)) return;
  book_.review(date, core::week);
  for (std::size_t p = 0; p < unsold_.size(); ++p)
    if (unsold_[p] > 0) unsold_[p] = book_.deliver(p, unsold_[p]);
  BookEntry entry{.date = date};
  for (const auto& account : book_.accounts()) {
    entry.open += account.open, entry.wanted += account.wanted;
    entry.needed += account.needed, entry.placed += account.placed, entry.delivered += account.delivered;
  }
  book_history_.push_back(entry);
  loop.after(7, kReview, 0, 0);
}

void SupplyRun::deliver(std::size_t product, double n, Date date) {
  delivered_.push_back({product, n, date});
  if (book_.has(product)) unsold_[product] += book_.deliver(product, n);
}

double SupplyRun::open_orders(std::size_t product, Date date) {
  if (book_.has(product)) return std::max(0.0, book_.open(product) - unsold_[product]);
  const auto& orders = scenario_.products[product].orders;
  if (!orders) return std::numeric_limits<double>::infinity();
  for (; counted_ < delivered_.size(); ++counted_) delivered_of_[delivered_[counted_].product] += delivered_[counted_].n;
  const auto& spec = chain_.spec();
  const auto& p = spec.products[product];
  const Time lead = p.packaging_cycle_time + p.test_time + p.delivery_time.value_or(spec.assembly_time + spec.shipping_time);
  return std::max(0.0, orders->integral(spec.start, date + lead).in(accelerator) - delivered_of_[product]);
}

double SupplyRun::balance_error() const {
  double worst = chain_.balance_error();
  for (const auto& account : book_.accounts()) worst = std::max(worst, account.balance_error());
  return worst;
}

double SupplyRun::total() const {
  double sum = 0;
  for (const auto& delivery : delivered_)
    if (delivery.date >= scenario_.start) sum += delivery.n;
  return sum;
}

double h100_equivalents(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog) {
  Diagnostics diagnostics;
  double sum = 0;
  for (const auto& delivery : run.deliveries())
    if (delivery.date >= scenario.start) sum += delivery.n * scenario.products[delivery.product].accelerator.resolve(catalog.accelerators, diagnostics)->h100_equivalents();
  return sum;
}

std::vector<Metric> measures(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog) {
  std::vector<Metric> metrics;
  add_deliveries(run, scenario, catalog, metrics);
  add_recognised(run, scenario, catalog, metrics);
  add_capacities(run, scenario, metrics);
  add_memory(run, scenario.start, catalog, metrics);
  for (const auto& [year, p, cost] : yearly_costs(run, scenario, catalog)) {
    const auto& product = run.chain().spec().products[p];
    metrics.push_back({.name = "package_cost", .dims = {{"accelerator", product.accelerator}, {"packaging", product.packaging}, {"year", std::to_string(year)}}, .value = cost.total().in(usd), .unit = "USD"});
  }
  return metrics;
}

}  // namespace waferwatt::scenario
