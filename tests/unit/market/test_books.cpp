// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/market/books.hpp"

#include <catch2/catch.hpp>

#include "waferwatt/market/solvency.hpp"

using namespace waferwatt;
using namespace waferwatt::market;

TEST_CASE("whatever one pays another gets") {
  Books books({100 * usd, 0 * usd});
  books.pay(0, Outside::vendors, 30 * usd, Flow::accelerators);
  books.receive(1, Outside::customers, 50 * usd, Flow::token_sales);
  books.transfer(1, 0, 20 * usd, Flow::rent);
  CHECK(books.cash(0).in(usd) == Approx(90));
  CHECK(books.cash(1).in(usd) == Approx(30));
  CHECK(books.outside(Outside::vendors).in(usd) == Approx(30));
  CHECK(books.outside(Outside::customers).in(usd) == Approx(-50));
  CHECK(books.total(0, Flow::rent).in(usd) == Approx(20));
  CHECK(books.total(1, Flow::rent).in(usd) == Approx(-20));
  CHECK(books.imbalance() < 1e-12);
  for (std::size_t f = 0; f < kFlows; ++f) CHECK_FALSE(flow_name(static_cast<Flow>(f)).empty());
}

TEST_CASE("a fleet is written off in equal parts over its life") {
  BookValue value(4 * year);
  value.add(0, 400 * usd);
  value.add(365, 800 * usd);
  CHECK(value.depreciate(365).in(usd) == Approx(100));
  // 300 + 800; a year later 200 + 600; at five years nothing.
  CHECK(value.value().in(usd) == Approx(1100));
  CHECK(value.depreciate(730).in(usd) == Approx(300));
  BookValue other(4 * year);
  other.take_over(value);
  CHECK(value.value() == Money{});
  CHECK(other.value().in(usd) == Approx(800));
  CHECK(other.depreciate(5 * 365).in(usd) == Approx(800));
  CHECK(other.value() == Money{});
}

namespace {

/// Lacks 10: debt 100, fleet worth 200 on the books, income 5 a year before interest.
Standing failing() { return {.buyer = 0, .name = "cloud", .jurisdiction = "A", .debt = 100 * usd, .book_value = 200 * usd, .operating_income = 5 * usd / year, .partners = {1}}; }
Standing other(std::size_t b, double cash, std::string where = "A") { return {.buyer = b, .name = "other " + std::to_string(b), .jurisdiction = std::move(where), .cash = cash * usd}; }

}  // namespace

TEST_CASE("a partner with four times the gap rescues") {
  const auto end = resolve(failing(), 10 * usd, 0.1, {failing(), other(1, 41)});
  CHECK(end.resolution == Resolution::rescued);
  CHECK(end.by == 1);
  CHECK(end.amount.in(usd) == Approx(41.0 / 4));
  // A rich one pays for half a year.
  CHECK(resolve(failing(), 10 * usd, 0.1, {failing(), other(1, 1e6)}).amount.in(usd) == Approx(260));
}

TEST_CASE("who earns something goes on with the debt that it can carry") {
  // 5 a year carries 50 at 10 %; of 100 and 10 more lenders lose 60.
  const auto end = resolve(failing(), 10 * usd, 0.1, {failing(), other(1, 39)});
  CHECK(end.resolution == Resolution::restructured);
  CHECK(end.amount.in(usd) == Approx(60));
  CHECK_THAT(end.reason, Catch::Contains("cloud lacks"));
}

TEST_CASE("who earns nothing is taken over by the richest at home, else abroad, else by its lenders") {
  auto poor = failing();
  poor.operating_income = -1 * usd / year;
  const auto at_home = resolve(poor, 10 * usd, 0.1, {poor, other(1, 30), other(2, 35), other(3, 500, "B")});
  CHECK(at_home.resolution == Resolution::absorbed);
  CHECK(at_home.by == 2);
  // 0.4 of 200 would be 80; it pays half of its 35.
  CHECK(at_home.amount.in(usd) == Approx(17.5));
  const auto abroad = resolve(poor, 10 * usd, 0.1, {poor, other(3, 500, "B")});
  CHECK(abroad.by == 3);
  CHECK(abroad.amount.in(usd) == Approx(80));
  auto gone = other(3, 500);
  gone.is_going = false;
  CHECK(resolve(poor, 10 * usd, 0.1, {poor, gone}).resolution == Resolution::restructured);
}
