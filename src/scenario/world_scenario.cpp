// SPDX-License-Identifier: Apache-2.0
// Kind "world": from the record to the simulation, and from its result to tables and sentences.
#include "waferwatt/scenario/world_scenario.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "waferwatt/core/number_text.hpp"
#include "waferwatt/core/random.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"
#include "waferwatt/serving/capability.hpp"
#include "waferwatt/world/world.hpp"

namespace waferwatt::scenario {
namespace {

using world::Resource;

constexpr double kDefaultPue = 1.2;

/// The simulation's input and what the report says of each product.
struct World {
  world::WorldSpec spec;
  std::vector<serving::ServingCapability> capabilities;
};

const catalog::Accelerator& accelerator_of(const catalog::Reference<catalog::Accelerator>& reference, const catalog::Catalog& catalog) {
  Diagnostics diagnostics;
  const auto* accelerator = reference.resolve(catalog.accelerators, diagnostics);
  diagnostics.throw_if_any();
  return *accelerator;
}

void add_products(const WorldScenario& scenario, const catalog::Catalog& catalog, const RunContext& context, World& world) {
  Diagnostics diagnostics;
  const auto& model = *scenario.demand.model.resolve(catalog.language_models, diagnostics);
  std::vector<supply::Product> products;
  for (const auto& p : scenario.products) {
    const auto& accelerator = accelerator_of(p.accelerator, catalog);
    const auto& system = *catalog.system_of(accelerator.id);
    const std::string vendor = p.vendor.empty() ? accelerator.vendor : p.vendor;
    products.push_back(supply::make_product(accelerator, catalog, vendor, p.mix, p.harvest_fraction));
    world.spec.offers.push_back({accelerator.id, vendor, p.price ? *p.price : accelerator.price->value, p.mix, p.only_to, p.not_to});
    const auto capability = serving::saturated_capability(model, accelerator, &system, catalog,
                                                          {.input_tokens = scenario.demand.input_tokens, .output_tokens = scenario.demand.output_tokens});
    world.spec.traits.push_back({.h100_equivalents = accelerator.h100_equivalents(),
                                 .load = {system.it_power_per_accelerator.value, system.mean_load_fraction.value},
                                 .server_cost_factor = system.server_cost_factor.value,
                                 .token_rate = capability.infeasible.empty() ? capability.output_rate + capability.input_rate : TokenRate{},
                                 .peak = accelerator.peak_bf16.value});
    world.capabilities.push_back(capability);
    context.progress(0.5 * static_cast<double>(products.size()) / static_cast<double>(scenario.products.size()), "capability of " + accelerator.id);
  }
  world.spec.chain = supply::make_chain_spec(catalog, scenario.known_at, std::move(products));
  world.spec.chain.start = scenario.start - scenario.warm_up;
  world.spec.chain.end = scenario.end;
  world.spec.chain.stocks = chain_stocks(scenario.stocks);
}

Ramp<MoneyRate> budget_of(const WorldBuyer& buyer, const catalog::Catalog& catalog) {
  if (buyer.budget) return *buyer.budget;
  // Shares and capital spending are sampled where either has a point.
  const auto& capex = catalog.companies.at(*buyer.company).capex->value;
  std::vector<Date> dates;
  for (const auto& [date, value] : capex.points()) dates.push_back(date);
  for (const auto& [date, value] : buyer.capex_share->points()) dates.push_back(date);
  std::ranges::sort(dates);
  dates.erase(std::unique(dates.begin(), dates.end()), dates.end());
  std::vector<Ramp<MoneyRate>::Point> points;
  for (const Date date : dates) points.emplace_back(date, capex.at(date) * buyer.capex_share->at(date));
  return Ramp<MoneyRate>(std::move(points));
}

double pue_of(const WorldBuyer& buyer, const catalog::Catalog& catalog) {
  if (buyer.pue) return *buyer.pue;
  const auto* company = buyer.company ? catalog.companies.find(*buyer.company) : nullptr;
  return company && company->pue ? company->pue->value : kDefaultPue;
}

/// Points after `known_at` are plans; they come later by the delay.
Ramp<Power> delayed(const Ramp<Power>& power, Date known_at, Time delay) {
  std::vector<Ramp<Power>::Point> points;
  for (const auto& [date, value] : power.points()) points.emplace_back(date > known_at ? date + delay : date, value);
  return Ramp<Power>(std::move(points));
}

Ramp<Power> sum_of(const std::vector<Ramp<Power>>& ramps) {
  std::set<Date> dates;
  for (const auto& ramp : ramps)
    for (const auto& [date, value] : ramp.points()) dates.insert(date);
  std::vector<Ramp<Power>::Point> points;
  for (const Date date : dates) {
    Power sum;
    for (const auto& ramp : ramps) sum += ramp.at(date);
    points.emplace_back(date, sum);
  }
  return Ramp<Power>(std::move(points));
}

Ramp<Power> power_of(const WorldBuyer& buyer, const WorldScenario& scenario, const catalog::Catalog& catalog, const RandomStream& delays) {
  const auto late = [&](const Ramp<Power>& power, std::string_view place) {
    const double days = scenario.power_delay.median.in(day);
    return delayed(power, scenario.known_at, days > 0 ? delays.substream(place).lognormal(days, scenario.power_delay.sigma) * day : Time{});
  };
  Diagnostics diagnostics;
  std::vector<Ramp<Power>> ramps = {late(buyer.power, buyer.name)};
  for (const auto& site : buyer.sites) ramps.push_back(late(site.resolve(catalog.sites, diagnostics)->power.value, site.id()));
  return sum_of(ramps);
}

void add_buyers(const WorldScenario& scenario, const catalog::Catalog& catalog, std::uint64_t seed, World& world) {
  Diagnostics diagnostics;
  const RandomStream delays(seed, "power delay");
  for (const auto& buyer : scenario.buyers) {
    world.spec.buyers.push_back({buyer.name, budget_of(buyer, catalog), buyer.vendors});
    const auto& grid = *buyer.grid.resolve(catalog.grids, diagnostics);
    world::Owner owner{power_of(buyer, scenario, catalog, delays), pue_of(buyer, catalog), grid.carbon_intensity.value, grid.price.value, {}};
    for (const auto& fleet : buyer.initial_fleet)
      for (std::size_t p = 0; p < world.spec.offers.size(); ++p)
        if (world.spec.offers[p].accelerator == fleet.accelerator.id()) owner.initial_fleet.push_back({p, fleet.n_accelerators, fleet.delivered});
    world.spec.owners.push_back(std::move(owner));
  }
}

World make_world(const WorldScenario& scenario, const catalog::Catalog& catalog, const RunContext& context) {
  World world;
  add_products(scenario, catalog, context, world);
  add_buyers(scenario, catalog, context.seed, world);
  auto& spec = world.spec;
  spec.start = scenario.start;
  spec.end = scenario.end;
  spec.demand = {scenario.demand.tokens, scenario.demand.utilisation, scenario.demand.largest_share, scenario.demand.software_gain, scenario.demand.training_utilisation};
  const auto& e = scenario.economics;
  spec.terms = {.building_cost = e.building_cost, .discount_rate = e.discount_rate, .it_life = e.it_life, .building_life = e.building_life, .operations_fraction = e.operations_fraction};
  spec.patience = e.patience;
  spec.service_life = e.service_life;
  spec.power_wait_limit = e.power_wait_limit;
  return world;
}

constexpr std::string_view resource_text(Resource resource) {
  switch (resource) {
    case Resource::packaging: return "CoWoS-class packaging";
    case Resource::memory: return "high-bandwidth memory";
    case Resource::logic: return "logic wafers";
    case Resource::capital: return "capital (chips without a buyer who can pay)";
    case Resource::power: return "energised power";
  }
  return "";
}

/// Resources of one year, or of the whole run (year 0), by the waiting charged to them.
std::vector<Binding> bindings(const world::WorldSpec& spec, const world::WorldResult& result, int year) {
  const auto charged = result.charged_h100e_weeks(spec, year);
  double sum = 0;
  for (const double weeks : charged) sum += weeks;
  std::vector<Binding> binds;
  for (std::size_t i = 0; i < world::kResources; ++i) {
    if (sum <= 0 || charged[i] <= 0) continue;
    const auto resource = static_cast<Resource>(i);
    binds.push_back({.resource = std::string{world::resource_name(resource)}, .scope = year ? std::to_string(year) : "", .share = charged[i] / sum,
                     .text = fmt::format("{} is charged with {:.0f} % of all waiting, {} H100-equivalent weeks", resource_text(resource), 100 * charged[i] / sum, compact_number(charged[i]))});
  }
  std::ranges::sort(binds, std::greater{}, &Binding::share);
  return binds;
}

void add_year_metrics(const world::YearAccount& y, Result& result) {
  const std::map<std::string, std::string> dims = {{"year", std::to_string(y.year)}};
  const auto add = [&](const char* name, double value, const char* unit) { result.metrics.push_back({.name = name, .dims = dims, .value = value, .unit = unit}); };
  add("tokens_demanded", y.tokens_demanded.in(token), "token");
  add("tokens_served", y.tokens_served.in(token), "token");
  add("training_flop", y.training_flop.in(flop), "FLOP");
  add("inference_share", y.inference_share, "1");
  add("cost_per_mtoken", y.tokens_served > Tokens{} ? (y.inference_cost / y.tokens_served).in(usd / (mega * token)) : 0, "USD/Mtoken");
  add("energy", y.energy.in(tera * watt_hour), "TWh");
  add("carbon", y.carbon.in(mega * 1000 * kg_co2e), "MtCO2e");
  add("power_energised", y.energised_nameplate.in(giga * watt), "GW");
  add("accelerators_energised", y.accelerators_energised, "accelerator");
  add("accelerators_awaiting_power", y.accelerators_waiting, "accelerator");
  add("accelerators_unsold", y.accelerators_unsold, "accelerator");
  add("h100_equivalents_energised", y.h100e_energised, "H100e");
  add("packaging_slots_idle_fraction", y.packaging_slots > 0 ? y.idle_slots / y.packaging_slots : 0, "1");
}

void add_deliveries(const World& world, const world::WorldResult& simulated, Result& result) {
  const auto& spec = world.spec;
  Table table("deliveries", {{"year", Table::Kind::integer}, {"owner", Table::Kind::text}, {"vendor", Table::Kind::text}, {"accelerator", Table::Kind::text},
                             {"accelerators_delivered"}, {"h100_equivalents"}, {"paid_usd"}});
  std::map<std::pair<int, std::string>, double> by_vendor, by_owner;
  for (const auto& d : simulated.deliveries) {
    const auto& offer = spec.offers[d.product];
    const double h100e = d.n_accelerators * spec.traits[d.product].h100_equivalents;
    table.add({std::int64_t{d.year}, spec.buyers[d.owner].name, offer.vendor, offer.accelerator, d.n_accelerators, h100e, d.paid.in(usd)});
    by_vendor[{d.year, offer.vendor}] += d.n_accelerators;
    by_owner[{d.year, spec.buyers[d.owner].name}] += d.n_accelerators;
  }
  const auto add = [&](const char* name, const char* dim, const auto& values, const char* unit) {
    for (const auto& [key, value] : values) result.metrics.push_back({.name = name, .dims = {{dim, key.second}, {"year", std::to_string(key.first)}}, .value = value, .unit = unit});
  };
  add("accelerators_delivered", "vendor", by_vendor, "accelerator");
  add("accelerators_delivered", "owner", by_owner, "accelerator");
  result.tables.push_back(std::move(table));
}

/// Kept apart from the other deliveries so that those come first in the summary.
void add_h100_equivalents(const World& world, const world::WorldResult& simulated, Result& result) {
  std::map<std::pair<int, std::size_t>, double> by_owner;
  for (const auto& d : simulated.deliveries) by_owner[{d.year, d.owner}] += d.n_accelerators * world.spec.traits[d.product].h100_equivalents;
  for (const auto& [key, value] : by_owner)
    result.metrics.push_back({.name = "h100_equivalents_delivered", .dims = {{"owner", world.spec.buyers[key.second].name}, {"year", std::to_string(key.first)}}, .value = value, .unit = "H100e"});
}

Table year_table(const world::WorldResult& simulated) {
  Table table("years", {{"year", Table::Kind::integer}, {"accelerators_energised"}, {"accelerators_awaiting_power"}, {"accelerators_unsold"}, {"h100_equivalents_energised"}, {"power_energised_gw"},
                        {"energy_twh"}, {"carbon_mtco2e"}, {"tokens_demanded"}, {"tokens_served"}, {"inference_share_fraction"}, {"cost_usd_per_mtoken"}, {"training_flop"}});
  for (const auto& y : simulated.years)
    table.add({std::int64_t{y.year}, y.accelerators_energised, y.accelerators_waiting, y.accelerators_unsold, y.h100e_energised, y.energised_nameplate.in(giga * watt),
               y.energy.in(tera * watt_hour), y.carbon.in(mega * 1000 * kg_co2e), y.tokens_demanded.in(token), y.tokens_served.in(token), y.inference_share,
               y.tokens_served > Tokens{} ? (y.inference_cost / y.tokens_served).in(usd / (mega * token)) : 0.0, y.training_flop.in(flop)});
  return table;
}

Table capability_table(const World& world) {
  Table table("capabilities", {{"accelerator", Table::Kind::text}, {"accelerators_per_replica", Table::Kind::integer}, {"weight_format", Table::Kind::text}, {"output_tokens_per_s"}, {"input_tokens_per_s"},
                               {"time_per_output_token_s"}, {"mean_power_w"}, {"expected_error_fraction"}, {"infeasible", Table::Kind::text}});
  for (std::size_t p = 0; p < world.capabilities.size(); ++p) {
    const auto& c = world.capabilities[p];
    table.add({world.spec.offers[p].accelerator, c.n_accelerators, io::enum_text(c.weight_format), c.output_rate.in(token / second), c.input_rate.in(token / second),
               c.time_per_output_token.in(second), c.mean_power.in(watt), c.error, c.infeasible});
  }
  return table;
}

Table ledger(const World& world, const world::WorldResult& simulated) {
  Table table("ledger", {{"year", Table::Kind::integer}, {"quarter", Table::Kind::integer}, {"vendor", Table::Kind::text}, {"accelerator", Table::Kind::text}, {"owner", Table::Kind::text},
                         {"resource", Table::Kind::text}, {"waiting_accelerator_weeks"}, {"waiting_h100e_weeks"}});
  for (const auto& c : simulated.charges) {
    const auto& offer = world.spec.offers[c.product];
    table.add({std::int64_t{c.year}, std::int64_t{c.quarter}, offer.vendor, offer.accelerator, c.owner == world::ChargeEntry::kNobody ? "" : world.spec.buyers[c.owner].name,
               std::string{world::resource_name(c.resource)}, c.accelerator_weeks, c.accelerator_weeks * world.spec.traits[c.product].h100_equivalents});
  }
  return table;
}

void add_marginals(const World& world, const world::WorldResult& simulated, double step, unsigned n_jobs, Result& result) {
  Table table("marginal_values", {{"resource", Table::Kind::text}, {"step_fraction"}, {"h100e_weeks_gain_fraction"}, {"tokens_gain_fraction"}});
  for (const auto& value : world::marginal_values(world.spec, simulated, 1 + step, n_jobs)) {
    const std::string resource{world::resource_name(value.resource)};
    table.add({resource, step, value.h100e_weeks_gain, value.tokens_gain});
    result.metrics.push_back({.name = "marginal_h100e_weeks", .dims = {{"resource", resource}}, .value = value.h100e_weeks_gain, .unit = "1"});
    for (auto& binding : result.binds)
      if (binding.scope.empty() && binding.resource == resource)
        binding.text += fmt::format("; {:.0f} % more of it gives {:+.1f} % energised compute", 100 * step, 100 * value.h100e_weeks_gain);
  }
  result.tables.push_back(std::move(table));
}

/// "packaging in 2023-2025, power in 2026-2028".
std::string what_bound(const world::WorldSpec& spec, const world::WorldResult& simulated) {
  std::vector<std::string> parts;
  std::string current;
  int first = 0, last = 0;
  const auto close = [&] {
    if (!current.empty()) parts.push_back(first == last ? fmt::format("{} in {}", current, first) : fmt::format("{} in {} to {}", current, first, last));
  };
  for (const auto& y : simulated.years) {
    const auto binds = bindings(spec, simulated, y.year);
    const std::string top = binds.empty() ? "nothing" : binds.front().resource;
    if (top != current) {
      close();
      current = top;
      first = y.year;
    }
    last = y.year;
  }
  close();
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string headline(const World& world, const world::WorldResult& simulated) {
  double delivered = 0;
  for (const auto& d : simulated.deliveries) delivered += d.n_accelerators;
  const auto& years = simulated.years;
  const auto most = std::ranges::max_element(years, {}, &world::YearAccount::accelerators_waiting);
  return fmt::format("From {} to {}, {} accelerators reach their owners; what binds is {}. At the worst year's end ({}) {} accelerators wait for power; at the end {} H100-equivalents run on {:.1f} GW.",
                     years.front().year, years.back().year, compact_number(delivered), what_bound(world.spec, simulated), most->year, compact_number(most->accelerators_waiting),
                     compact_number(years.back().h100e_energised), years.back().energised_nameplate.in(giga * watt));
}

}  // namespace

Result run(const WorldScenario& scenario, const catalog::Catalog& catalog, const RunContext& context) {
  const World world = make_world(scenario, catalog, context);
  engine::SimgridLoop loop;
  const world::WorldResult simulated = world::simulate(world.spec, loop);
  context.progress(0.7, "simulated");

  Result result;
  result.headline = headline(world, simulated);
  result.binds = bindings(world.spec, simulated, 0);
  add_deliveries(world, simulated, result);
  if (scenario.marginal_step > 0) add_marginals(world, simulated, scenario.marginal_step, context.n_jobs, result);
  for (const auto& y : simulated.years) {
    for (auto& binding : bindings(world.spec, simulated, y.year)) result.binds.push_back(std::move(binding));
    add_year_metrics(y, result);
  }
  result.metrics.push_back({.name = "balance_error", .value = simulated.largest_balance_error, .unit = "1"});
  add_h100_equivalents(world, simulated, result);
  result.tables.push_back(year_table(simulated));
  result.tables.push_back(capability_table(world));
  result.ledger = ledger(world, simulated);
  return result;
}

}  // namespace waferwatt::scenario
