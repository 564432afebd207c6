// SPDX-License-Identifier: Apache-2.0
#pragma once
// A world small enough to work out by hand.
#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/world/views.hpp"

namespace waferwatt::world {

inline const Date kStart = Date::from_civil(2023, 1, 1);

/// 10 packaging wafers a week x 20 = 200 accelerators a week, without logic or memory of their own, all good,
/// a week in packaging. The chain's weeks lie three days before the world's.
inline supply::ChainSpec tiny_chain() {
  supply::Product gpu{.accelerator = "gpu", .vendor = "v", .packaging = "s", .family = "family"};
  gpu.packages_per_wafer = 20;
  gpu.assembly_yield = Ramp<double>::constant(1);
  gpu.packaging_cycle_time = 1 * week;
  gpu.mix = Ramp<double>::constant(1);
  supply::ChainSpec spec;
  spec.start = kStart - 10 * week - 3 * day;
  spec.end = kStart + 52 * week;
  spec.products = {gpu};
  spec.packaging = {{"family", Ramp<WaferRate>::constant(10 * wafer / week), {{"v", Ramp<double>::constant(1)}}}};
  return spec;
}

/// Two owners, one product, money and power in plenty; nobody asks for tokens.
inline WorldSpec tiny_world() {
  WorldSpec spec;
  spec.start = kStart;
  spec.end = kStart + 52 * week;
  spec.chain = tiny_chain();
  spec.offers = {{"gpu", "v", Ramp<Money>::constant(30000 * usd), Ramp<double>::constant(1), {}, {}}};
  spec.traits = {{.h100_equivalents = 2,
                  .load = {1000 * watt, 0.8},
                  .server_cost_factor = 1.2,
                  .token_rates = {50 * token / second},
                  .training = 0.35 * peta * flop / second,
                  .chip = {}}};
  const auto budget = [](double musd) { return Ramp<MoneyRate>::constant(musd * mega * usd / year); };
  spec.buyers = {{"one", budget(30000), {{"v", 1.0}}}, {"two", budget(10000), {{"v", 1.0}}}};
  const Owner owner{.power = Ramp<Power>::constant(1 * giga * watt),
                    .pue = 1.25,
                    .carbon_intensity = Ramp<CarbonIntensity>::constant(0.4 * kg_co2e / (kilo * watt_hour)),
                    .energy_price = Ramp<EnergyPrice>::constant(0.1 * usd / (kilo * watt_hour)),
                    .initial_fleet = {}};
  spec.owners = {owner, owner};
  spec.demand.market = {.tiers = {{.name = "all", .demand = Ramp<TokenRate>::constant(0 * token / second)}}, .training = {}, .largest_share = 0.6};
  spec.terms = {.building_cost = 12 * usd / watt, .discount_rate = 0, .operations_fraction = 0};
  return spec;
}

/// 100 accelerators of owner one that run from the start; nobody buys anything. Exactly the year 2023.
inline WorldSpec standing_fleet() {
  WorldSpec spec = tiny_world();
  spec.end = spec.chain.end = Date::from_civil(2024, 1, 1);
  for (auto& buyer : spec.buyers) buyer.budget = Ramp<MoneyRate>::constant(MoneyRate{});
  spec.owners[0].initial_fleet = {{0, 100, Date::from_civil(2022, 1, 1)}};
  return spec;
}

inline WorldResult simulated(const WorldSpec& spec) {
  engine::BareLoop loop;
  return simulate(spec, loop);
}

}  // namespace waferwatt::world
