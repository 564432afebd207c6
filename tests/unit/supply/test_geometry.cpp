// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/geometry.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "waferwatt/core/random.hpp"

using namespace waferwatt;
using supply::rectangles_per_wafer;

namespace {

int count(double width_mm, double height_mm) {
  return rectangles_per_wafer(width_mm * millimetre, height_mm * millimetre);
}

}  // namespace

TEST_CASE("counts of interposers and dies per 300 mm wafer are those of a wafer map") {
  // Usable radius 147 mm, 0.1 mm streets.
  CHECK(count(43, 41) == 28);
  CHECK(count(51, 40) == 24);
  CHECK(count(55, 39) == 22);
  CHECK(count(50, 50) == 21);
  CHECK(count(51, 55) == 16);
  CHECK(count(68.7, 68.7) == 9);
  CHECK(count(26, 31.3) == 67);
}

TEST_CASE("rectangles as large as the wafer fit once or not at all") {
  // The diagonal of the largest square in a circle is its diameter: 294 / sqrt 2 = 207.9 mm.
  CHECK(count(207, 207) == 1);
  CHECK(count(208.5, 208.5) == 0);
  CHECK(count(300, 300) == 0);
  CHECK(count(400, 10) == 0);
}

TEST_CASE("a wafer without rim and streets holds more, a smaller one less") {
  const Length side = 25 * millimetre;
  const int usual = rectangles_per_wafer(side, side);
  CHECK(rectangles_per_wafer(side, side, {.edge_exclusion = 0 * metre, .street = 0 * metre}) > usual);
  CHECK(rectangles_per_wafer(side, side, {.edge_exclusion = 6 * millimetre}) <= usual);
  CHECK(rectangles_per_wafer(side, side, {.street = 2 * millimetre}) < usual);
  CHECK(rectangles_per_wafer(side, side, {.diameter = 200 * millimetre}) < usual);
}

TEST_CASE("counts are turned with the rectangle and never exceed the area") {
  const auto seed = GENERATE(range(1, 41));
  RandomStream random(static_cast<std::uint64_t>(seed), "geometry");
  const double width = random.uniform(4, 80), height = random.uniform(4, 80);
  CAPTURE(width, height);
  const int n = count(width, height);
  CHECK(n == count(height, width));
  CHECK(n * width * height <= std::numbers::pi * 147 * 147);
  // Every cell that reaches into the circle less one cell diagonal lies wholly inside the circle.
  CHECK(n * width * height >= std::numbers::pi * std::pow(std::max(0.0, 147 - std::hypot(width, height)), 2) *
                                  (width * height) / ((width + 0.1) * (height + 0.1)));
}
