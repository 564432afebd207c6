// SPDX-License-Identifier: Apache-2.0
// The records of kind "supply" and the rules that span them.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "waferwatt/scenario/supply_scenario.hpp"

namespace waferwatt::scenario {

const io::Record<SupplyHarvest>& SupplyHarvest::record() {
  using H = SupplyHarvest;
  static const auto record = io::Record<H>("supply_harvest", "Units of a die of which some may be defective.")
                                 .required("n_units", &H::n_units, {.doc = "Units on the die.", .at_least = 1, .at_most = 100000})
                                 .required("n_needed", &H::n_needed, {.doc = "Units that must work.", .at_least = 1, .at_most = 100000})
                                 .required("area_fraction", &H::area_fraction, {.doc = "Part of the die that the units cover.", .at_least = 0.0, .at_most = 1.0})
                                 .check([](const H& h, const io::FieldComplaint& complain) {
                                   if (h.n_needed > h.n_units) complain("n_needed", fmt::format("only {} units are on the die", h.n_units));
                                 });
  return record;
}

const io::Record<SupplyProduct>& SupplyProduct::record() {
  using P = SupplyProduct;
  static const auto record =
      io::Record<P>("supply_product", "An accelerator in production.")
          .required("accelerator", &P::accelerator, {.doc = "Accelerator id, or the record itself."})
          .optional("vendor", &P::vendor, {.doc = "Company whose share of the packaging line it uses; absent: the accelerator's vendor."})
          .optional("packaging", &P::packaging, {.doc = "Packaging process id; absent: the accelerator's own."})
          .required("mix", &P::mix, {.doc = "Weight among the vendor's products over time.", .at_least = 0.0, .at_most = 1e6})
          .optional("harvest_fraction", &P::harvest_fraction, {.doc = "Defective dies that can be sold with units switched off.", .at_least = 0.0, .at_most = 1.0})
          .optional("harvest", &P::harvest, {.doc = "Units that may be defective, in place of harvest_fraction."})
          .optional("delivery_time", &P::delivery_time, {.doc = "Tested package to delivery; absent: assembly and shipping.", .at_least = 0 * day, .at_most = 2 * year})
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

const io::Record<SupplyShock>& SupplyShock::record() {
  using S = SupplyShock;
  using Kind = supply::ShockKind;
  static const auto record =
      io::Record<S>("supply_shock", "Something that happens to the chain; planners learn of it on its date.")
          .required("kind", &S::kind, {.doc = "earthquake, power_loss, material_shortage (capacity), yield_excursion, fab_delay (later capacity), trade_stop (a company is not served), ban (an accelerator is not delivered)."})
          .required("date", &S::date, {.doc = "When it strikes."})
          .required("duration", &S::duration, {.doc = "Of the full effect; of the delay.", .at_least = 0 * day, .at_most = 50 * year})
          .optional("recovery", &S::recovery, {.doc = "The effect then fades on a straight line.", .at_least = 0 * day, .at_most = 50 * year})
          .optional("loss", &S::loss, {.doc = "Part of capacity or yield that is lost.", .at_least = 0.0, .at_most = 1.0})
          .optional("scrap", &S::scrap, {.doc = "Part of what is in process that is destroyed.", .at_least = 0.0, .at_most = 1.0})
          .optional("lines", &S::lines, {.doc = "Node, packaging family and memory maker ids; for a yield excursion node, packaging and memory ids."})
          .optional("company", &S::company, {.doc = "Company that a trade stop cuts off."})
          .optional("memory", &S::memory, {.doc = "Memory id that a trade stop is about; absent: all."})
          .optional("accelerator", &S::accelerator, {.doc = "Accelerator that is banned."})
          .check([](const S& s, const io::FieldComplaint& complain) {
            if (s.kind == Kind::ban && s.accelerator.empty()) complain("accelerator", "say which accelerator is banned");
            if (s.kind != Kind::ban && s.lines.empty()) complain("lines", "say which lines are hit");
            if (s.kind == Kind::trade_stop && s.company.empty()) complain("company", "say which company is cut off");
            const bool takes = s.kind == Kind::earthquake || s.kind == Kind::power_loss || s.kind == Kind::material_shortage || s.kind == Kind::yield_excursion || s.kind == Kind::trade_stop;
            if (takes && s.loss <= 0 && s.scrap <= 0) complain("loss", "without a loss or scrap nothing happens");
          });
  return record;
}

const io::Record<SupplyExpansion>& SupplyExpansion::record() {
  using X = SupplyExpansion;
  static const auto record =
      io::Record<X>("supply_expansion", "A decision to build capacity, on a date or by rule.")
          .required("line", &X::line, {.doc = "Node, packaging family or memory maker id."})
          .optional("decided", &X::decided, {.doc = "Date of the decision; absent: whenever the line decided more than threshold of the starts over the review."})
          .optional("threshold", &X::threshold, {.doc = "Part of the package starts that the line decided.", .at_least = 0.0, .at_most = 1.0})
          .optional("review", &X::review, {.doc = "Time over which the rule looks back.", .above = 0 * day, .at_most = 10 * year})
          .required("build_time", &X::build_time, {.doc = "Decision to first output: shell, tools, qualification.", .at_least = 0 * day, .at_most = 20 * year})
          .optional("ramp_time", &X::ramp_time, {.doc = "First to full output.", .at_least = 0 * day, .at_most = 20 * year})
          .required("capacity", &X::capacity, {.doc = "Added at full output.", .above = 0 * wafer / month, .at_most = 1e7 * wafer / month})
          .optional("capital_cost", &X::capital_cost, {.doc = "Of one project.", .at_least = 0 * usd, .at_most = 10 * tera * usd})
          .optional("max_projects", &X::max_projects, {.doc = "Most projects that the rule starts.", .at_least = 1, .at_most = 1000});
  return record;
}

const io::Record<SupplyAllocation>& SupplyAllocation::record() {
  using A = SupplyAllocation;
  static const auto record =
      io::Record<A>("supply_allocation", "Who gets a packaging line's wafers when they do not suffice.")
          .required("line", &A::line, {.doc = "Packaging family id."})
          .required("policy", &A::policy, {.doc = "agreement: shares, idle ones are lost; release: idle shares go to others; pro_rata: by what could be used; priority: by the order of priority."})
          .optional("priority", &A::priority, {.doc = "Company ids, first served first."})
          .check([](const A& a, const io::FieldComplaint& complain) {
            if ((a.policy == supply::Allocation::priority) == a.priority.empty()) complain("priority", "give it with policy \"priority\", and only then");
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
          .optional("assembly_time", &S::assembly_time, {.doc = "Tested package to system.", .at_least = 0 * day, .at_most = 2 * year})
          .optional("shipping_time", &S::shipping_time, {.doc = "System to owner.", .at_least = 0 * day, .at_most = 1 * year})
          .optional("stocks", &S::stocks, {.doc = "Parts in store at the start of the warm-up."})
          .optional("shocks", &S::shocks, {.doc = "Things that happen to the chain."})
          .optional("expansions", &S::expansions, {.doc = "Decisions to build capacity beyond the catalog's plans."})
          .optional("allocation", &S::allocation, {.doc = "Who gets the wafers of packaging lines; absent: agreement."})
          .optional("forecast_error", &S::forecast_error, {.doc = "Standard deviation of the logarithm of capacity one year after known_at, for monte_carlo.", .at_least = 0.0, .at_most = 3.0})
          .check([](const S& s, const io::FieldComplaint& complain) {
            if (s.end <= s.start) complain("end", fmt::format("must come after the start, {}", s.start.text()));
            if (s.end - s.start > 50 * year) complain("end", "at most 50 years are simulated");
            if (s.products.empty()) complain("products", "give at least one product");
          });
  return record;
}

void check_products(const std::vector<SupplyProduct>& products, const std::vector<SupplyStock>& stocks, Date known_at, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  std::set<std::string> seen;
  std::set<std::pair<std::string, std::string>> pairs;
  for (const auto& product : products) {
    const auto* accelerator = product.accelerator.resolve(catalog.accelerators, diagnostics);
    if (!accelerator) continue;
    seen.insert(accelerator->id);
    if (!pairs.insert({accelerator->id, product.packaging}).second) diagnostics.add({.path = "/products", .message = fmt::format("accelerator \"{}\" is given twice", accelerator->id)});
    const std::string vendor = product.vendor.empty() ? accelerator->vendor : product.vendor;
    if (!catalog.companies.find(vendor))
      diagnostics.add({.path = "/products", .message = fmt::format("unknown company \"{}\"{}", vendor, suggestion(vendor, catalog.companies.ids(), "ids"))});
    if (!product.packaging.empty() && !catalog.packaging.find(product.packaging)) {
      diagnostics.add({.path = "/products", .message = fmt::format("unknown packaging \"{}\"{}", product.packaging, suggestion(product.packaging, catalog.packaging.ids(), "ids"))});
      continue;
    }
    try {
      const auto made = supply::make_product(*accelerator, catalog, vendor, product.mix, product.harvest_fraction, product.packaging);
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

namespace {

/// Ids of the lines of a chain: nodes, packaging families, memory makers; memories and packaging too when
/// a yield is meant.
std::vector<std::string> line_ids(const catalog::Catalog& catalog, bool of_yield) {
  std::vector<std::string> ids;
  const auto add = [&](const auto& shelf) {
    for (const auto& id : shelf.ids()) ids.push_back(id);
  };
  add(catalog.nodes);
  add(catalog.packaging_families);
  add(catalog.memory_makers);
  if (of_yield) add(catalog.memories);
  if (of_yield) add(catalog.packaging);
  return ids;
}

void check_events(const SupplyScenario& scenario, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  const auto known = [&](const std::string& id, const std::vector<std::string>& ids, const std::string& path, const char* what) {
    if (!id.empty() && std::ranges::find(ids, id) == ids.end()) diagnostics.add({.path = path, .message = fmt::format("unknown {} \"{}\"{}", what, id, suggestion(id, ids, "ids"))});
  };
  for (std::size_t i = 0; i < scenario.shocks.size(); ++i) {
    const auto& shock = scenario.shocks[i];
    const std::string path = fmt::format("/shocks/{}", i);
    const auto ids = line_ids(catalog, shock.kind == supply::ShockKind::yield_excursion);
    for (const auto& line : shock.lines) known(line, ids, path + "/lines", "line");
    known(shock.company, catalog.companies.ids(), path + "/company", "company");
    known(shock.memory, catalog.memories.ids(), path + "/memory", "memory");
    known(shock.accelerator, catalog.accelerators.ids(), path + "/accelerator", "accelerator");
  }
  for (std::size_t i = 0; i < scenario.expansions.size(); ++i)
    known(scenario.expansions[i].line, line_ids(catalog, false), fmt::format("/expansions/{}/line", i), "line");
  for (std::size_t i = 0; i < scenario.allocation.size(); ++i) {
    const std::string path = fmt::format("/allocation/{}", i);
    known(scenario.allocation[i].line, catalog.packaging_families.ids(), path + "/line", "packaging family");
    for (const auto& company : scenario.allocation[i].priority) known(company, catalog.companies.ids(), path + "/priority", "company");
  }
}

}  // namespace

void check(const SupplyScenario& scenario, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  check_products(scenario.products, scenario.stocks, scenario.known_at, catalog, diagnostics);
  check_events(scenario, catalog, diagnostics);
}

}  // namespace waferwatt::scenario
