// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/io/csv.hpp"

#include <catch2/catch.hpp>

#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>

namespace waferwatt::io {
namespace {

std::string csv(const Table& table) {
  std::ostringstream out;
  write_csv(out, table);
  return out.str();
}

}  // namespace

TEST_CASE("cells with separators, quotes and line ends are quoted as RFC 4180 says") {
  Table table("t", {{"name, unit", Table::Kind::text}, {"n", Table::Kind::integer}});
  table.add({std::string{"plain"}, std::int64_t{-1}});
  table.add({std::string{"a,b"}, std::int64_t{2}});
  table.add({std::string{"say \"x\""}, std::int64_t{3}});
  table.add({std::string{"two\nlines"}, std::int64_t{4}});
  CHECK(csv(table) == "\"name, unit\",n\nplain,-1\n\"a,b\",2\n\"say \"\"x\"\"\",3\n\"two\nlines\",4\n");
}

TEST_CASE("numbers are written in the shortest form, missing ones as empty cells") {
  Table table("t", {{"x", Table::Kind::number}});
  for (const double x : {0.1, 3.0, 1e300, -2.5e-7, std::numeric_limits<double>::quiet_NaN()}) table.add({x});
  CHECK(csv(table) == "x\n0.1\n3\n1e+300\n-2.5e-07\n\n");
}

TEST_CASE("written numbers read back to the same value") {
  std::mt19937_64 bits(1);
  Table table("t", {{"x", Table::Kind::number}});
  std::uniform_real_distribution<double> exponent(-300, 300);
  for (int i = 0; i < 200; ++i) table.add({std::pow(10.0, exponent(bits))});
  std::istringstream lines(csv(table));
  std::string line;
  std::getline(lines, line);
  for (const double x : table.numbers("x")) {
    std::getline(lines, line);
    double back = 0;
    std::from_chars(line.data(), line.data() + line.size(), back);
    CHECK(back == x);
  }
}

}  // namespace waferwatt::io
