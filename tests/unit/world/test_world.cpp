// SPDX-License-Identifier: Apache-2.0

#include <catch2/catch.hpp>
#include <cmath>

#include "fixture.hpp"

using namespace waferwatt;
using namespace waferwatt::world;

namespace {

/// Accelerator-weeks charged to a resource.
double charged(const WorldResult& result, Resource resource) {
  double sum = 0;
  for (const auto& entry : result.charges)
    if (entry.resource == resource) sum += entry.accelerator_weeks;
  return sum;
}
void check_only(const WorldResult& result, Resource resource) {
  for (std::size_t i = 0; i < kResources; ++i) {
    const auto other = static_cast<Resource>(i);
    CAPTURE(std::string{resource_name(other)});
    if (other == resource)
      CHECK(charged(result, other) > 0);
    else
      CHECK(charged(result, other) == Approx(0).margin(1e-6));
  }
}
double delivered(const WorldResult& result, std::size_t owner) {
  double sum = 0;
  for (const auto& entry : result.deliveries)
    if (entry.owner == owner) sum += entry.n_accelerators;
  return sum;
}

}  // namespace

TEST_CASE("where supply is short all waiting is charged to packaging") {
  // 200 accelerators come on days 4, 11, ... and are sold at the weeks 1 to 51; money is 3 to 1.
  const auto result = simulated(tiny_world());
  CHECK(delivered(result, 0) + delivered(result, 1) == Approx(51 * 200));
  CHECK(delivered(result, 0) == Approx(3 * delivered(result, 1)));
  for (const auto& entry : result.deliveries) CHECK(entry.paid.in(usd) == Approx(entry.n_accelerators * 30000));
  check_only(result, Resource::packaging);
  REQUIRE(result.years.size() == 1);
  CHECK(result.years[0].idle_slots == Approx(0).margin(1e-9));
  CHECK(result.years[0].accelerators_energised == Approx(51 * 200));
  CHECK(result.years[0].h100e_energised == Approx(2 * 51 * 200));
  // Nothing on in week 0, 200 n in week n: 200 x 51 x 52 / 2 accelerator-weeks, two H100-equivalents each.
  CHECK(result.h100e_weeks == Approx(2 * 200 * 51 * 52 / 2));
  CHECK(result.largest_balance_error < 1e-9);
}

TEST_CASE("where memory or logic is short the waiting is charged to it") {
  WorldSpec spec = tiny_world();
  SECTION("memory") {
    spec.chain.products[0].memory = "hbm";
    spec.chain.products[0].stacks_per_package = 4;
    check_only(simulated(spec), Resource::memory);
  }
  SECTION("logic") {
    spec.chain.products[0].node = "node";
    check_only(simulated(spec), Resource::logic);
  }
}

TEST_CASE("where megawatts are short the waiting is charged to power, at the site that waits") {
  // Owner one is sold 150 n accelerators by week n and can run 100 of them (125 kW); owner two has power.
  WorldSpec spec = tiny_world();
  spec.owners[0].power = Ramp<Power>::constant(125 * kilo * watt);
  spec.power_wait_limit = 1e9 * year;  // and goes on buying
  const auto result = simulated(spec);
  double at_site = 0;
  for (const auto& entry : result.charges)
    if (entry.resource == Resource::power) {
      CHECK(entry.owner == 0);
      at_site += entry.accelerator_weeks;
    }
  // Sum over n = 1 to 51 of 150 n - 100.
  CHECK(at_site == Approx(150.0 * 51 * 52 / 2 - 100 * 51));
  CHECK(result.years[0].accelerators_waiting == Approx(150 * 51 - 100));
  CHECK(result.years[0].accelerators_energised == Approx(50 * 51 + 100));
  CHECK(result.years[0].energised_nameplate.in(kilo * watt) == Approx((50 * 51 + 100) * 1.25));
  CHECK(charged(result, Resource::capital) == 0);
  CHECK(result.largest_balance_error < 1e-9);
}

TEST_CASE("a buyer whose chips wait for power stops buying and unsold chips wait for power too") {
  WorldSpec spec = tiny_world();
  for (auto& owner : spec.owners) owner.power = Ramp<Power>::constant(0 * watt);
  // Half a year of budget is worth 100 chips: a buyer stops when more than that waits.
  for (auto& buyer : spec.buyers) buyer.budget = Ramp<MoneyRate>::constant(100 * 30000 * usd / (0.5 * year));
  spec.power_wait_limit = 0.5 * year;
  const auto result = simulated(spec);
  CHECK(delivered(result, 0) > 0);
  CHECK(delivered(result, 0) < 150);
  CHECK(charged(result, Resource::power) > 0);
  CHECK(charged(result, Resource::capital) == Approx(0).margin(1e-6));
  CHECK(result.h100e_weeks == 0);
  CHECK(result.largest_balance_error < 1e-9);
}

TEST_CASE("chips that nobody can pay for are charged to capital") {
  // Ordered at 30,000 USD; eight weeks later, when they come, they cost ten times as much.
  WorldSpec spec = tiny_world();
  spec.chain.packaging[0].capacity = Ramp<WaferRate>::constant(1e5 * wafer / week);
  spec.chain.products[0].packaging_cycle_time = 8 * week;
  spec.offers[0].price = Ramp<Money>({{kStart + 20 * week, 30000 * usd}, {kStart + 20 * week + 1 * day, 300000 * usd}});
  const auto result = simulated(spec);
  check_only(result, Resource::capital);
  CHECK(result.largest_balance_error < 1e-9);
}

TEST_CASE("energy is accelerators times mean power times PUE times time, carbon and cost follow") {
  // 100 x 1 kW x 0.8 x 1.25 x 8,760 h = 876 MWh; x 0.4 kg/kWh = 350,400 kg.
  // One accelerator and year: 36,000/5 + 15,000/15 + 8,760 kWh x 0.1 = 9,076 USD.
  const auto result = simulated(standing_fleet());
  REQUIRE(result.years.size() == 1);
  const auto& y = result.years[0];
  CHECK(y.energy.in(mega * watt_hour) == Approx(876));
  CHECK(y.carbon.in(kg_co2e) == Approx(350400));
  CHECK(y.fleet_cost.in(usd) == Approx(907600));
  CHECK(y.inference_cost.in(usd) == 0);
  CHECK(y.energised_nameplate.in(kilo * watt) == Approx(125));
  // Nobody asks for tokens: all of it trains. 100 x 1e15 x 0.35 x 365 days.
  CHECK(y.training_flop.in(flop) == Approx(1e17 * 0.35 * 365 * 86400));
  CHECK(result.h100e_weeks == Approx(2 * 100 * 365 / 7.0));
  CHECK(result.charges.empty());
  CHECK(result.largest_balance_error < 1e-9);
}

TEST_CASE("tokens served are the demand, or what the serving part of the fleet can do") {
  // 100 x 50 token/s x gain 2 x utilisation 0.3 = 3,000 token/s.
  WorldSpec spec = standing_fleet();
  spec.demand.software_gain = Ramp<double>::constant(2);
  const double seconds = 365 * 86400;
  SECTION("a third of the fleet serves the demand") {
    spec.demand.market.tiers[0].demand = Ramp<TokenRate>::constant(1000 * token / second);
    const auto y = simulated(spec).years[0];
    CHECK(y.tokens_demanded.in(token) == Approx(1000 * seconds));
    CHECK(y.tokens_served.in(token) == Approx(1000 * seconds));
    CHECK(y.inference_share == Approx(1.0 / 3));
    CHECK(y.training_flop.in(flop) == Approx(1e17 * (2.0 / 3) * 0.35 * seconds));
    // A third of 907,600 USD for 1,000 x 31,536,000 tokens: 9.593 USD a million.
    CHECK((y.inference_cost / y.tokens_served).in(usd / (mega * token)) == Approx(9.5932).epsilon(1e-4));
  }
  SECTION("at most the largest share serves") {
    spec.demand.market.tiers[0].demand = Ramp<TokenRate>::constant(1e6 * token / second);
    const auto y = simulated(spec).years[0];
    CHECK(y.tokens_served.in(token) == Approx(0.6 * 3000 * seconds));
    CHECK(y.inference_share == Approx(0.6));
  }
  SECTION("without accelerators nothing is served") {
    spec.owners[0].initial_fleet.clear();
    spec.demand.market.tiers[0].demand = Ramp<TokenRate>::constant(1e6 * token / second);
    const auto y = simulated(spec).years[0];
    CHECK(y.tokens_served == Tokens{});
    CHECK(y.inference_share == 0);
  }
}

TEST_CASE("accelerators are taken out at the end of their service life") {
  // Six years old at week 26: 26 weeks of 100 kW.
  WorldSpec spec = standing_fleet();
  spec.owners[0].initial_fleet[0].delivered = kStart + 26 * week - 6 * year;
  const auto result = simulated(spec);
  CHECK(result.retired == Approx(100));
  CHECK(result.years[0].energy.in(kilo * watt_hour) == Approx(100 * 26 * 168));
  CHECK(result.years[0].accelerators_energised == 0);
  CHECK(result.largest_balance_error < 1e-9);
}

TEST_CASE("years are told apart") {
  WorldSpec spec = standing_fleet();
  spec.end = spec.chain.end = Date::from_civil(2025, 1, 1);
  const auto result = simulated(spec);
  REQUIRE(result.years.size() == 2);
  CHECK(result.years[0].year == 2023);
  CHECK(result.years[1].year == 2024);
  // A week belongs to the year in which it starts: 53 weeks in 2023, the rest of 731 days in 2024.
  CHECK(result.years[0].energy.in(kilo * watt_hour) == Approx(100 * 24 * 53 * 7));
  CHECK(result.years[1].energy.in(kilo * watt_hour) == Approx(100 * 24 * (731 - 53 * 7)));
}

TEST_CASE("charges in H100-equivalents are those of the year asked for, or of all") {
  WorldSpec spec = tiny_world();
  spec.end = spec.chain.end = kStart + 104 * week;
  const auto result = simulated(spec);
  const auto at = static_cast<std::size_t>(Resource::packaging);
  const double all = result.charged_h100e_weeks(spec, 0)[at];
  CHECK(all == Approx(2 * charged(result, Resource::packaging)));
  CHECK(result.charged_h100e_weeks(spec, 2023)[at] + result.charged_h100e_weeks(spec, 2024)[at] == Approx(all));
  CHECK(result.charged_h100e_weeks(spec, 2022)[at] == 0);
}

TEST_CASE("the same world twice gives the same numbers") {
  WorldSpec spec = tiny_world();
  spec.demand.market.tiers[0].demand = Ramp<TokenRate>::constant(3e4 * token / second);
  spec.owners[0].power = Ramp<Power>::constant(1 * mega * watt);
  const auto a = simulated(spec), b = simulated(spec);
  REQUIRE(a.years.size() == b.years.size());
  for (std::size_t i = 0; i < a.years.size(); ++i) {
    CHECK(a.years[i].energy == b.years[i].energy);
    CHECK(a.years[i].tokens_served == b.years[i].tokens_served);
    CHECK(a.years[i].fleet_cost == b.years[i].fleet_cost);
    CHECK(a.years[i].training_flop == b.years[i].training_flop);
  }
  REQUIRE(a.charges.size() == b.charges.size());
  for (std::size_t i = 0; i < a.charges.size(); ++i)
    CHECK(a.charges[i].accelerator_weeks == b.charges[i].accelerator_weeks);
  CHECK(a.h100e_weeks == b.h100e_weeks);
}

TEST_CASE("more of the binding resource gives more, more of another one nothing") {
  WorldSpec spec = tiny_world();
  spec.demand.market.tiers[0].demand = Ramp<TokenRate>::constant(1e9 * token / second);
  const auto gain = [](const std::vector<MarginalValue>& values, Resource resource) {
    for (const auto& value : values)
      if (value.resource == resource) return value;
    FAIL("no value");
    return MarginalValue{};
  };
  SECTION("packaging: a tenth more of it is a tenth more of everything") {
    const auto values = marginal_values(spec, simulated(spec), 1.1);
    REQUIRE(values.size() == kResources);
    CHECK(gain(values, Resource::packaging).h100e_weeks_gain == Approx(0.1));
    CHECK(gain(values, Resource::packaging).tokens_gain == Approx(0.1));
    for (const auto other : {Resource::memory, Resource::logic, Resource::capital, Resource::power})
      CHECK(gain(values, other).h100e_weeks_gain == Approx(0).margin(1e-9));
  }
  SECTION("power") {
    for (auto& owner : spec.owners) owner.power = Ramp<Power>::constant(125 * kilo * watt);
    const auto values = marginal_values(spec, simulated(spec), 1.1);
    CHECK(gain(values, Resource::power).h100e_weeks_gain > 0.05);
    CHECK(gain(values, Resource::packaging).h100e_weeks_gain < 0.05);
    CHECK(gain(values, Resource::packaging).h100e_weeks_gain >= 0);
  }
  SECTION("capital") {
    for (auto& buyer : spec.buyers) buyer.budget = Ramp<MoneyRate>::constant(10 * mega * usd / year);
    const auto values = marginal_values(spec, simulated(spec), 1.1);
    CHECK(gain(values, Resource::capital).h100e_weeks_gain == Approx(0.1).epsilon(0.02));
    CHECK(gain(values, Resource::packaging).h100e_weeks_gain == Approx(0).margin(1e-9));
  }
}

TEST_CASE("initial fleets in either order give the same") {
  // The older half is taken out in week 26, whichever half was named first.
  WorldSpec one = standing_fleet(), other = one;
  const InitialFleet old{0, 50, kStart + 26 * week - 6 * year}, young{0, 50, Date::from_civil(2022, 1, 1)};
  one.owners[0].initial_fleet = {old, young};
  other.owners[0].initial_fleet = {young, old};
  const auto a = simulated(one), b = simulated(other);
  CHECK(a.retired == 50);
  CHECK(b.retired == 50);
  CHECK(a.h100e_weeks == b.h100e_weeks);
  CHECK(a.years[0].energy == b.years[0].energy);
  CHECK(a.years[0].energy.in(kilo * watt_hour) == Approx(100 * 26 * 168 + 50 * (8760 - 26 * 168)));
}

TEST_CASE("every week of the chain in the span is charged, the last one too") {
  // The chain's weeks are days 4, 11, ..., 361: 52 of 200 slots; orders are far beyond them.
  const WorldSpec spec = tiny_world();
  const auto result = simulated(spec);
  double slots = 0;
  for (const auto& year : result.years) slots += year.packaging_slots;
  CHECK(slots == Approx(52 * 200));
}

TEST_CASE("marginal values are finite where there is nothing to gain") {
  WorldSpec spec = tiny_world();
  SECTION("nobody asks for tokens") {}
  SECTION("nor is anything energised") {
    for (auto& owner : spec.owners) owner.power = Ramp<Power>::constant(0 * watt);
  }
  for (const auto& value : marginal_values(spec, simulated(spec), 1.1)) {
    CAPTURE(std::string{resource_name(value.resource)});
    CHECK(std::isfinite(value.h100e_weeks_gain));
    CHECK(value.tokens_gain == 0);
  }
}


TEST_CASE("more of one resource leaves the others as they are") {
  WorldSpec spec = tiny_world();
  spec.chain.logic = {{"node", Ramp<WaferRate>::constant(7 * wafer / week), Ramp<double>::constant(1)}};
  spec.chain.memory_makers = {{"maker", Ramp<WaferRate>::constant(8 * wafer / week), {}}};
  spec.chain.parts = {{.part = "board", .capacity = Ramp<Frequency>::constant(9 / week), .units = {0}}};
  const auto amounts = [](const WorldSpec& s) {
    return std::array<double, kResources>{s.chain.packaging[0].capacity.at(kStart).in(wafer / week),
                                          s.chain.memory_makers[0].capacity.at(kStart).in(wafer / week),
                                          s.chain.logic[0].capacity.at(kStart).in(wafer / week),
                                          s.chain.parts[0].capacity.at(kStart) * week,
                                          s.buyers[1].budget.at(kStart).in(mega * usd / year),
                                          s.owners[1].power.at(kStart).in(giga * watt)};
  };
  const auto before = amounts(spec);
  for (std::size_t i = 0; i < kResources; ++i) {
    const auto after = amounts(with_more(spec, static_cast<Resource>(i), 1.5));
    for (std::size_t j = 0; j < kResources; ++j) CHECK(after[j] == Approx(before[j] * (i == j ? 1.5 : 1)));
  }
}

TEST_CASE("resources have names") {
  CHECK(resource_name(Resource::packaging) == "packaging");
  CHECK(resource_name(Resource::memory) == "memory");
  CHECK(resource_name(Resource::logic) == "logic");
  CHECK(resource_name(Resource::parts) == "parts");
  CHECK(resource_name(Resource::capital) == "capital");
  CHECK(resource_name(Resource::power) == "power");
}

TEST_CASE("the meter follows what the fleet does: it idles, trains, or serves below saturation") {
  // 100 accelerators at PUE 1.25. Idle 200 W, training 900 W, serving 600 W when saturated.
  WorldSpec spec = standing_fleet();
  spec.traits[0].power = WorkingPower{.idle = 200 * watt, .training = 900 * watt, .serving = {600 * watt}};
  const auto kilowatt_hours = [&] { return simulated(spec).years[0].energy.in(kilo * watt_hour); };
  SECTION("training takes all hours that serving leaves") { CHECK(kilowatt_hours() == Approx(0.9 * 100 * 1.25 * 8760)); }
  SECTION("a third serves at three tenths of saturation, a third trains, a third idles") {
    // Saturated 50 token/s each, times 0.6: 3,000 of the fleet; 1,000 are wanted. Half of the mean rate of training is wanted.
    spec.demand.utilisation = 0.6;
    spec.demand.rental_contract = Time{};
    spec.demand.market.elasticity = spec.demand.market.training_elasticity = 0;
    spec.demand.market.tiers[0].demand = Ramp<TokenRate>::constant(1000 * token / second);
    spec.demand.market.training = Ramp<FlopRate>::constant(100 * 0.35 * peta / 3 * flop / second);
    const double serving = 200 + 0.6 * (600 - 200);
    CHECK(kilowatt_hours() == Approx((serving + 900 + 200) / 3000 * 100 * 1.25 * 8760));
  }
  SECTION("what cannot serve idles while its time is used") {
    spec.demand.market.tiers[0].demand = Ramp<TokenRate>::constant(1e9 * token / second);
    spec.traits[0].token_rates = {TokenRate{}};
    CHECK(kilowatt_hours() == Approx(0.9 * 100 * 1.25 * 8760));  // nobody can be served: all of it trains
  }
}

TEST_CASE("a demand curve of the caller's own is what users ask for, and a rule shares out what is in stock") {
  WorldSpec spec = standing_fleet();
  spec.demand.market.curve = [](const std::vector<TokenPrice>& prices, Date) { return std::vector<TokenRate>(prices.size(), 500 * token / second); };
  CHECK(simulated(spec).years[0].tokens_served.in(token) == Approx(500.0 * 365 * 86400));
  // Owner two is given all; without the rule it gets a quarter.
  WorldSpec shared = tiny_world();
  shared.sales_rule = [](const supply::AllocationCase& question) {
    std::vector<double> parts;
    for (const auto& order : question.orders) parts.push_back(order.who == "two");
    return parts;
  };
  const auto result = simulated(shared);
  CHECK(delivered(result, 0) == 0);
  CHECK(delivered(result, 1) > 0.9 * 51 * 200);
}
