// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/ramp.hpp"

#include <catch2/catch.hpp>

#include "waferwatt/core/random.hpp"

using namespace waferwatt;

namespace {

Date after(double days) { return Date::from_days(days); }
const Ramp<double> kHill({{after(10), 0.0}, {after(20), 100.0}, {after(40), 60.0}});

}  // namespace

TEST_CASE("a ramp is straight between its points and flat outside them") {
  CHECK(kHill.at(after(-5)) == 0);
  CHECK(kHill.at(after(10)) == 0);
  CHECK(kHill.at(after(12.5)) == Approx(25));
  CHECK(kHill.at(after(20)) == Approx(100));
  CHECK(kHill.at(after(30)) == Approx(80));
  CHECK(kHill.at(after(40)) == 60);
  CHECK(kHill.at(after(1000)) == 60);
}

TEST_CASE("a constant ramp holds at all times and an empty one gives nothing") {
  CHECK(Ramp<Power>::constant(3 * watt).at(after(-1e6)) == 3 * watt);
  CHECK(Ramp<Power>::constant(3 * watt).at(after(1e6)) == 3 * watt);
  CHECK(Ramp<double>{}.empty());
  CHECK(Ramp<double>{}.at(after(0)) == 0);
}

TEST_CASE("the integral of a ramp is exact, over its kinks and outside its points") {
  const auto integral = [](double from, double to) { return kHill.integral(after(from), after(to)).in(day); };
  // Triangle 10 * 100 / 2 = 500; trapezium 20 * (100 + 60) / 2 = 1600; flat 60 * 5 = 300.
  CHECK(integral(10, 20) == Approx(500));
  CHECK(integral(20, 40) == Approx(1600));
  CHECK(integral(0, 45) == Approx(500 + 1600 + 300));
  // From 15 (50) to 30 (80): 5 * 75 + 10 * 90 = 1275.
  CHECK(integral(15, 30) == Approx(1275));
  CHECK(integral(0, 5) == 0);
  CHECK(integral(50, 60) == Approx(600));
  CHECK(integral(20, 20) == 0);
  CHECK(Ramp<double>{}.integral(after(0), after(9)) == Time{});
}

TEST_CASE("a wafer rate integrates to wafers") {
  // 3,000 wafers a month for a year is 36,000.
  const auto rate = Ramp<WaferRate>::constant(3000 * wafer / month);
  CHECK(rate.integral(after(0), after(365)).in(wafer) == Approx(36000));
}

TEST_CASE("integrals over adjoining spans add up for random ramps") {
  const auto seed = GENERATE(range(1, 21));
  RandomStream random(static_cast<std::uint64_t>(seed), "ramp");
  std::vector<Ramp<double>::Point> points;
  double at = 0;
  for (int i = 0; i < 8; ++i) points.emplace_back(after(at += random.uniform(0.1, 10)), random.uniform(-5, 5));
  const Ramp<double> ramp(points);
  REQUIRE(ramp.is_ordered());
  const double split = random.uniform(-10, 60);
  const double whole = ramp.integral(after(-20), after(80)).in(day);
  CHECK((ramp.integral(after(-20), after(split)) + ramp.integral(after(split), after(80))).in(day) ==
        Approx(whole).margin(1e-9));
}

TEST_CASE("points out of order or at the same date are noticed") {
  CHECK(kHill.is_ordered());
  CHECK_FALSE(Ramp<double>({{after(2), 1.0}, {after(1), 1.0}}).is_ordered());
  CHECK_FALSE(Ramp<double>({{after(2), 1.0}, {after(2), 1.0}}).is_ordered());
  CHECK(Ramp<double>{}.is_ordered());
}
