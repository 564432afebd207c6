// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "waferwatt/power/cooling.hpp"

using namespace waferwatt;
using namespace waferwatt::power;

namespace {
constexpr Power kMegawatt = mega * watt;
}

TEST_CASE("PUE by hand on a cool and on a hot day") {
  const CoolingDesign d;  // air 25 degrees, rise 12, approach 6, dry
  // Cool: ambient 16 <= 25, all heat leaves without a chiller. Q = 80 + 0.012 x 100 + 0.035 x 80 = 84; fans 0.045 x 84 = 3.78.
  const auto cool = facility_load(d, 80 * kMegawatt, 100 * kMegawatt, {10, 8});
  CHECK(cool.losses.in(kMegawatt) == Approx(4.0));
  CHECK(cool.total().in(kMegawatt) == Approx(87.78));
  CHECK(cool.pue() == Approx(87.78 / 80));
  // Hot: ambient 46 > 37, nothing is free; lift 46 + 8 - 25 = 29, COP = 0.5 x 298.15 / 29 = 5.1405.
  const auto hot = facility_load(d, 80 * kMegawatt, 100 * kMegawatt, {40, 24});
  CHECK(hot.chillers.in(kMegawatt) == Approx(84 / (0.5 * 298.15 / 29)));
  CHECK(hot.water.base() == 0);
}

TEST_CASE("PUE never falls with temperature, and at part load it rises") {
  for (const auto kind : {CoolingKind::air, CoolingKind::liquid, CoolingKind::legacy_air})
    for (const auto rejection : {HeatRejection::dry, HeatRejection::evaporative}) {
      const auto d = CoolingDesign::of(kind, rejection);
      double before = 1;
      for (double t = -20; t <= 50; t += 1) {
        const double pue = facility_load(d, 70 * kMegawatt, 100 * kMegawatt, {t, t - 5}).pue();
        CHECK(pue >= before);
        CHECK(facility_load(d, 20 * kMegawatt, 100 * kMegawatt, {t, t - 5}).pue() > pue);
        before = pue;
      }
    }
}

TEST_CASE("water replaces chillers where the air is dry") {
  const auto dry = CoolingDesign::of(CoolingKind::air, HeatRejection::dry), wet = CoolingDesign::of(CoolingKind::air, HeatRejection::evaporative);
  const Weather desert{42, 20};
  const auto a = facility_load(dry, 80 * kMegawatt, 100 * kMegawatt, desert), b = facility_load(wet, 80 * kMegawatt, 100 * kMegawatt, desert);
  CHECK(b.total() < a.total());
  // All heat by evaporation: 84 MW / 2.45 MJ per litre x 4/3, and chillers add their own heat.
  CHECK(b.water.in(litre / second) == Approx((84 + b.chillers.in(kMegawatt)) / 2.45 * 4 / 3));
  CHECK(facility_load(wet, 80 * kMegawatt, 100 * kMegawatt, {10, 6}).water.base() == 0);
}

TEST_CASE("the IT power within a facility limit is the inverse of the load") {
  const auto d = CoolingDesign::of(CoolingKind::liquid, HeatRejection::dry);
  for (const double t : {0.0, 25.0, 45.0}) {
    const Power facility = facility_load(d, 63 * kMegawatt, 100 * kMegawatt, {t, t}).total();
    CHECK(it_power_within(d, facility, 100 * kMegawatt, {t, t}).in(kMegawatt) == Approx(63).epsilon(1e-12));
  }
  CHECK(it_power_within(d, 0 * watt, 100 * kMegawatt, {}).base() == 0);
}

TEST_CASE("wet bulb of Stull's own example: 20 degrees at 50 % is 13.7") { CHECK(wet_bulb_c(20, 50) == Approx(13.7).margin(0.05)); }
