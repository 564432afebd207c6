// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/quantity.hpp"

#include <catch2/catch.hpp>
#include <type_traits>

using namespace waferwatt;

TEST_CASE("products and quotients of quantities carry the right dimension") {
  STATIC_REQUIRE(std::is_same_v<decltype(watt * hour), Energy>);
  STATIC_REQUIRE(std::is_same_v<decltype(byte / second), Bandwidth>);
  STATIC_REQUIRE(std::is_same_v<decltype(1 / second), Frequency>);
  STATIC_REQUIRE(std::is_same_v<decltype(joule / watt), Time>);
  STATIC_REQUIRE(std::is_same_v<decltype(millimetre * millimetre / square_centimetre), double>);
  STATIC_REQUIRE(std::is_same_v<decltype(usd / wafer), WaferPrice>);
  CHECK((700 * watt * (2 * hour)).in(kilo * watt_hour) == Approx(1.4));
  CHECK((8.14 * square_centimetre) * (0.1 / square_centimetre) == Approx(0.814));
}

TEST_CASE("quantities add, scale and compare like their numbers") {
  Power power = 3 * watt + 4 * watt;
  power += 1 * watt;
  power -= 2 * watt;
  power *= 2;
  CHECK(power == 12 * watt);
  CHECK(-power < 0 * watt);
  CHECK(power / 4 == 3 * watt);
  CHECK((power - 2 * watt).in(kilo * watt) == Approx(0.01));
  CHECK(Power{} == 0 * watt);
}

TEST_CASE("a year is 365 days and twelve equal months") {
  CHECK(year.in(hour) == Approx(8760));
  CHECK(year.in(month) == Approx(12));
  CHECK(week.in(day) == 7);
  CHECK((1 * byte).in(bit) == 8);
}
