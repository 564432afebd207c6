// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/supply_scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "waferwatt/core/number_text.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"

namespace waferwatt::scenario {
namespace {

class ChainRun : public engine::EventHandler {
 public:
  explicit ChainRun(const SupplyScenario& scenario, supply::ChainSpec spec)
      : scenario_(scenario),
        chain_(
            std::move(spec), [this](std::size_t product, Date date) { return open_orders(product, date); },
            [this](std::size_t product, double n, Date date) { delivered_.push_back({product, n, date}); }),
        delivered_of_(chain_.spec().products.size(), 0.0) {}

  struct Delivery {
    std::size_t product;
    double n;
    Date date;
  };

  void handle(const engine::Event& event, engine::EventLoop& loop) override {
    if (Date::from_days(event.time) < chain_.spec().end) chain_.handle(event, loop);
  }
  void begin(engine::EventLoop& loop) { chain_.begin(loop); }
  const supply::Chain& chain() const { return chain_; }
  const std::vector<Delivery>& deliveries() const { return delivered_; }

 private:
  double open_orders(std::size_t product, Date date) {
    const auto& orders = scenario_.products[product].orders;
    if (!orders) return std::numeric_limits<double>::infinity();
    for (; counted_ < delivered_.size(); ++counted_) delivered_of_[delivered_[counted_].product] += delivered_[counted_].n;
    const auto& spec = chain_.spec();
    const auto& p = spec.products[product];
    const Time lead = p.packaging_cycle_time + p.test_time + spec.assembly_time + spec.shipping_time;
    return std::max(0.0, orders->integral(spec.start, date + lead).in(accelerator) - delivered_of_[product]);
  }

  const SupplyScenario& scenario_;
  supply::Chain chain_;
  std::vector<Delivery> delivered_;
  std::vector<double> delivered_of_;
  std::size_t counted_ = 0;
};

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

void add_deliveries(const ChainRun& chain_run, Date start, Result& result) {
  const auto& products = chain_run.chain().spec().products;
  std::map<std::tuple<int, std::string, std::string>, double> yearly;  // year, vendor, accelerator
  std::map<std::pair<int, std::string>, double> vendor_yearly;
  std::map<std::tuple<int, int, std::size_t>, double> quarterly;
  for (const auto& delivery : chain_run.deliveries()) {
    if (delivery.date < start) continue;
    const auto& product = products[delivery.product];
    yearly[{delivery.date.year(), product.vendor, product.accelerator}] += delivery.n;
    vendor_yearly[{delivery.date.year(), product.vendor}] += delivery.n;
    quarterly[{delivery.date.year(), delivery.date.quarter(), delivery.product}] += delivery.n;
  }
  for (const auto& [key, n] : vendor_yearly)
    result.metrics.push_back({.name = "accelerators_delivered", .dims = {{"vendor", key.second}, {"year", std::to_string(key.first)}}, .value = n, .unit = "accelerator"});
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

}  // namespace

const io::Record<SupplyProduct>& SupplyProduct::record() {
  using P = SupplyProduct;
  static const auto record =
      io::Record<P>("supply_product", "An accelerator in production.")
          .required("accelerator", &P::accelerator, {.doc = "Accelerator id, or the record itself."})
          .optional("vendor", &P::vendor, {.doc = "Company whose share of the packaging line it uses; absent: the accelerator's vendor."})
          .required("mix", &P::mix, {.doc = "Weight among the vendor's products over time.", .at_least = 0.0, .at_most = 1e6})
          .optional("harvest_fraction", &P::harvest_fraction, {.doc = "Defective dies that can be sold with units switched off.", .at_least = 0.0, .at_most = 1.0})
          .optional("orders", &P::orders, {.doc = "Orders over time; absent: sold out.", .at_least = 0 * core::accelerator / month, .at_most = giga * core::accelerator / month});
  return record;
}

const io::Record<SupplyStock>& SupplyStock::record() {
  using S = SupplyStock;
  static const auto record = io::Record<S>("supply_stock", "Parts in store at the start that one customer can use.")
                                 .required("company", &S::company, {.doc = "Company id."})
                                 .optional("memory", &S::memory, {.doc = "Memory id of the stacks."})
                                 .optional("stacks", &S::stacks, {.doc = "HBM stacks in store.", .at_least = 0.0, .at_most = 1e10})
                                 .optional("accelerator", &S::accelerator, {.doc = "Accelerator id of the dies."})
                                 .optional("dies", &S::dies, {.doc = "Good dies in store.", .at_least = 0.0, .at_most = 1e10})
                                 .check([](const S& s, const io::FieldComplaint& complain) {
                                   if (s.stacks > 0 && s.memory.empty()) complain("stacks", "say of which \"memory\" the stacks are");
                                   if (s.dies > 0 && s.accelerator.empty()) complain("dies", "say of which \"accelerator\" the dies are");
                                 });
  return record;
}

const io::Record<SupplyScenario>& SupplyScenario::record() {
  using S = SupplyScenario;
  static const auto record =
      io::Record<S>("supply", "What the chain from wafers to systems delivers, and what limits it.")
          .required("start", &S::start, {.doc = "First day reported."})
          .required("end", &S::end, {.doc = "Day after the last one."})
          .required("known_at", &S::known_at, {.doc = "Forecasts are those known at this date."})
          .optional("warm_up", &S::warm_up, {.doc = "Simulated before the start, to fill the pipeline.", .at_least = 0 * day, .at_most = 10 * year})
          .required("products", &S::products, {.doc = "What is made."})
          .optional("stocks", &S::stocks, {.doc = "Parts in store at the start of the warm-up."})
          .check([](const S& s, const io::FieldComplaint& complain) {
            if (s.end <= s.start) complain("end", fmt::format("must come after the start, {}", s.start.text()));
            if (s.end - s.start > 50 * year) complain("end", "at most 50 years are simulated");
            if (s.products.empty()) complain("products", "give at least one product");
          });
  return record;
}

void check_products(const std::vector<SupplyProduct>& products, const std::vector<SupplyStock>& stocks, Date known_at, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  std::set<std::string> seen;
  for (const auto& product : products) {
    const auto* accelerator = product.accelerator.resolve(catalog.accelerators, diagnostics);
    if (!accelerator) continue;
    if (!seen.insert(accelerator->id).second) diagnostics.add({.path = "/products", .message = fmt::format("accelerator \"{}\" is given twice", accelerator->id)});
    const std::string vendor = product.vendor.empty() ? accelerator->vendor : product.vendor;
    if (!catalog.companies.find(vendor))
      diagnostics.add({.path = "/products", .message = fmt::format("unknown company \"{}\"{}", vendor, suggestion(vendor, catalog.companies.ids(), "ids"))});
    try {
      const auto made = supply::make_product(*accelerator, catalog, vendor, product.mix, product.harvest_fraction);
      if (made.family.empty() && made.node.empty() && !product.orders)
        diagnostics.add({.path = "/products", .message = fmt::format("{} has neither a node nor a packaging line in the catalog, so nothing limits it; give \"orders\"", accelerator->id)});
      if (made.family.empty()) continue;
      const auto& shares = catalog.packaging_families.at(made.family).customer_shares;
      if (std::ranges::find(shares, vendor, &catalog::CustomerShare::company) == shares.end())
        diagnostics.add({.path = "/products", .message = fmt::format("{} has no share of {}, which packages {}", vendor, made.family, accelerator->id)});
    } catch (const InputError& error) {
      diagnostics.add({.path = "/products", .message = error.diagnostics().front().message});
    }
  }
  for (const auto& stock : stocks) {
    const auto known = [&](const std::string& id, const auto& shelf, const char* what) {
      if (!id.empty() && !shelf.find(id)) diagnostics.add({.path = "/stocks", .message = fmt::format("unknown {} \"{}\"{}", what, id, suggestion(id, shelf.ids(), "ids"))});
    };
    known(stock.company, catalog.companies, "company");
    known(stock.memory, catalog.memories, "memory");
    known(stock.accelerator, catalog.accelerators, "accelerator");
    if (catalog.accelerators.find(stock.accelerator) && !seen.contains(stock.accelerator))
      diagnostics.add({.path = "/stocks", .message = fmt::format("the dies of {} are in store, but it is not among the products", stock.accelerator)});
  }
  if (known_at < Date::from_civil(2000, 1, 1)) diagnostics.add({.path = "/known_at", .message = "nothing was known before 2000"});
}

std::vector<supply::Stock> chain_stocks(const std::vector<SupplyStock>& stocks) {
  std::vector<supply::Stock> result;
  for (const auto& s : stocks) result.push_back({s.company, s.memory, s.stacks, s.accelerator, s.dies});
  return result;
}

void check(const SupplyScenario& scenario, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  check_products(scenario.products, scenario.stocks, scenario.known_at, catalog, diagnostics);
}

Result run(const SupplyScenario& scenario, const catalog::Catalog& catalog, const RunContext& context) {
  std::vector<supply::Product> products;
  Diagnostics diagnostics;
  for (const auto& product : scenario.products) {
    const auto& accelerator = *product.accelerator.resolve(catalog.accelerators, diagnostics);
    products.push_back(supply::make_product(accelerator, catalog, product.vendor.empty() ? accelerator.vendor : product.vendor, product.mix, product.harvest_fraction));
  }
  auto spec = supply::make_chain_spec(catalog, scenario.known_at, std::move(products));
  spec.start = scenario.start - scenario.warm_up;
  spec.end = scenario.end;
  spec.stocks = chain_stocks(scenario.stocks);

  ChainRun chain_run(scenario, std::move(spec));
  engine::SimgridLoop loop;
  chain_run.begin(loop);
  loop.run(chain_run);
  context.progress(1.0, "simulated");

  Result result;
  add_deliveries(chain_run, scenario.start, result);
  const SlotCharges charges = slot_charges(chain_run.chain(), scenario.start);
  add_bindings(charges, result);
  result.ledger = Table("ledger", {{"year", Table::Kind::integer}, {"accelerator", Table::Kind::text}, {"resource", Table::Kind::text}, {"charged_slots_packages"}, {"idle_slots_packages"}});
  for (const auto& [key, slots] : charges.by_year)
    result.ledger.add({std::int64_t{std::get<0>(key)}, chain_run.chain().spec().products[std::get<1>(key)].accelerator,
                       std::string{supply::limit_name(std::get<2>(key))}, slots.first, slots.second});
  result.tables.push_back(balances(chain_run.chain()));
  double worst = 0, total = 0;
  for (const auto& account : chain_run.chain().accounts()) worst = std::max(worst, account.balance_error());
  for (const auto& pool : chain_run.chain().pools()) worst = std::max(worst, pool.balance_error());
  for (const auto& delivery : chain_run.deliveries()) total += delivery.date >= scenario.start ? delivery.n : 0;
  result.metrics.push_back({.name = "balance_error", .value = worst, .unit = "1"});
  result.headline = fmt::format("{} accelerators are delivered from {} to {}; {}.", compact_number(total), scenario.start.text(), scenario.end.text(),
                                result.binds.empty() ? "nothing was made" : result.binds.front().text);
  return result;
}

}  // namespace waferwatt::scenario
