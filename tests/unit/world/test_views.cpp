// SPDX-License-Identifier: Apache-2.0
// The waterfall and the cut.
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "fixture.hpp"

using namespace waferwatt;
using namespace waferwatt::world;

namespace {

double step(const WorldResult& result, int year, const std::string& name) {
  for (const auto& s : result.waterfall)
    if (s.year == year && s.step == name) return s.change;
  FAIL("no step " << name);
  return 0;
}

}  // namespace

TEST_CASE("the way from wafers to tokens is exact in every year") {
  WorldSpec spec = tiny_world();
  spec.end = spec.chain.end = Date::from_civil(2025, 1, 1);
  spec.owners[0].power = Ramp<Power>::constant(1 * mega * watt);
  spec.power_wait_limit = 1e9 * year;
  spec.demand.market.tiers[0].demand = Ramp<TokenRate>::constant(3e4 * token / second);
  const auto result = simulated(spec);
  for (const int year : {2023, 2024}) {
    double left = 0;
    std::string unit;
    for (const auto& s : result.waterfall) {
      if (s.year != year) continue;
      if (s.unit != unit) left = 0;
      unit = s.unit;
      left += s.change;
      CHECK(s.left == Approx(left));
      if (s.step == "rounding") CHECK(std::abs(s.change) < 1e-6 * std::max(1.0, std::abs(s.left)));
    }
  }
  // Two H100-equivalents each: packages all good, one week under way; owner one runs 800 accelerators (1 MW / 1.25 kW) and the others wait.
  CHECK(step(result, 2023, "packages scrapped") == Approx(0).margin(1e-9));
  CHECK(step(result, 2023, "sold accelerators that wait for power") == Approx(-2 * (150 * 52 - 800)).epsilon(0.03));
  // Those that came in the last days of 2023 are sold in the first week of 2024.
  CHECK(step(result, 2023, "accelerators that stay unsold") == Approx(-400));
  CHECK(step(result, 2024, "accelerators that stay unsold") == Approx(400));
  Tokens tokens;
  for (const auto& y : result.years) tokens += y.tokens_served;
  CHECK(step(result, 2023, "useful tokens") + step(result, 2024, "useful tokens") == Approx(tokens.in(token)));
}

TEST_CASE("the cut is the supply where it is scarce, else each buyer's money or power") {
  CutInput in{.year = 2025, .supply = 100, .supply_parts = {3, 1, 0, 0, 0, 0}, .money = {80, 60}, .power = {200, 300}, .waiting = {0, 0}};
  // 100 chips for 80 + 60 that could be paid: three quarters packaging, a quarter memory.
  auto found = cuts(in);
  REQUIRE(found.size() == 3);
  CHECK(found[0].bound_h100e == Approx(100));
  CHECK(found[0].carried[0] == Approx(75));
  CHECK(found[0].carried[1] == Approx(25));
  CHECK(found[1].bound_h100e == Approx(100 * 80 / 140.0));
  // Chips in plenty: one buyer's money, the other's power, where 20 wait already.
  in.supply = 1000;
  in.power = {200, 30};
  in.waiting = {0, 20};
  found = cuts(in);
  CHECK(found[0].bound_h100e == Approx(80 + 30));
  CHECK(found[0].carried[static_cast<std::size_t>(Resource::capital)] == Approx(80));
  CHECK(found[0].carried[static_cast<std::size_t>(Resource::power)] == Approx(30));
  CHECK(found[2].owner == 1);
  // More waits than there is power for: nothing new.
  in.waiting = {0, 500};
  CHECK(cuts(in)[0].bound_h100e == Approx(80 + 30));
  for (const auto& cut : cuts(in)) CHECK(std::accumulate(cut.carried.begin(), cut.carried.end(), 0.0) == Approx(cut.bound_h100e));
}

TEST_CASE("the closed form of the cut is the largest flow, by all splits of the supply") {
  // Brute force over how 10 chips are split between two buyers.
  for (const double money : {2.0, 5.0, 9.0})
    for (const double power : {1.0, 4.0, 12.0})
      for (const double waiting : {0.0, 3.0, 6.0}) {
        const CutInput in{.year = 1, .supply = 10, .supply_parts = {1, 0, 0, 0, 0, 0}, .money = {money, 6}, .power = {power, 5}, .waiting = {waiting, 1}};
        double best = 0;
        for (int i = 0; i <= 1000; ++i) {
          const double first = std::min(0.01 * i, money), second = std::min(10 - 0.01 * i, 6.0);
          best = std::max(best, std::min(power, waiting + first) + std::min(5.0, 1 + second));
        }
        CHECK(cuts(in)[0].bound_h100e == Approx(best));
      }
}

TEST_CASE("no year reaches more than its cut, and what binds is in it") {
  WorldSpec spec = tiny_world();
  spec.end = spec.chain.end = Date::from_civil(2025, 1, 1);
  for (auto& owner : spec.owners) owner.power = Ramp<Power>({{kStart, 1 * mega * watt}, {kStart + 2 * year, 3 * mega * watt}});
  spec.power_wait_limit = 1e9 * year;
  const auto result = simulated(spec);
  REQUIRE(result.cuts.size() == 6);
  for (const auto& cut : result.cuts) {
    CHECK(cut.reached_h100e <= cut.bound_h100e * (1 + 1e-6));
    if (cut.owner == kNobody && cut.year == 2024) CHECK(cut.carried[static_cast<std::size_t>(Resource::power)] == Approx(cut.bound_h100e));
  }
}

TEST_CASE("gains are told by year and owner and add up") {
  WorldSpec spec = tiny_world();
  spec.demand.market.tiers[0].demand = Ramp<TokenRate>::constant(1e9 * token / second);
  const auto values = marginal_values(spec, simulated(spec), 1.1);
  const auto& packaging = values[static_cast<std::size_t>(Resource::packaging)];
  double all = 0, owners = 0;
  Tokens tokens;
  for (const auto& gain : packaging.gains) {
    (gain.owner == kNobody ? all : owners) += gain.h100e_weeks;
    if (gain.owner == kNobody) tokens += gain.tokens;
  }
  CHECK(all == Approx(owners));
  CHECK(all > 0);
  CHECK(tokens.in(token) > 0);
  // 10 wafers a week.
  CHECK(amount_of(spec, Resource::packaging, kStart, kStart + 10 * week).value == Approx(100));
  CHECK(amount_of(spec, Resource::capital, kStart, kStart + 1 * year, 1).value == Approx(10000));
  CHECK(amount_of(spec, Resource::power, kStart, kStart + 1 * year).value == Approx(2000));
}
