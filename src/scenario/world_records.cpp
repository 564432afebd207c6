// SPDX-License-Identifier: Apache-2.0
// The records of kind "world" and the rules that span them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "waferwatt/scenario/world_scenario.hpp"

namespace waferwatt::scenario {

const io::Record<WorldProduct>& WorldProduct::record() {
  using P = WorldProduct;
  static const auto record =
      io::Record<P>("world_product", "An accelerator in production and on sale.")
          .required("accelerator", &P::accelerator, {.doc = "Accelerator id, or the record itself."})
          .optional("vendor", &P::vendor, {.doc = "Company whose share of the packaging line it uses; absent: the accelerator's vendor."})
          .required("mix", &P::mix, {.doc = "Weight among the vendor's products over time.", .at_least = 0.0, .at_most = 1e6})
          .optional("harvest_fraction", &P::harvest_fraction, {.doc = "Defective dies that can be sold with units switched off.", .at_least = 0.0, .at_most = 1.0})
          .optional("price", &P::price, {.doc = "Price of one; absent: the catalog's.", .above = 0 * usd, .at_most = 10 * mega * usd})
          .optional("only_to", &P::only_to, {.doc = "Buyers it may be sold to; absent: everyone."})
          .optional("not_to", &P::not_to, {.doc = "Buyers it may not be sold to."});
  return record;
}

const io::Record<WorldFleet>& WorldFleet::record() {
  using F = WorldFleet;
  static const auto record =
      io::Record<F>("world_fleet", "Accelerators that are on at the start.")
          .required("accelerator", &F::accelerator, {.doc = "Accelerator id; it must be among the products."})
          .required("n_accelerators", &F::n_accelerators, {.doc = "How many.", .at_least = 0.0, .at_most = 1e9})
          .required("delivered", &F::delivered, {.doc = "When they came, on average: their service life counts from then."});
  return record;
}

const io::Record<WorldBuyer>& WorldBuyer::record() {
  using B = WorldBuyer;
  static const auto record =
      io::Record<B>("world_buyer", "Someone who buys and runs accelerators.")
          .required("name", &B::name, {.doc = "Name in the results."})
          .optional("company", &B::company, {.doc = "Company id, for its capital spending and PUE."})
          .optional("budget", &B::budget, {.doc = "Money for accelerators over time.", .at_least = 0 * usd / year, .at_most = 10 * tera * usd / year})
          .optional("capex_share", &B::capex_share, {.doc = "Share of the company's capital spending that buys accelerators.", .at_least = 0.0, .at_most = 1.0})
          .required("vendors", &B::vendors, {.doc = "Share of the money by vendor; they sum to 1.", .at_least = 0.0, .at_most = 1.0})
          .required("power", &B::power, {.doc = "Facility power energised for accelerators over time; what lies after known_at is a plan.", .at_least = 0 * watt, .at_most = tera * watt})
          .optional("sites", &B::sites, {.doc = "Site ids whose power comes on top."})
          .required("grid", &B::grid, {.doc = "Grid id, for carbon and price."})
          .optional("pue", &B::pue, {.doc = "Power usage effectiveness; absent: the company's, else 1.2.", .at_least = 1.0, .at_most = 4.0})
          .optional("initial_fleet", &B::initial_fleet, {.doc = "Accelerators that are on at the start."})
          .check([](const B& b, const io::FieldComplaint& complain) {
            if (b.budget.has_value() == b.capex_share.has_value()) complain("budget", "give either \"budget\" or \"capex_share\"");
            if (b.capex_share && !b.company) complain("capex_share", "needs the \"company\" whose capital spending it is");
            double sum = 0;
            for (const auto& [vendor, share] : b.vendors) sum += share;
            if (std::abs(sum - 1) > 1e-6) complain("vendors", fmt::format("the shares must sum to 1, they sum to {:.6g}", sum));
          });
  return record;
}

const io::Record<WorldDemand>& WorldDemand::record() {
  using D = WorldDemand;
  static const auto record =
      io::Record<D>("world_demand", "Tokens the world asks for, and how the fleet serves them.")
          .required("tokens", &D::tokens, {.doc = "Prompt and output tokens asked for over time.", .at_least = 0 * token / second, .at_most = 1e18 * token / second})
          .required("model", &D::model, {.doc = "Language model that stands for the traffic; its capability on each accelerator is simulated."})
          .optional("input_tokens", &D::input_tokens, {.doc = "Prompt tokens of a request.", .at_least = 1, .at_most = 10000000})
          .optional("output_tokens", &D::output_tokens, {.doc = "Output tokens of a request.", .at_least = 1, .at_most = 10000000})
          .optional("utilisation", &D::utilisation, {.doc = "Served over saturated throughput, averaged over the day.", .above = 0.0, .at_most = 1.0})
          .optional("largest_share", &D::largest_share, {.doc = "Largest part of the fleet that serves; the rest trains.", .above = 0.0, .at_most = 1.0})
          .optional("software_gain", &D::software_gain, {.doc = "Tokens per accelerator relative to the simulated rate.", .above = 0.0, .at_most = 1e6})
          .optional("training_utilisation", &D::training_utilisation, {.doc = "Model FLOP over peak FLOP of the accelerators that train.", .above = 0.0, .at_most = 1.0});
  return record;
}

const io::Record<WorldPowerDelay>& WorldPowerDelay::record() {
  using D = WorldPowerDelay;
  static const auto record =
      io::Record<D>("world_power_delay", "How late power comes that was planned at known_at: lognormal, each owner and each site for itself.")
          .optional("median", &D::median, {.doc = "Median delay.", .at_least = 0 * day, .at_most = 30 * year})
          .optional("sigma", &D::sigma, {.doc = "Standard deviation of the delay's logarithm.", .at_least = 0.0, .at_most = 3.0});
  return record;
}

const io::Record<WorldEconomics>& WorldEconomics::record() {
  using E = WorldEconomics;
  static const auto record =
      io::Record<E>("world_economics", "What capital and operation cost.")
          .optional("discount_rate", &E::discount_rate, {.doc = "Cost of capital a year.", .at_least = 0.0, .at_most = 1.0})
          .optional("operations_fraction", &E::operations_fraction, {.doc = "Operation and maintenance a year over IT cost.", .at_least = 0.0, .at_most = 1.0})
          .optional("it_life", &E::it_life, {.doc = "Depreciation of accelerators and servers.", .above = 0 * day, .at_most = 50 * year})
          .optional("building_life", &E::building_life, {.doc = "Depreciation of buildings and power.", .above = 0 * day, .at_most = 100 * year})
          .optional("service_life", &E::service_life, {.doc = "Accelerators are taken out at this age.", .above = 0 * day, .at_most = 50 * year})
          .optional("patience", &E::patience, {.doc = "Money that found nothing to buy for so long lapses.", .above = 0 * day, .at_most = 50 * year})
          .optional("power_wait_limit", &E::power_wait_limit, {.doc = "A buyer whose chips wait for power stops buying when they are worth this much of its budget.", .above = 0 * day, .at_most = 50 * year})
          .optional("building_cost", &E::building_cost, {.doc = "Building, power and cooling per facility power.", .at_least = 0 * usd / watt, .at_most = 1000 * usd / watt});
  return record;
}

const io::Record<WorldScenario>& WorldScenario::record() {
  using W = WorldScenario;
  static const auto record =
      io::Record<W>("world", "Supply, buyers, power and tokens over years.")
          .required("start", &W::start, {.doc = "First day reported."})
          .required("end", &W::end, {.doc = "Day after the last one."})
          .required("known_at", &W::known_at, {.doc = "Forecasts are those known at this date."})
          .optional("warm_up", &W::warm_up, {.doc = "Supply simulated before the start, to fill the pipeline.", .at_least = 0 * day, .at_most = 10 * year})
          .required("products", &W::products, {.doc = "What is made and sold."})
          .optional("stocks", &W::stocks, {.doc = "Parts in store at the start of the warm-up."})
          .required("buyers", &W::buyers, {.doc = "Who buys."})
          .required("demand", &W::demand, {.doc = "What the fleet is for."})
          .optional("economics", &W::economics, {.doc = "What it costs."})
          .optional("power_delay", &W::power_delay, {.doc = "How late planned power comes."})
          .optional("marginal_step", &W::marginal_step, {.doc = "Step by which each resource is raised for its marginal value; 0: not computed.", .at_least = 0.0, .at_most = 10.0})
          .check([](const W& w, const io::FieldComplaint& complain) {
            if (w.end <= w.start) complain("end", fmt::format("must come after the start, {}", w.start.text()));
            if (w.end - w.start > 50 * year) complain("end", "at most 50 years are simulated");
            if (w.products.empty()) complain("products", "give at least one product");
            if (w.buyers.empty()) complain("buyers", "give at least one buyer");
            std::set<std::string> names;
            for (const auto& buyer : w.buyers) {
              if (!names.insert(buyer.name).second) complain("buyers", fmt::format("buyer \"{}\" is given twice", buyer.name));
              for (const auto& fleet : buyer.initial_fleet)
                if (fleet.delivered > w.start)
                  complain("buyers", fmt::format("buyer \"{}\": its initial fleet of {} is delivered on {}, after the start", buyer.name, fleet.accelerator.id(), fleet.delivered.text()));
            }
          });
  return record;
}

namespace {

void check_buyer(const WorldBuyer& buyer, const std::set<std::string>& vendors, const std::set<std::string>& products, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  const auto complain = [&](std::string_view key, std::string message) { diagnostics.add(buyer.where.diagnostic(key, fmt::format("buyer \"{}\": {}", buyer.name, message))); };
  buyer.grid.resolve(catalog.grids, diagnostics);
  for (const auto& site : buyer.sites) site.resolve(catalog.sites, diagnostics);
  const std::vector<std::string> known(vendors.begin(), vendors.end());
  for (const auto& [vendor, share] : buyer.vendors)
    if (!vendors.contains(vendor)) complain("vendors", fmt::format("unknown vendor \"{}\"{}", vendor, suggestion(vendor, known, "vendors")));
  for (const auto& fleet : buyer.initial_fleet) {
    const auto* accelerator = fleet.accelerator.resolve(catalog.accelerators, diagnostics);
    if (accelerator && !products.contains(accelerator->id)) complain("initial_fleet", fmt::format("the initial fleet's \"{}\" is not among the products", accelerator->id));
  }
  if (!buyer.company) return;
  const auto* company = catalog.companies.find(*buyer.company);
  if (!company) complain("company", fmt::format("unknown company \"{}\"{}", *buyer.company, suggestion(*buyer.company, catalog.companies.ids(), "ids")));
  else if (buyer.capex_share && !company->capex) complain("capex_share", fmt::format("the catalog knows no capital spending of \"{}\"; give a \"budget\"", *buyer.company));
}

}  // namespace

void check(const WorldScenario& scenario, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  std::vector<SupplyProduct> products;
  for (const auto& p : scenario.products) products.push_back({.accelerator = p.accelerator, .vendor = p.vendor, .mix = p.mix, .harvest_fraction = p.harvest_fraction, .where = p.where});
  check_products(products, scenario.stocks, scenario.known_at, scenario.where, catalog, diagnostics);
  std::set<std::string> vendors, ids;
  std::vector<std::string> buyers;
  for (const auto& buyer : scenario.buyers) buyers.push_back(buyer.name);
  for (const auto& product : scenario.products) {
    Diagnostics already_told;  // by check_products
    const auto* accelerator = product.accelerator.resolve(catalog.accelerators, already_told);
    vendors.insert(!product.vendor.empty() ? product.vendor : accelerator ? accelerator->vendor : product.accelerator.id());
    ids.insert(product.accelerator.id());
    if (accelerator && !product.price && !accelerator->price)
      diagnostics.add(product.where.diagnostic("price", fmt::format("the catalog knows no price of {}; give a \"price\"", accelerator->id)));
    if (accelerator && !catalog.system_of(accelerator->id))
      diagnostics.add(product.where.diagnostic("accelerator", fmt::format("no system in the catalog holds {}", accelerator->id)));
    for (const auto& [key, names] : {std::pair{"only_to", &product.only_to}, std::pair{"not_to", &product.not_to}})
      for (const auto& name : *names)
        if (std::ranges::find(buyers, name) == buyers.end())
          diagnostics.add(product.where.diagnostic(key, fmt::format("{}: unknown buyer \"{}\"{}", product.accelerator.id(), name, suggestion(name, buyers, "buyers"))));
  }
  for (const auto& buyer : scenario.buyers) check_buyer(buyer, vendors, ids, catalog, diagnostics);
  scenario.demand.model.resolve(catalog.language_models, diagnostics);
}

}  // namespace waferwatt::scenario
