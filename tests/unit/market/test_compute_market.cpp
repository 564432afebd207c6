// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/market/compute_market.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace waferwatt;
using namespace waferwatt::market;

namespace {

const Date kDay = Date::from_civil(2024, 1, 1);
const MoneyRate kEntry = 2 * usd / hour;
const MoneyRate kFloor = 0.5 * usd / hour;

/// 1,000 H100-equivalents that serve 100,000 tokens a second, or train 1e18 FLOP a second.
Fleet fleet(double size = 1) { return {1000 * size, {1e5 * size * token / second}, size * exa * flop / second}; }
/// One tier that asks for `tokens` a second, and training for `training` of the fleet at the cost of new capacity.
ComputeDemand demand(double tokens, double training) {
  return {.tiers = {{.name = "all", .demand = Ramp<TokenRate>::constant(tokens * token / second), .margin = 0.2}},
          .elasticity = 1,
          .training = Ramp<FlopRate>::constant(training * exa * flop / second),
          .training_elasticity = 1};
}
double over_entry(MoneyRate rent) { return rent / kEntry; }

}  // namespace

TEST_CASE("a token costs the fleet's rent over the fleet's tokens, and its price keeps the margin") {
  // 2 USD/h x 1,000 / (100,000 x 3,600 tokens/h) = 5.556 USD a million; over 0.8: 6.944.
  CHECK(token_price(demand(1, 0), fleet(), 0, kEntry).in(usd / (mega * token)) == Approx(6.9444).epsilon(1e-4));
  Fleet none = fleet();
  none.tokens[0] = TokenRate{};
  CHECK(token_price(demand(1, 0), none, 0, kEntry).base() == 0);
}

TEST_CASE("where more is wanted than there is the rent rises until it is not: scarcity rent") {
  // At the cost of new capacity 1.5 + 0.5 fleets are wanted; with unit elasticities the rent doubles.
  const auto d = demand(1.5e5, 0.5);
  const auto rent = clearing_rent(d, fleet(), kDay, kEntry, kFloor);
  CHECK(over_entry(rent) == Approx(2));
  const auto week = clear(d, fleet(), kDay, rent, kEntry);
  CHECK(week.tightness == Approx(2));
  CHECK(week.inference_share == Approx(0.75));
  CHECK(week.training_share == Approx(0.25));
  CHECK(week.idle_share == Approx(0).margin(1e-6));
  CHECK(week.served[0].in(token / second) == Approx(75000));
}

TEST_CASE("with idle capacity competition drives the rent below the cost of new capacity, down to what can be avoided") {
  // Half a fleet is wanted at the cost of new capacity; at half the rent all of it.
  CHECK(over_entry(clearing_rent(demand(0.3e5, 0.2), fleet(), kDay, kEntry, kFloor)) == Approx(0.5));
  // A tenth is wanted: at the avoidable cost, a quarter of the entry cost, 0.4 of the fleet, and 0.6 idle.
  const auto d = demand(0.05e5, 0.05);
  const auto rent = clearing_rent(d, fleet(), kDay, kEntry, kFloor);
  CHECK(over_entry(rent) == Approx(0.25));
  CHECK(clear(d, fleet(), kDay, rent, kEntry).idle_share == Approx(0.6));
}

TEST_CASE("at a rent agreed before, a shortage is shared out and tokens go first") {
  const auto week = clear(demand(1.5e5, 0.5), fleet(), kDay, kEntry, kEntry);
  CHECK(week.inference_share == Approx(1));
  CHECK(week.training_share == Approx(0).margin(1e-12));
  auto d = demand(1.5e5, 0.5);
  d.largest_share = 0.6;
  const auto shared = clear(d, fleet(), kDay, kEntry, kEntry);
  CHECK(shared.inference_share == Approx(0.6));
  CHECK(shared.training_share == Approx(0.4));
  CHECK(shared.wanted[0].in(token / second) == Approx(1.5e5));
  CHECK(shared.served[0].in(token / second) == Approx(0.6e5));
}

TEST_CASE("the elasticity is that of all tokens to all prices") {
  auto d = demand(1e5, 0);
  for (const double elasticity : {0.0, 0.5, 1.11, 2.0}) {
    d.elasticity = elasticity;
    const auto wanted = tokens_wanted(d, fleet(), kDay, 1.1 * kEntry, kEntry);
    CHECK(wanted[0].in(token / second) == Approx(1e5 * std::pow(1.1, -elasticity)));
  }
}

TEST_CASE("tokens move to the tier that got cheaper") {
  // Two tiers of equal spending at their reference prices; the second now costs half of its reference.
  ComputeDemand d{.tiers = {{.name = "a", .demand = Ramp<TokenRate>::constant(1e4 * token / second), .margin = 0},
                            {.name = "b", .demand = Ramp<TokenRate>::constant(1e4 * token / second), .margin = 0}},
                  .elasticity = 1, .substitution = 3, .training = {}};
  Fleet f{1000, {1e5 * token / second, 1e5 * token / second}, {}};
  const auto price = token_price(d, f, 0, kEntry);
  for (auto& tier : d.tiers) tier.reference_price = Ramp<TokenPrice>::constant(price);
  const auto before = tokens_wanted(d, f, kDay, kEntry, kEntry);
  CHECK(before[0].in(token / second) == Approx(1e4));
  f.tokens[1] *= 2;
  const auto after = tokens_wanted(d, f, kDay, kEntry, kEntry);
  // Q = ((1 + 0.5^-2) / 2)^(-1/2) = 0.6325; a: Q^(3-1) = 0.4, b: 0.5^-3 Q^2 = 3.2.
  CHECK(after[0].in(token / second) == Approx(0.4e4));
  CHECK(after[1].in(token / second) == Approx(3.2e4));
  // The ratio moves by the substitution alone: 2^3.
  CHECK(after[1] / after[0] == Approx(8));
  d.substitution = 1;
  const auto cobb = tokens_wanted(d, f, kDay, kEntry, kEntry);
  CHECK(cobb[1] / cobb[0] == Approx(2));
}

TEST_CASE("tokens cheaper than the forecast took them to be are asked for more") {
  auto f = fleet();
  f.reference_scale = 10;  // ten times as dear in the forecast
  auto d = demand(1e4, 0);
  d.elasticity = 1.11;
  CHECK(tokens_wanted(d, f, kDay, kEntry, kEntry)[0].in(token / second) == Approx(1e4 * std::pow(10, 1.11)));
}

TEST_CASE("rents are monotone: more demand or less fleet never lowers them") {
  MoneyRate last;
  for (const double scale : {0.1, 0.5, 1.0, 2.0, 10.0}) {
    const auto rent = clearing_rent(demand(1e5 * scale, 0.3), fleet(), kDay, kEntry, kFloor);
    CHECK(rent >= last);
    CHECK(rent >= clearing_rent(demand(1e5 * scale, 0.3), fleet(1.5), kDay, kEntry, kFloor));
    CHECK(rent >= kFloor);
    last = rent;
  }
}

TEST_CASE("training without a wish of its own takes what is left at the cost of new capacity") {
  auto d = demand(0.3e5, 0);
  d.training.reset();
  const auto rent = clearing_rent(d, fleet(), kDay, kEntry, kFloor);
  CHECK(over_entry(rent) == Approx(1));
  const auto week = clear(d, fleet(), kDay, rent, kEntry);
  CHECK(week.inference_share == Approx(0.3));
  CHECK(week.training_share == Approx(0.7));
  CHECK(week.idle_share == Approx(0).margin(1e-12));
}

TEST_CASE("the mean rent nears the clearing rent as contracts end") {
  // After one contract time 1/e of the logarithmic distance is left.
  const auto rent = contract_rent(4 * usd / hour, 1 * usd / hour, 0.5 * year, 0.5 * year);
  CHECK(rent.in(usd / hour) == Approx(std::pow(4, std::exp(-1))));
  CHECK(contract_rent({}, kEntry, week, 0.5 * year) == kEntry);
  CHECK(contract_rent(4 * usd / hour, kEntry, week, Time{}) == kEntry);
}

TEST_CASE("without a fleet nothing is served and nothing divides by it") {
  const auto rent = clearing_rent(demand(1e5, 1), fleet(0), kDay, kEntry, kFloor);
  CHECK(rent == kEntry);
  const auto week = clear(demand(1e5, 1), fleet(0), kDay, rent, kEntry);
  CHECK(week.served[0] == TokenRate{});
  CHECK(week.wanted[0].in(token / second) == Approx(1e5));
  CHECK(week.training == FlopRate{});
}

TEST_CASE("a demand curve of the caller's own clears the market in place of the elasticities") {
  // Training wants nothing. At 6.944 USD a million (the cost of new capacity) the curve asks for 200,000 - 14,400 x 6.944 =
  // 100,000 tokens a second: just the fleet. Steeper by half, 50,000 at the cost: the rent falls until 100,000 are wanted,
  // at 100,000 / 21,600 = 4.630 USD a million: two thirds.
  const auto rent_of = [](double slope, double at_nothing) {
    auto d = demand(1e5, 0);
    d.curve = [=](const std::vector<TokenPrice>& prices, Date date) {
      CHECK(date == kDay);
      return std::vector{std::max(0.0, at_nothing - slope * prices.at(0).in(usd / (mega * token))) * token / second};
    };
    return over_entry(clearing_rent(d, fleet(), kDay, kEntry, kFloor));
  };
  CHECK(rent_of(14400, 2e5) == Approx(1).epsilon(1e-6));
  CHECK(rent_of(21600, 2e5) == Approx(2.0 / 3).epsilon(1e-6));
  auto d = demand(1e5, 0);
  d.curve = [](const std::vector<TokenPrice>&, Date) { return std::vector<TokenRate>{}; };
  CHECK_THROWS_WITH(clearing_rent(d, fleet(), kDay, kEntry, kFloor), Catch::Contains("the demand curve gave 0 rates on 2024-01-01; it has to give 1"));
}
