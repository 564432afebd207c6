// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/number_text.hpp"

#include <catch2/catch.hpp>
#include <limits>

using namespace waferwatt;

TEST_CASE("compact numbers have as many digits as are asked for") {
  CHECK(compact_number(9.588508975e9, 4) == "9.589 G");
  CHECK(compact_number(999960, 4) == "1 M");
  CHECK(compact_number(99964, 4) == "99.96 k");
  CHECK(compact_number(574.21, 4) == "574.2");
}

TEST_CASE("a quantity's prefix stands at its unit") {
  CHECK(quantity_text(4.73e10, "Wh") == "47.3 GWh");
  CHECK(quantity_text(249e3, "tCO2e") == "249 ktCO2e");
  CHECK(quantity_text(2240, "tCO2e") == "2.24 ktCO2e");
  CHECK(quantity_text(999.6, "tCO2e") == "1 ktCO2e");
  CHECK(quantity_text(-679, "tCO2e") == "-679 tCO2e");
  CHECK(quantity_text(0.5, "W") == "0.5 W");
}

TEST_CASE("compact numbers have three digits and a prefix") {
  CHECK(compact_number(0) == "0");
  CHECK(compact_number(0.11234) == "0.112");
  CHECK(compact_number(8.12) == "8.12");
  CHECK(compact_number(999.4) == "999");
  CHECK(compact_number(8120) == "8120");
  CHECK(compact_number(317400) == "317 k");
  CHECK(compact_number(999700) == "1 M");
  CHECK(compact_number(4.72e6) == "4.72 M");
  CHECK(compact_number(-2.5e9) == "-2.5 G");
  CHECK(compact_number(1.5e12) == "1.5 T");
  CHECK(compact_number(2e15) == "2 P");
  CHECK(compact_number(1.05e18) == "1.05e+18");
  CHECK(compact_number(std::numeric_limits<double>::quiet_NaN()) == "-");
}

TEST_CASE("grouped numbers have their thousands apart") {
  CHECK(grouped_number(0) == "0");
  CHECK(grouped_number(3332848) == "3,332,848");
  CHECK(grouped_number(-3332848) == "-3,332,848");
  CHECK(grouped_number(12345) == "12,345");
  CHECK(grouped_number(123456) == "123,456");
  CHECK(grouped_number(0.09371) == "0.09371");
  CHECK(grouped_number(9999.4) == "9999");
  CHECK(grouped_number(1e-5) == "1.000e-05");
  CHECK(grouped_number(2.1e25) == "2.100e+25");
  CHECK(grouped_number(std::numeric_limits<double>::infinity()) == "-");
}
