// SPDX-License-Identifier: Apache-2.0
// Who pays whom, what becomes of who cannot, and what rules do to sales.
#include <catch2/catch.hpp>
#include <cmath>

#include "fixture.hpp"

using namespace waferwatt;
using namespace waferwatt::world;
using market::Flow;

namespace {

double flow(const WorldResult& result, std::size_t owner, Flow flow) {
  Money sum;
  for (const auto& own : result.owner_years)
    if (own.owner == owner) sum += own.flows[static_cast<std::size_t>(flow)];
  return sum.in(usd);
}
double delivered(const WorldResult& result, std::size_t owner) {
  double sum = 0;
  for (const auto& entry : result.deliveries)
    if (entry.owner == owner) sum += entry.n_accelerators;
  return sum;
}
Ramp<MoneyRate> a_year(double musd) { return Ramp<MoneyRate>::constant(musd * mega * usd / year); }

/// The standing fleet of owner one; owner two has none and sells all tokens: 1,000 a second of 1,500.
WorldSpec lab_and_cloud() {
  WorldSpec spec = standing_fleet();
  spec.demand.market.tiers[0].demand = Ramp<TokenRate>::constant(1000 * token / second);
  spec.demand.market.tiers[0].margin = 0.5;
  spec.demand.market.largest_share = 1;
  spec.demand.market.elasticity = 0;
  spec.demand.market.training = Ramp<FlopRate>::constant(0 * flop / second);
  spec.owners[1].token_share = Ramp<double>::constant(1);
  return spec;
}

}  // namespace

TEST_CASE("a lab without a fleet pays the cloud rent and keeps its margin") {
  const auto result = simulated(lab_and_cloud());
  // Two thirds of the fleet are wanted; with inelastic demand competition drives the rent to energy (876 MWh x 0.1 USD/kWh).
  CHECK(flow(result, 1, Flow::token_sales) == Approx(2 * 87600 * 2.0 / 3).epsilon(0.01));
  CHECK(flow(result, 1, Flow::rent) == Approx(-87600 * 2.0 / 3).epsilon(0.01));
  CHECK(flow(result, 0, Flow::rent) == Approx(-flow(result, 1, Flow::rent)));
  CHECK(flow(result, 0, Flow::energy) == Approx(-87600));
  // What the cloud lacks its company pays, and takes what the lab earns.
  CHECK(flow(result, 0, Flow::funding) == Approx(87600 / 3.0).epsilon(0.01));
  CHECK(flow(result, 1, Flow::funding) == Approx(-flow(result, 1, Flow::token_sales) - flow(result, 1, Flow::rent)));
  CHECK(result.largest_balance_error < 1e-9);
}

TEST_CASE("accelerators, servers, buildings and energy are paid for as they come") {
  WorldSpec spec = tiny_world();
  spec.owners[0].power = Ramp<Power>({{kStart, 100 * mega * watt}, {kStart + 40 * week, 140 * mega * watt}});
  const auto result = simulated(spec);
  CHECK(flow(result, 0, Flow::accelerators) == Approx(-30000 * delivered(result, 0)));
  CHECK(flow(result, 0, Flow::servers) == Approx(-6000 * delivered(result, 0)));
  CHECK(flow(result, 0, Flow::buildings) == Approx(-40e6 * 12));
  CHECK(result.largest_balance_error < 1e-9);
}

TEST_CASE("a buyer buys what its own money allows") {
  WorldSpec spec = tiny_world();
  // 6 MUSD beside a buyer with 190 a week: half of what is left goes into accelerators at 30,000, their servers at 6,000 after them.
  spec.owners[0].finance = Finance{.cash = 6 * mega * usd, .credit = 0};
  const auto result = simulated(spec);
  CHECK(delivered(result, 0) > 5);
  CHECK(delivered(result, 0) * 36000 <= 6e6);
  CHECK(result.failures.empty());
  CHECK(result.largest_balance_error < 1e-9);
}

TEST_CASE("a cloud whose loans fall due when nobody rents is absorbed, restructured or rescued, and the log says why") {
  WorldSpec spec = lab_and_cloud();
  spec.buyers[1].budget = a_year(100);
  // Bought for 3.6 MUSD a year before; loans of half of that must go down with the fleet's value.
  spec.owners[0].finance = Finance{.cash = 50000 * usd, .debt = 1.4 * mega * usd, .credit = 0.5, .interest = 0.1};
  SECTION("absorbed: rents pay the energy of what is rented and no more") {
    const auto result = simulated(spec);
    REQUIRE(result.failures.size() == 1);
    const auto& failure = result.failures[0];
    CHECK(failure.buyer == 0);
    CHECK(failure.resolved.resolution == market::Resolution::absorbed);
    CHECK(failure.resolved.by == 1);
    CHECK_THAT(failure.resolved.reason, Catch::Contains("one lacks") && Catch::Contains("two takes its fleet"));
    CHECK(flow(result, 1, Flow::absorption) < 0);
    // From then on the fleet's energy, 240 USD a day, is paid by its new owner.
    const double days = (failure.date - kStart).in(day);
    CHECK(-flow(result, 0, Flow::energy) == Approx(240 * (days + 7)));
    CHECK(result.largest_balance_error < 1e-9);
  }
  SECTION("rescued by a partner") {
    spec.owners[0].partners = {1};
    const auto result = simulated(spec);
    REQUIRE_FALSE(result.failures.empty());
    CHECK(result.failures[0].resolved.resolution == market::Resolution::rescued);
    CHECK(flow(result, 0, Flow::rescue) > 0);
    CHECK(flow(result, 0, Flow::rescue) == Approx(-flow(result, 1, Flow::rescue)));
    CHECK(result.largest_balance_error < 1e-9);
  }
  SECTION("restructured: with scarcity rents it earns more than its energy") {
    spec.demand.market.elasticity = 1;
    spec.demand.market.tiers[0].demand = Ramp<TokenRate>::constant(1500 * token / second);
    const auto result = simulated(spec);
    REQUIRE_FALSE(result.failures.empty());
    CHECK(result.failures[0].resolved.resolution == market::Resolution::restructured);
    CHECK(result.largest_balance_error < 1e-9);
  }
}

TEST_CASE("rules close sales from their day on, and a leak costs its premium") {
  WorldSpec spec = tiny_world();
  spec.traits[0].chip = {.id = "gpu", .maker_country = "X", .tpp = 5000};
  spec.owners[0].jurisdiction = "Y";
  spec.owners[1].jurisdiction = "X";
  catalog::Policy stop;
  stop.id = "stop";
  stop.authority = "X";
  stop.destinations = {"Y"};
  stop.effective.value = kStart + 26 * week;
  SECTION("closed") {
    spec.rules = policy::Rulebook({stop});
    const auto result = simulated(spec);
    // 200 a week, three quarters to owner one, until week 25.
    CHECK(delivered(result, 0) == Approx(150 * 25));
    CHECK(delivered(result, 0) + delivered(result, 1) == Approx(51 * 200));
  }
  SECTION("leaking") {
    stop.leak = catalog::Fact<double>{.value = 0.1};
    stop.leak_premium = catalog::Fact<double>{.value = 2};
    spec.rules = policy::Rulebook({stop});
    const auto result = simulated(spec);
    CHECK(delivered(result, 0) > 150 * 25);
    CHECK(flow(result, 0, Flow::grey_market) == Approx(-30000 * (delivered(result, 0) - 150 * 25)));
    // A tenth of 30,000 MUSD a year at twice the price: 959 a week at most, of 200 that come.
    CHECK(delivered(result, 0) < 150 * 25 + 200 * 26);
  }
  SECTION("licensed up to half of what is sold at home, with a tariff") {
    catalog::Policy licence = stop, tariff = stop;
    licence.id = "licence";
    licence.kind = catalog::PolicyKind::licence;
    licence.volume_share = catalog::Fact<double>{.value = 0.5};
    tariff.id = "tariff";
    tariff.kind = catalog::PolicyKind::tariff;
    tariff.rate = catalog::Fact<double>{.value = 0.25};
    stop.effective.value = licence.effective.value = tariff.effective.value = kStart - 1 * year;
    spec.rules = policy::Rulebook({stop, licence, tariff});
    const auto result = simulated(spec);
    CHECK(delivered(result, 0) == Approx(0.5 * delivered(result, 1)).epsilon(0.05));
    CHECK(delivered(result, 0) <= 0.5 * delivered(result, 1));
    CHECK(flow(result, 0, Flow::tariff) == Approx(-0.25 * 30000 * delivered(result, 0)));
    CHECK(result.payments_to_states.in(usd) == Approx(0.25 * 30000 * delivered(result, 0)));
  }
  for (const auto& entry : simulated(spec).charges) CHECK(entry.accelerator_weeks >= 0);
}

TEST_CASE("carbon prices are paid where they hold") {
  WorldSpec spec = standing_fleet();
  spec.owners[0].jurisdiction = "E";
  catalog::Policy price;
  price.id = "price";
  price.kind = catalog::PolicyKind::carbon_price;
  price.authority = "E";
  price.destinations = {"E"};
  price.effective.value = kStart - 1 * year;
  price.carbon_price = catalog::Fact<Ramp<catalog::CarbonPrice>>{.value = Ramp<catalog::CarbonPrice>::constant(0.1 * usd / kg_co2e)};
  spec.rules = policy::Rulebook({price});
  // 350,400 kg at 0.1 USD.
  CHECK(flow(simulated(spec), 0, Flow::carbon) == Approx(-35040));
}

TEST_CASE("a project is done when its owner's training has done its work, or not in time") {
  // 100 x 0.35 PFLOP/s; half of it for 100 days: 1.512e23 FLOP.
  WorldSpec spec = standing_fleet();
  const FlopCount work = 100 * 0.35 * 0.5 * peta * 100 * 86400 * flop;
  spec.projects = {{"small", 0, work, kStart, kStart + 101 * day}, {"large", kNobody, 10 * work, kStart, kStart + 300 * day}};
  const auto result = simulated(spec);
  REQUIRE(result.projects.size() == 2);
  REQUIRE(result.projects[0].finished);
  CHECK((*result.projects[0].finished - kStart).in(day) == Approx(100));
  CHECK(result.projects[0].done == work);
  CHECK_FALSE(result.projects[1].finished);
  CHECK(result.projects[1].done.in(flop) == Approx(100 * 0.35e15 * 0.5 * 365 * 86400));
}
