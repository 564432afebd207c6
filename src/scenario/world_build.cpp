// SPDX-License-Identifier: Apache-2.0
#include "world_build.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "supply_run.hpp"
#include "waferwatt/power/levels.hpp"

namespace waferwatt::scenario {
namespace {

constexpr double kDefaultPue = 1.2;

const catalog::Accelerator& accelerator_of(const WorldProduct& product, const catalog::Catalog& catalog) {
  Diagnostics diagnostics;
  const auto* accelerator = product.accelerator.resolve(catalog.accelerators, diagnostics);
  diagnostics.throw_if_any();
  return *accelerator;
}

/// One tier where "tokens" and "model" are given.
std::vector<WorldTier> tiers_of(const WorldDemand& demand) {
  if (!demand.tiers.empty()) return demand.tiers;
  WorldTier tier{.name = "all", .tokens = *demand.tokens, .model = *demand.model, .input_tokens = demand.input_tokens, .output_tokens = demand.output_tokens};
  return {tier};
}

/// With its share of server and network, from the simulations; absent where training was not simulated or does not fit.
std::optional<world::WorkingPower> working_power(const WorldCapabilities& capabilities, std::size_t p, const catalog::Accelerator& accelerator, const catalog::System& system, Power nameplate) {
  if (capabilities.training.empty() || !capabilities.training[p].infeasible.empty()) return std::nullopt;
  const auto& training = capabilities.training[p];
  const auto it_power = [&](Power of_accelerator) { return nameplate * power::server_load(accelerator, &system, of_accelerator); };
  world::WorkingPower power{.idle = it_power(training.idle_power), .training = it_power(training.mean_power), .serving = {}};
  for (const auto& c : capabilities.serving[p]) power.serving.push_back(c.infeasible.empty() ? it_power(c.mean_power) : power.idle);
  return power;
}

void add_products(const WorldScenario& scenario, const catalog::Catalog& catalog, const WorldCapabilities& capabilities, const WorldDraw& draw, world::WorldSpec& spec) {
  for (std::size_t p = 0; p < scenario.products.size(); ++p) {
    const auto& product = scenario.products[p];
    const auto& accelerator = accelerator_of(product, catalog);
    const auto& system = *catalog.system_of(accelerator.id);
    const std::string vendor = product.vendor.empty() ? accelerator.vendor : product.vendor;
    const auto price = product.price ? *product.price : draw.value(*accelerator.price, accelerator.id + " price");
    spec.offers.push_back({accelerator.id, vendor, price, product.mix, product.only_to, product.not_to});
    world::ProductTraits traits{.h100_equivalents = accelerator.h100_equivalents(),
                                .load = {draw.value(system.it_power_per_accelerator, system.id + " power"), draw.value(system.mean_load_fraction, system.id + " mean load", 1)},
                                .server_cost_factor = std::max(1.0, draw.value(system.server_cost_factor, system.id + " server cost")),
                                .chip = policy::chip_of(accelerator, catalog)};
    for (const auto& c : capabilities.serving[p]) {
      // The simulation's own expected error is one deviate for all tiers of an accelerator.
      const double factor = std::exp(c.error * draw.deviate()(accelerator.id + " token rate"));
      traits.token_rates.push_back(c.infeasible.empty() ? (c.output_rate + c.input_rate) * factor : TokenRate{});
    }
    traits.power = working_power(capabilities, p, accelerator, system, traits.load.it_nameplate);
    const bool is_simulated = !capabilities.training.empty() && capabilities.training[p].infeasible.empty();
    traits.training = is_simulated ? capabilities.training[p].rate : accelerator.peak_bf16.value * scenario.demand.training_utilisation;
    if (!capabilities.training.empty() && !is_simulated) traits.training = FlopRate{};
    spec.traits.push_back(std::move(traits));
  }
}

/// Sampled where either has a point.
template <class T>
Ramp<T> product_of(const Ramp<T>& amount, const Ramp<double>& share) {
  std::set<Date> dates;
  for (const auto& [date, value] : amount.points()) dates.insert(date);
  for (const auto& [date, value] : share.points()) dates.insert(date);
  std::vector<typename Ramp<T>::Point> points;
  for (const Date date : dates) points.emplace_back(date, amount.at(date) * share.at(date));
  return Ramp<T>(std::move(points));
}

Ramp<MoneyRate> budget_of(const WorldBuyer& buyer, const WorldScenario& scenario, const catalog::Catalog& catalog, const WorldDraw& draw) {
  const auto& company = buyer.company ? catalog.companies.find(*buyer.company) : nullptr;
  const auto plan = buyer.budget ? *buyer.budget : product_of(draw.value(*company->capex, company->id + " capital spending"), *buyer.capex_share);
  return draw.forecast(product_of(plan, scenario.budget_scale), scenario.known_at, scenario.uncertainty.budgets, "budget of " + buyer.name);
}

double pue_of(const WorldBuyer& buyer, const catalog::Catalog& catalog, const WorldDraw& draw) {
  if (buyer.pue) return *buyer.pue;
  const auto* company = buyer.company ? catalog.companies.find(*buyer.company) : nullptr;
  return company && company->pue ? std::max(1.0, draw.value(*company->pue, company->id + " PUE")) : kDefaultPue;
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

Ramp<Power> power_of(const WorldBuyer& buyer, const WorldScenario& scenario, const catalog::Catalog& catalog, const WorldDraw& draw, const RandomStream& delays) {
  const auto late = [&](const Ramp<Power>& power, std::string_view place) {
    const double days = scenario.power_delay.median.in(day);
    return delayed(power, scenario.known_at, days > 0 ? delays.substream(place).lognormal(days, scenario.power_delay.sigma) * day : Time{});
  };
  Diagnostics diagnostics;
  std::vector<Ramp<Power>> ramps = {late(buyer.power, buyer.name)};
  for (const auto& site : buyer.sites) ramps.push_back(late(draw.value(site.resolve(catalog.sites, diagnostics)->power, site.id() + " power"), site.id()));
  return draw.forecast(product_of(sum_of(ramps), scenario.power_scale), scenario.known_at, scenario.uncertainty.power, "power of " + buyer.name);
}

std::string jurisdiction_of(const WorldBuyer& buyer, const catalog::Catalog& catalog) {
  if (buyer.jurisdiction) return *buyer.jurisdiction;
  const auto* company = buyer.company ? catalog.companies.find(*buyer.company) : nullptr;
  return company ? company->country : "";
}

void add_buyers(const WorldScenario& scenario, const catalog::Catalog& catalog, const WorldDraw& draw, std::uint64_t seed, world::WorldSpec& spec) {
  Diagnostics diagnostics;
  const RandomStream delays(seed, "power delay");
  for (const auto& buyer : scenario.buyers) {
    spec.buyers.push_back({buyer.name, budget_of(buyer, scenario, catalog, draw), buyer.vendors, buyer.prepayment, buyer.order_ahead});
    const auto& grid = *buyer.grid.resolve(catalog.grids, diagnostics);
    world::Owner owner{.power = power_of(buyer, scenario, catalog, draw, delays),
                       .pue = pue_of(buyer, catalog, draw),
                       .carbon_intensity = draw.value(grid.carbon_intensity, grid.id + " carbon"),
                       .energy_price = draw.value(grid.price, grid.id + " price"),
                       .jurisdiction = jurisdiction_of(buyer, catalog),
                       .token_share = buyer.token_share,
                       .training_share = buyer.training_share};
    for (const auto& partner : buyer.partners)
      owner.partners.push_back(static_cast<std::size_t>(std::ranges::find(scenario.buyers, partner, &WorldBuyer::name) - scenario.buyers.begin()));
    if (const auto& f = buyer.finance)
      owner.finance = world::Finance{f->cash, f->debt, f->credit, f->interest, draw.forecast(f->funding, scenario.known_at, scenario.uncertainty.budgets, "budget of " + buyer.name)};
    for (const auto& fleet : buyer.initial_fleet)
      for (std::size_t p = 0; p < spec.offers.size(); ++p)
        if (spec.offers[p].accelerator == fleet.accelerator.id()) owner.initial_fleet.push_back({p, fleet.n_accelerators, fleet.delivered});
    spec.owners.push_back(std::move(owner));
  }
}

void add_demand(const WorldScenario& scenario, const WorldDraw& draw, world::WorldSpec& spec) {
  const auto& d = scenario.demand;
  for (const auto& tier : tiers_of(d))
    spec.demand.market.tiers.push_back({tier.name, draw.forecast(product_of(tier.tokens, d.scale), scenario.known_at, scenario.uncertainty.demand, "tokens asked for"), tier.reference_price,
                                        tier.margin.value_or(d.margin)});
  spec.demand.market.elasticity = d.elasticity;
  spec.demand.market.substitution = d.substitution;
  if (d.training) spec.demand.market.training = draw.forecast(*d.training, scenario.known_at, scenario.uncertainty.demand, "training asked for");
  spec.demand.market.training_elasticity = d.training_elasticity;
  spec.demand.market.largest_share = d.largest_share;
  spec.demand.market.curve = scenario.demand_curve;
  spec.demand.utilisation = d.utilisation;
  spec.demand.software_gain = d.software_gain;
  spec.demand.reference_gain = d.reference_gain;
  spec.demand.rental_contract = d.rental_contract;
  spec.demand.expected_utilisation = d.expected_utilisation;
  for (const auto& p : scenario.projects) {
    const double halvings = p.progress ? (p.start - p.reference.value_or(p.start)) / *p.progress : 0.0;
    const auto owner = p.buyer ? static_cast<std::size_t>(std::ranges::find(scenario.buyers, *p.buyer, &WorldBuyer::name) - scenario.buyers.begin()) : world::kNobody;
    spec.projects.push_back({p.name, owner, p.work * std::exp2(-halvings), p.start, p.deadline, p.largest_share});
  }
}

/// What foundries may no longer make, and memory that may no longer be delivered, stops in the chain.
void stop_makers(const catalog::Catalog& catalog, world::WorldSpec& spec) {
  for (const auto& policy : spec.rules.policies()) {
    const policy::Rulebook alone({policy});
    const Date date = policy.effective.value + (policy.enforcement_lag ? policy.enforcement_lag->value : Time{});
    const Time lasts = (policy.ended ? policy.ended->value : spec.end) - date;
    if (lasts <= Time{}) continue;
    for (std::size_t p = 0; p < spec.traits.size(); ++p) {
      const auto& chip = spec.traits[p].chip;
      const auto& made = spec.chain.products[p];
      const auto* foundry = made.node.empty() ? nullptr : catalog.companies.find(catalog.nodes.at(made.node).foundry);
      if (policy.kind == catalog::PolicyKind::foundry_rule && foundry && foundry->country != chip.maker_country && !alone.may_be_made(chip, chip.maker_country, date))
        spec.chain.shocks.push_back({supply::ShockKind::ban, date, lasts, {}, 0, 0, {}, "", "", made.accelerator});  // its die bank rests too
      if (policy.kind == catalog::PolicyKind::memory_control && !made.memory.empty() && !alone.may_receive(catalog.memories.at(made.memory), chip.maker_country, date))
        for (const auto& [id, maker] : catalog.memory_makers.all())
          if (const auto* vendor = catalog.companies.find(maker.vendor); vendor && vendor->country != chip.maker_country)
            spec.chain.shocks.push_back({supply::ShockKind::trade_stop, date, lasts, {}, 0, 0, {id}, made.vendor, made.memory, ""});
    }
  }
}

policy::Rulebook rules_of(const WorldScenario& scenario, const catalog::Catalog& catalog, const WorldDraw& draw) {
  if (scenario.policies.empty()) return {};
  const auto shelf = catalog::load_policies(catalog.folder);
  std::vector<catalog::Policy> policies;
  Diagnostics diagnostics;
  for (const auto& reference : scenario.policies) {
    auto policy = *reference.resolve(shelf, diagnostics);
    if (policy.leak) policy.leak->value = draw.value(*policy.leak, policy.id + " leak", 1);
    policies.push_back(std::move(policy));
  }
  return policy::Rulebook(std::move(policies));
}

}  // namespace

WorldDraw WorldDraw::numbered(std::uint64_t seed, std::size_t index) {
  const RandomStream random(seed, "world draw");
  return WorldDraw([random, index](const std::string& input) { return random.substream(input, index).normal(0, 1); });
}

WorldCapabilities capabilities(const WorldScenario& scenario, const catalog::Catalog& catalog, const RunContext& context) {
  const CapabilityStore store(catalog, CapabilityStore::default_folder());
  const auto tiers = tiers_of(scenario.demand);
  Diagnostics diagnostics;
  const auto* trained = scenario.demand.training_model ? scenario.demand.training_model->resolve(catalog.language_models, diagnostics) : nullptr;
  WorldCapabilities result;
  for (const auto& tier : tiers) result.tiers.push_back(tier.name);
  for (const auto& product : scenario.products) {
    const auto& accelerator = accelerator_of(product, catalog);
    auto& of_tiers = result.serving.emplace_back();
    for (const auto& tier : tiers)
      of_tiers.push_back(store.serving(*tier.model.resolve(catalog.language_models, diagnostics), accelerator, {.input_tokens = tier.input_tokens, .output_tokens = tier.output_tokens}));
    if (trained) result.training.push_back(store.training(*trained, accelerator));
    context.progress(0.4 * static_cast<double>(result.serving.size()) / static_cast<double>(scenario.products.size()), "capability of " + accelerator.id);
  }
  return result;
}

SupplyScenario supply_part(const WorldScenario& s) {
  SupplyScenario part{.start = s.start, .end = s.end, .known_at = s.known_at, .warm_up = s.warm_up, .stocks = s.stocks, .shocks = s.shocks, .expansions = s.expansions,
                      .forecast_error = s.uncertainty.supply, .parts = s.parts, .packaging_rule = s.packaging_rule, .where = s.where};
  for (const auto& p : s.products) part.products.push_back({.accelerator = p.accelerator, .vendor = p.vendor, .mix = p.mix, .harvest_fraction = p.harvest_fraction, .where = p.where});
  return part;
}

catalog::Catalog chain_shelves(const WorldScenario& scenario, const catalog::Catalog& catalog) {
  std::vector<const catalog::Accelerator*> accelerators;
  for (const auto& product : scenario.products) accelerators.push_back(&accelerator_of(product, catalog));
  const auto part = supply_part(scenario);
  return supply::supply_shelves(catalog, accelerators, {}, part_ids(part, catalog), build_ids(part));
}

world::WorldSpec world_spec(const WorldScenario& scenario, const catalog::Catalog& catalog, const catalog::Catalog& shelves, const WorldCapabilities& capabilities, const WorldDraw& draw,
                            std::uint64_t seed) {
  world::WorldSpec spec;
  spec.start = scenario.start;
  spec.end = scenario.end;
  auto part = supply_part(scenario);
  part.parts = part_ids(part, catalog);
  spec.chain = chain_spec(part, shelves);
  add_products(scenario, catalog, capabilities, draw, spec);
  add_buyers(scenario, catalog, draw, seed, spec);
  add_demand(scenario, draw, spec);
  spec.rules = rules_of(scenario, catalog, draw);
  stop_makers(catalog, spec);
  const auto& e = scenario.economics;
  spec.terms = {.building_cost = e.building_cost, .discount_rate = e.discount_rate, .it_life = e.it_life, .building_life = e.building_life, .operations_fraction = e.operations_fraction};
  spec.patience = e.patience;
  spec.sales_rule = scenario.sales_rule;
  spec.service_life = e.service_life;
  spec.power_wait_limit = e.power_wait_limit;
  spec.budget_response = e.budget_response;
  return spec;
}

std::vector<std::string> uncertain_inputs(const WorldScenario& scenario, const catalog::Catalog& catalog, const catalog::Catalog& shelves, const WorldCapabilities& capabilities,
                                          std::uint64_t seed) {
  std::set<std::string> names;
  const WorldDraw listing([&](const std::string& input) {
    names.insert(input);
    return 0.0;
  });
  auto copy = shelves;
  supply::draw(copy, scenario.known_at, scenario.uncertainty.supply, listing.deviate());
  world_spec(scenario, catalog, copy, capabilities, listing, seed);
  return {names.begin(), names.end()};
}

}  // namespace waferwatt::scenario
