// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/yield.hpp"

#include <catch2/catch.hpp>

using namespace waferwatt;
using namespace waferwatt::supply;

TEST_CASE("yields of a GH100 die agree with the hand table") {
  // 8.14 cm2; A D = 0.407 and 0.814. Poisson exp(-0.407) = 0.6656; Murphy ((1 - 0.6656)/0.407)^2 = 0.6750;
  // Seeds 1/1.407 = 0.7107; negative binomial (1 + 0.407/3)^-3 = 0.6826.
  const Area area = 8.14 * square_centimetre;
  const auto low = 0.05 / square_centimetre, high = 0.10 / square_centimetre;
  CHECK(poisson_yield(area, low) == Approx(0.666).margin(0.0006));
  CHECK(murphy_yield(area, low) == Approx(0.675).margin(0.0006));
  CHECK(seeds_yield(area, low) == Approx(0.711).margin(0.0006));
  CHECK(negative_binomial_yield(area, low) == Approx(0.683).margin(0.0006));
  CHECK(poisson_yield(area, high) == Approx(0.443).margin(0.0006));
  CHECK(murphy_yield(area, high) == Approx(0.468).margin(0.0006));
  CHECK(seeds_yield(area, high) == Approx(0.551).margin(0.0006));
  CHECK(negative_binomial_yield(area, high) == Approx(0.487).margin(0.0006));
}

TEST_CASE("without defects every die is good") {
  const Area area = 8 * square_centimetre;
  const DefectDensity none;
  CHECK(poisson_yield(area, none) == 1);
  CHECK(murphy_yield(area, none) == 1);
  CHECK(seeds_yield(area, none) == 1);
  CHECK(negative_binomial_yield(area, none) == 1);
}

TEST_CASE("yields fall with area and density and keep their order") {
  // exp(x) >= (x / (1 - exp(-x)))^2 and >= (1 + x/3)^3; clustering helps, Seeds clusters most.
  for (double area = 0.2; area < 10; area *= 1.5)
    for (double density = 0.01; density < 2; density *= 1.7) {
      const Area a = area * square_centimetre, larger = 1.01 * a;
      const auto d = density / square_centimetre, denser = 1.01 * d;
      CAPTURE(area, density);
      for (const auto yield : {+[](Area x, DefectDensity y) { return poisson_yield(x, y); },
                               +[](Area x, DefectDensity y) { return murphy_yield(x, y); },
                               +[](Area x, DefectDensity y) { return seeds_yield(x, y); },
                               +[](Area x, DefectDensity y) { return negative_binomial_yield(x, y); }}) {
        REQUIRE(yield(a, d) > 0);
        REQUIRE(yield(a, d) < 1);
        REQUIRE(yield(larger, d) < yield(a, d));
        REQUIRE(yield(a, denser) < yield(a, d));
      }
      REQUIRE(poisson_yield(a, d) < murphy_yield(a, d));
      REQUIRE(poisson_yield(a, d) < negative_binomial_yield(a, d));
      REQUIRE(negative_binomial_yield(a, d) < seeds_yield(a, d));
    }
}

TEST_CASE("a node names its model of yield") {
  // A D = 0.5: exp(-0.5) = 0.60653; (0.39347 / 0.5)^2 = 0.61927; 1 / 1.5; (1 + 0.5/2)^-2 = 0.64; 1.5^-4 = 0.19753.
  using catalog::YieldModel;
  const Area area = 5 * square_centimetre;
  const auto density = 0.1 / square_centimetre;
  CHECK(die_yield(area, density, {.model = YieldModel::poisson}) == Approx(0.60653).epsilon(1e-5));
  CHECK(die_yield(area, density, {.model = YieldModel::murphy}) == Approx(0.61927).epsilon(1e-5));
  CHECK(die_yield(area, density, {.model = YieldModel::seeds}) == Approx(1 / 1.5));
  CHECK(die_yield(area, density, {.model = YieldModel::negative_binomial, .clustering = 2}) == Approx(0.64));
  CHECK(die_yield(area, density, {.model = YieldModel::bose_einstein, .critical_layers = 4}) == Approx(0.19753).epsilon(1e-4));
  CHECK(die_yield(area, density, {}) == negative_binomial_yield(area, density, 3));
}

TEST_CASE("defects of a new node fall by half of the gap to the mature density in each half time") {
  // From 0.15 to 0.05 per cm2 with a year: 0.15 before the start, 0.10 after a year, 0.075 after two.
  const Date start = Date::from_civil(2023, 1, 1);
  catalog::ProcessNode node;
  node.defect_density.value = Ramp<DefectDensity>::constant(0.05 / square_centimetre);
  node.learning = catalog::DefectLearning{.start = {start}, .initial = {0.15 / square_centimetre}, .half_time = {1 * year}};
  const auto density = learned_defects(node);
  for (const auto& [at, expected] : {std::pair{start - 1 * year, 0.15}, {start, 0.15}, {start + 1 * year, 0.10}, {start + 2 * year, 0.075}}) {
    CHECK(density.at(at).in(1 / square_centimetre) == Approx(expected));
    CHECK(node.defects_at(at).in(1 / square_centimetre) == Approx(expected));
  }
  // A draw may put the start below the mature density: nothing is to be learned then.
  node.learning->initial.value = 0.01 / square_centimetre;
  CHECK(node.defects_at(start).in(1 / square_centimetre) == Approx(0.05));
}

TEST_CASE("the negative binomial yield is Seeds with clustering 1 and Poisson without clustering") {
  const Area area = 6 * square_centimetre;
  const auto density = 0.12 / square_centimetre;
  CHECK(negative_binomial_yield(area, density, 1) == Approx(seeds_yield(area, density)));
  CHECK(negative_binomial_yield(area, density, 1e7) == Approx(poisson_yield(area, density)).epsilon(1e-6));
}

TEST_CASE("harvest makes a part of the defective dies sellable") {
  // 0.6 good, half of the 0.4 defective ones: 0.8.
  CHECK(sellable_yield(0.6, 0) == Approx(0.6));
  CHECK(sellable_yield(0.6, 0.5) == Approx(0.8));
  CHECK(sellable_yield(0.6, 1) == Approx(1));
  CHECK(sellable_yield(1, 0.3) == Approx(1));
}

TEST_CASE("Bose-Einstein yield multiplies over critical layers") {
  // (1 + 0.5 x 0.1)^-10 = 1.05^-10 = 0.6139
  CHECK(bose_einstein_yield(0.5 * square_centimetre, 0.1 / square_centimetre, 10) == Approx(0.6139).epsilon(1e-4));
  CHECK(bose_einstein_yield(0.5 * square_centimetre, 0.1 / square_centimetre, 1) == Approx(seeds_yield(0.5 * square_centimetre, 0.1 / square_centimetre)));
}

TEST_CASE("a die with spare units yields more than a perfect one") {
  const Area gh100 = 8.14 * square_centimetre;
  const DefectDensity density = 0.1 / square_centimetre;
  // No spare: the perfect-die yield, 0.487.
  CHECK(harvested_yield(gh100, density, {144, 144, 0.7}) == Approx(negative_binomial_yield(gh100, density)).epsilon(1e-3));
  // All units may fail: what is left must be free of defects, (1 + 0.3 x 0.814 / 3)^-3 = 0.7909.
  CHECK(harvested_yield(gh100, density, {144, 0, 0.7}) == Approx(0.7909).epsilon(1e-3));
  // Two units, one needed, no clustering, whole area: 1 - (1 - e^-x/2)^2 with x = 0.814: 1 - 0.3344^2 = 0.8882.
  CHECK(harvested_yield(gh100, density, {2, 1, 1.0}, 1e4) == Approx(0.8882).epsilon(2e-3));
  const double h100 = harvested_yield(gh100, density, {144, 132, 0.7});
  CHECK(h100 > 0.75);
  CHECK(h100 < 0.7909);
}

TEST_CASE("a package's yield multiplies over its parts and their escapes") {
  // 0.99 x (0.995 x 0.999)^2 x (0.998 x 0.997)^8 x 0.99 x 0.98
  const PackageSteps steps{.interposer = 0.99, .die_attach = 0.995, .stack_attach = 0.998, .on_substrate = 0.99, .final_test = 0.98, .die_escape = 0.001, .stack_escape = 0.003};
  CHECK(package_yield(steps, 2, 8) == Approx(0.9117).epsilon(1e-3));
  CHECK(package_yield({}, 2, 8) == 1);
  CHECK(stack_yield(0.98, 12) == Approx(0.7847).epsilon(1e-4));
  CHECK(catalog::learned(0.6, 0.9, 1 * year, 0.5 * year) == Approx(0.825));
}
