// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/market/order_book.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "waferwatt/core/random.hpp"

using namespace waferwatt;
using namespace waferwatt::market;

namespace {

const Date kDay0 = Date::from_civil(2024, 1, 1);

Buyer buyer(std::string name, double usd_per_day, std::map<std::string, double> vendors = {{"v", 1.0}}) {
  return {std::move(name), Ramp<MoneyRate>::constant(usd_per_day * usd / day), std::move(vendors)};
}
Offer offer(std::string accelerator, double price, double mix = 1, std::string vendor = "v") {
  return {std::move(accelerator),
          std::move(vendor),
          Ramp<Money>::constant(price * usd),
          Ramp<double>::constant(mix),
          {},
          {}};
}
double sold_to(const std::vector<Sale>& sales, std::size_t b, std::size_t product = 0) {
  double n = 0;
  for (const auto& sale : sales)
    if (sale.buyer == b && sale.product == product) n += sale.n_accelerators;
  return n;
}

}  // namespace

TEST_CASE("budgets are granted by vendor and lapse beyond the patience") {
  // 20 USD a day, 60 % for a: 10 days give 120 and 80. Patience is 20 days: 240 and 160 at most.
  OrderBook book({buyer("x", 20, {{"a", 0.6}, {"b", 0.4}})}, {offer("chip", 10, 1, "a")}, 20 * day);
  book.grant(kDay0, 10 * day);
  CHECK(book.accounts()[0].granted.in(usd) == Approx(200));
  CHECK(book.accounts()[0].at_hand.at("a").in(usd) == Approx(120));
  CHECK(book.accounts()[0].at_hand.at("b").in(usd) == Approx(80));
  CHECK(book.accounts()[0].lapsed.in(usd) == 0);
  book.grant(kDay0 + 10 * day, 10 * day);
  book.grant(kDay0 + 20 * day, 10 * day);
  CHECK(book.accounts()[0].granted.in(usd) == Approx(600));
  CHECK(book.accounts()[0].total_at_hand().in(usd) == Approx(400));
  CHECK(book.accounts()[0].lapsed.in(usd) == Approx(200));
  CHECK(book.accounts()[0].balance_error() < 1e-12);
}

TEST_CASE("deliveries are sold in proportion to money, as far as it goes") {
  // 300 and 100 USD at hand, price 10: of 20 chips 15 and 5; then 150 and 50 are left and 100 chips come:
  // 20 are sold, 80 stay with the maker.
  OrderBook book({buyer("x", 30), buyer("y", 10)}, {offer("chip", 10)}, 1 * year);
  book.grant(kDay0, 10 * day);
  book.deliver(0, 20);
  const auto first = book.settle(kDay0);
  CHECK(sold_to(first, 0) == Approx(15));
  CHECK(sold_to(first, 1) == Approx(5));
  CHECK(first[0].price.in(usd) == Approx(10));
  CHECK(book.unsold()[0] == Approx(0).margin(1e-12));
  CHECK(book.accounts()[0].spent.in(usd) == Approx(150));
  CHECK(book.accounts()[1].at_hand.at("v").in(usd) == Approx(50));
  book.deliver(0, 100);
  const auto second = book.settle(kDay0);
  CHECK(sold_to(second, 0) + sold_to(second, 1) == Approx(20));
  CHECK(book.unsold()[0] == Approx(80));
  CHECK(book.accounts()[0].total_at_hand().in(usd) == Approx(0).margin(1e-9));
  CHECK(book.settle(kDay0).empty());
}

TEST_CASE("a chip is sold only to those it may be sold to") {
  auto export_model = offer("export", 10), home_model = offer("home", 10);
  export_model.only_to = {"y"};
  home_model.not_to = {"y"};
  OrderBook book({buyer("x", 100), buyer("y", 100), buyer("z", 100, {{"other", 1.0}})}, {export_model, home_model},
                 1 * year);
  book.grant(kDay0, 10 * day);
  book.deliver(0, 10);
  book.deliver(1, 10);
  const auto sales = book.settle(kDay0);
  CHECK(sold_to(sales, 1, 0) == Approx(10));
  CHECK(sold_to(sales, 0, 1) == Approx(10));
  // z keeps no money for this vendor.
  for (const auto& sale : sales) CHECK(sale.buyer != 2);
  CHECK(book.open_orders(0, kDay0, 0 * day) == Approx(900 / 10.0));
}

TEST_CASE("a buyer that holds neither orders nor buys and its money is counted as held") {
  OrderBook book({buyer("x", 30), buyer("y", 10)}, {offer("chip", 10)}, 1 * year);
  CHECK(book.held_fraction(0) == 0);
  book.grant(kDay0, 10 * day);
  CHECK(book.open_orders(0, kDay0, 0 * day) == Approx(40));
  book.hold(0, 1);
  CHECK(book.held_fraction(0) == Approx(0.75));
  CHECK(book.open_orders(0, kDay0, 0 * day) == Approx(10));
  book.deliver(0, 100);
  const auto sales = book.settle(kDay0);
  CHECK(sold_to(sales, 0) == 0);
  CHECK(sold_to(sales, 1) == Approx(10));
  CHECK(book.held_fraction(0) == Approx(1));
  book.hold(0, 0);
  CHECK(sold_to(book.settle(kDay0), 0) == Approx(30));
}

TEST_CASE("a buyer that holds back a part of its money orders and buys with the rest") {
  // 300 and 100 USD at hand, price 10; two thirds of the 300 are held back: 10 and 10 are ordered and bought.
  OrderBook book({buyer("x", 30), buyer("y", 10)}, {offer("chip", 10)}, 1 * year);
  book.grant(kDay0, 10 * day);
  book.hold(0, 2.0 / 3);
  CHECK(book.held_fraction(0) == Approx(0.5));
  CHECK(book.open_orders(0, kDay0, 0 * day) == Approx(20));
  book.deliver(0, 100);
  const auto sales = book.settle(kDay0);
  CHECK(sold_to(sales, 0) == Approx(10));
  CHECK(sold_to(sales, 1) == Approx(10));
}

TEST_CASE("orders spread money over a vendor's products by mix and price") {
  // 1,000 USD at hand; mix 3:1 at 10 and 20 USD: 3 x 10 + 1 x 20 = 50 USD buy four chips, so 60 and 20.
  OrderBook book({buyer("x", 100)},
                 {offer("a", 10, 3), offer("b", 20, 1), offer("none", 10, 0), offer("foreign", 10, 1, "w")}, 1 * year);
  book.grant(kDay0, 10 * day);
  CHECK(book.open_orders(0, kDay0, 0 * day) == Approx(60));
  CHECK(book.open_orders(1, kDay0, 0 * day) == Approx(20));
  CHECK(book.open_orders(2, kDay0, 0 * day) == 0);
  CHECK(book.open_orders(3, kDay0, 0 * day) == 0);
  // Five days ahead add 500 USD: half as much again. What is in stock is taken off.
  CHECK(book.open_orders(0, kDay0, 5 * day) == Approx(90));
  book.deliver(0, 50);
  CHECK(book.open_orders(0, kDay0, 5 * day) == Approx(40));
  book.deliver(0, 1000);
  CHECK(book.open_orders(0, kDay0, 5 * day) == 0);
}

TEST_CASE("money is granted, spent, lapsed or at hand and chips are sold or in stock, whatever happens") {
  const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 31)));
  CAPTURE(seed);
  RandomStream random(seed, "order book");
  std::vector<Buyer> buyers;
  for (const char* name : {"x", "y", "z"}) {
    const double share = random.uniform();
    buyers.push_back({name,
                      Ramp<MoneyRate>({{kDay0, random.uniform(0, 1e6) * usd / day},
                                       {kDay0 + 300 * day, random.uniform(0, 1e6) * usd / day}}),
                      {{"v", share}, {"w", 1 - share}}});
  }
  std::vector<Offer> offers;
  for (int p = 0; p < 4; ++p)
    offers.push_back(
        offer("chip" + std::to_string(p), random.uniform(100, 30000), random.uniform(), p < 2 ? "v" : "w"));
  offers[1].only_to = {"y"};
  offers[2].not_to = {"z"};
  OrderBook book(buyers, offers, random.uniform(1, 400) * day);
  std::vector<double> delivered(4, 0.0), sold(4, 0.0);
  Money paid;
  for (int week = 0; week < 100; ++week) {
    const Date date = kDay0 + week * core::week;
    book.grant(date, core::week);
    book.hold(random.below(3), 0.5 * static_cast<double>(random.below(3)));
    const std::size_t p = random.below(4);
    const double n = random.uniform(0, 500);
    book.deliver(p, n);
    delivered[p] += n;
    for (const auto& sale : book.settle(date)) {
      REQUIRE(book.held(sale.buyer) < 1);
      REQUIRE_FALSE((sale.product == 1 && sale.buyer != 1));
      REQUIRE_FALSE((sale.product == 2 && sale.buyer == 2));
      sold[sale.product] += sale.n_accelerators;
      paid += sale.n_accelerators * sale.price;
    }
    Money spent;
    for (const auto& account : book.accounts()) {
      REQUIRE(account.balance_error() < 1e-9);
      for (const auto& [vendor, money] : account.at_hand) REQUIRE(money >= Money{});
      spent += account.spent;
    }
    REQUIRE(paid.in(usd) == Approx(spent.in(usd)));
    for (std::size_t q = 0; q < 4; ++q) {
      REQUIRE(book.unsold()[q] >= -1e-9);
      REQUIRE(sold[q] + book.unsold()[q] == Approx(delivered[q]).margin(1e-6));
      REQUIRE(book.held_fraction(q) >= 0);
      REQUIRE(book.held_fraction(q) <= 1);
      REQUIRE(book.open_orders(q, date, 100 * day) >= 0);
    }
  }
}

TEST_CASE("when a budget ends its money lapses only after the patience") {
  // 10 USD a day for 100 days, then nothing; patience 50 days. At day 100 there are 500 USD, and each ten days
  // later the oldest 100 of them lapse.
  Buyer ends{"x", Ramp<MoneyRate>({{kDay0, 10 * usd / day}, {kDay0 + 100 * day, 10 * usd / day}, {kDay0 + 100.001 * day, 0 * usd / day}}), {{"v", 1.0}}};
  OrderBook book({ends}, {offer("chip", 10)}, 50 * day);
  const double expected[] = {100, 200, 300, 400, 500, 500, 500, 500, 500, 500, 400, 300, 200, 100, 0, 0};
  for (int i = 0; i < 16; ++i) {
    CAPTURE(i);
    book.grant(kDay0 + i * 10 * day, 10 * day);
    REQUIRE(book.accounts()[0].total_at_hand().in(usd) == Approx(expected[i]).margin(0.1));
  }
  CHECK(book.accounts()[0].lapsed.in(usd) == Approx(1000).margin(0.1));
  CHECK(book.accounts()[0].balance_error() < 1e-12);
}

TEST_CASE("an account that is not a number is infinitely wrong") {
  const auto nan = std::numeric_limits<double>::quiet_NaN() * usd;
  Account account;
  CHECK(account.balance_error() == 0);
  account.spent = nan;
  CHECK(std::isinf(account.balance_error()));
  account = {.granted = nan};
  CHECK(std::isinf(account.balance_error()));
}

TEST_CASE("who paid ahead is served first, and nothing is paid twice") {
  // Both have 300 USD at hand; x pays half of its orders ahead. 20 of 60 wanted chips come.
  auto x = buyer("x", 30), y = buyer("y", 30);
  x.prepayment = 0.5;
  x.order_ahead = 0 * day;
  OrderBook book({x, y}, {offer("chip", 10)}, 1 * year);
  book.grant(kDay0, 10 * day);
  const auto ahead = book.prepay(kDay0);
  CHECK(ahead[0].in(usd) == Approx(150));
  CHECK(ahead[1].in(usd) == 0);
  CHECK(book.prepay(kDay0)[0].in(usd) == Approx(0).margin(1e-9));
  book.deliver(0, 20);
  const auto sales = book.settle(kDay0);
  CHECK(sold_to(sales, 0) == Approx(20));
  CHECK(sold_to(sales, 1) == 0);
  double paid = 0, prepaid = 0;
  for (const auto& sale : sales) paid += sale.paid.in(usd), prepaid += sale.prepaid.in(usd);
  CHECK(paid == Approx(100));
  CHECK(prepaid == Approx(100));
  for (const auto& account : book.accounts()) CHECK(account.balance_error() < 1e-12);
}

TEST_CASE("money that a quota leaves is ordered of the vendor's other products") {
  // 1,000 USD, three products of one mix at 10 USD: 333 each. Four units of b take 40 USD; a and c share 960: 48 each.
  OrderBook book({buyer("x", 100)}, {offer("a", 10), offer("b", 10), offer("c", 10)}, 1 * year);
  book.grant(kDay0, 10 * day);
  book.set_access(0, 1, {.units_left = 4});
  CHECK(book.open_orders(0, kDay0, 0 * day) == Approx(48));
  CHECK(book.open_orders(1, kDay0, 0 * day) == Approx(4));
  CHECK(book.open_orders(2, kDay0, 0 * day) == Approx(48));
  // At twice the price four units take 80 USD. A quota that does not bind changes nothing.
  book.set_access(0, 1, {.price_factor = 2, .units_left = 4});
  CHECK(book.open_orders(0, kDay0, 0 * day) == Approx(46));
  book.set_access(0, 1, {.units_left = 1000});
  CHECK(book.open_orders(0, kDay0, 0 * day) == Approx(100.0 / 3));
}

TEST_CASE("a closed way lets nothing through, a leak its part, at its price, and a quota its units") {
  OrderBook book({buyer("x", 10)}, {offer("chip", 10)}, 1 * year);
  book.grant(kDay0, 10 * day);
  book.deliver(0, 100);
  book.set_access(0, 0, {.is_open = false, .reach = 0});
  CHECK(book.settle(kDay0).empty());
  CHECK(book.open_orders(0, kDay0, 0 * day) == 0);
  // A fifth of 100 USD finds a way at twice the price: one chip.
  book.set_access(0, 0, {.is_open = false, .reach = 0.2, .price_factor = 2});
  const auto leaked = book.settle(kDay0);
  CHECK(sold_to(leaked, 0) == Approx(1));
  CHECK(leaked[0].price.in(usd) == Approx(10));
  CHECK(leaked[0].paid.in(usd) == Approx(20));
  book.set_access(0, 0, {.units_left = 3});
  CHECK(sold_to(book.settle(kDay0), 0) == Approx(3));
  CHECK(book.settle(kDay0).empty());
  CHECK(book.accounts()[0].balance_error() < 1e-12);
}

TEST_CASE("a way that opens week by week is ordered for the time ahead") {
  // 100 USD at hand and 10 a day for three weeks are 31 chips; one may be had now and one in each week.
  OrderBook book({buyer("x", 10)}, {offer("chip", 10)}, 1 * year);
  book.grant(kDay0, 10 * day);
  CHECK(book.open_orders(0, kDay0, 21 * day) == Approx(31));
  book.set_access(0, 0, {.units_left = 1, .units_a_week = 1});
  CHECK(book.open_orders(0, kDay0, 21 * day) == Approx(4));
  book.deliver(0, 100);
  CHECK(sold_to(book.settle(kDay0), 0) == Approx(1));
}

TEST_CASE("budgets are granted as far as there is money") {
  OrderBook book({buyer("x", 10)}, {offer("chip", 10)}, 1 * year);
  book.grant(kDay0, 10 * day, {60 * usd});
  CHECK(book.accounts()[0].granted.in(usd) == Approx(60));
  book.grant(kDay0, 10 * day, {60 * usd});
  CHECK(book.accounts()[0].granted.in(usd) == Approx(60));
}

TEST_CASE("what a closed buyer had paid ahead serves its successor") {
  auto x = buyer("x", 10);
  x.prepayment = 0.5;
  x.order_ahead = 0 * day;
  OrderBook book({x, buyer("y", 0)}, {offer("chip", 10)}, 1 * year);
  book.grant(kDay0, 10 * day);
  book.prepay(kDay0);
  book.close(0, 1);
  book.deliver(0, 100);
  const auto sales = book.settle(kDay0);
  CHECK(sold_to(sales, 0) == 0);
  CHECK(sold_to(sales, 1) == Approx(5));
  for (const auto& account : book.accounts()) CHECK(account.balance_error() < 1e-12);
}

TEST_CASE("accelerators in stock go where the caller's own rule says, as far as money reaches") {
  // 300 and 100 USD, price 10: wants of 30 and 10. A rule that gives all to the second sells 10 of 20, and 10 stay.
  OrderBook book({buyer("x", 30), buyer("y", 10)}, {offer("chip", 10)}, 1 * year, [](const supply::AllocationCase& question) {
    CHECK(question.of == "chip");
    CHECK(question.supply == Approx(20));
    REQUIRE(question.orders.size() == 2);
    CHECK(question.orders[0].wanted == Approx(30));
    CHECK(question.orders[1].who == "y");
    return std::vector{0.0, 1.0};
  });
  book.grant(kDay0, 10 * day);
  book.deliver(0, 20);
  const auto sales = book.settle(kDay0);
  CHECK(sold_to(sales, 0) == 0);
  CHECK(sold_to(sales, 1) == Approx(10));
  CHECK(book.unsold()[0] == Approx(10));
  for (const auto& account : book.accounts()) CHECK(account.balance_error() < 1e-12);
}
