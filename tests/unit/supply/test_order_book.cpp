// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/order_book.hpp"

#include <catch2/catch.hpp>

#include "waferwatt/core/random.hpp"

using namespace waferwatt;
using namespace waferwatt::supply;

namespace {

const Date kFrom = Date::from_civil(2024, 1, 1);

Demand demand(std::size_t buyer, double a_week, double rank = 0, double weight = 1) {
  return {buyer, 0, Ramp<AcceleratorRate>::constant(a_week * accelerator / week), rank, weight, weight * 1e9 * usd, weight * 1e4 * usd};
}

}  // namespace

TEST_CASE("buyers keep on order what they lack and need over the lead time, without fear") {
  // 100 a week, lead 10 weeks: after the first week 100 are lacking and 1,000 needed ahead.
  OrderBook book({demand(0, 100)}, {.lead_time = 10 * week}, 1);
  book.review(kFrom, week);
  CHECK(book.open(0) == Approx(1100));
  CHECK(book.deliver(0, 300) == 0);
  book.review(kFrom + week, week);
  CHECK(book.open(0) == Approx(200 - 300 + 1000));
}

TEST_CASE("fear inflates orders while the wait is long, and what is too much is cancelled when it ends") {
  // Nothing comes: the wait is the longest there is, orders grow by the largest inflation. When plenty comes, they are cancelled.
  OrderBook book({demand(0, 100)}, {.lead_time = 10 * week, .double_ordering = 1, .largest_inflation = 0.5, .cancellation = 0.5}, 1);
  book.review(kFrom, week);
  CHECK(book.open(0) == Approx(1100));  // nobody waits yet
  book.review(kFrom + week, week);
  CHECK(book.open(0) == Approx(1200 * 1.5));
  CHECK(book.accounts()[0].wanted == Approx(1200));
  for (int w = 2; w < 60; ++w) {
    CHECK(book.deliver(0, 150) >= 0);
    book.review(kFrom + w * week, week);
  }
  const auto& account = book.accounts()[0];
  CHECK(account.cancelled > 100);
  CHECK(account.open < 1100);
  CHECK(account.balance_error() < 1e-12);
}

TEST_CASE("deliveries are shared by the policy, and what one does not want goes to the others") {
  const auto delivered = [](DeliveryPolicy policy, double n) {
    // Buyer 0 wants 100, buyer 1 wants 300. Buyer 1 ranks first; buyer 0 has three times the share, the prepayment and the bid.
    std::vector<Demand> demands = {demand(0, 100, 2, 3), demand(1, 300, 1, 1)};
    OrderBook book(std::move(demands), {.lead_time = 0 * week, .policy = policy}, 1);
    book.review(kFrom, week);
    const double left = book.deliver(0, n);
    return std::array{book.accounts()[0].delivered, book.accounts()[1].delivered, left};
  };
  CHECK(delivered(DeliveryPolicy::pro_rata, 200) == std::array{50.0, 150.0, 0.0});
  CHECK(delivered(DeliveryPolicy::priority, 200) == std::array{0.0, 200.0, 0.0});
  CHECK(delivered(DeliveryPolicy::auction, 200) == std::array{100.0, 100.0, 0.0});
  CHECK(delivered(DeliveryPolicy::agreement, 120)[0] == Approx(90));
  CHECK(delivered(DeliveryPolicy::prepayment, 200)[0] == Approx(100));  // 150 by weight, 100 wanted
  CHECK(delivered(DeliveryPolicy::prepayment, 200)[1] == Approx(100));
  CHECK(delivered(DeliveryPolicy::pro_rata, 1000)[2] == Approx(600));
}

TEST_CASE("whatever comes, every order placed is delivered, cancelled or open") {
  RandomStream random(7, "orders");
  for (const auto policy : {DeliveryPolicy::pro_rata, DeliveryPolicy::priority, DeliveryPolicy::agreement, DeliveryPolicy::prepayment, DeliveryPolicy::auction}) {
    std::vector<Demand> demands;
    for (std::size_t b = 0; b < 6; ++b) demands.push_back(demand(b, random.uniform(0, 500), static_cast<double>(random.below(3)), random.uniform()));
    OrderBook book(std::move(demands), {.lead_time = 20 * week, .double_ordering = 2, .largest_inflation = 3, .cancellation = 0.3, .policy = policy}, 1);
    double came = 0, left = 0;
    for (int w = 0; w < 150; ++w) {
      book.review(kFrom + w * week, week);
      const double n = random.below(4) == 0 ? 0 : random.uniform(0, 4000);
      came += n;
      left += book.deliver(0, n);
    }
    double delivered = 0;
    for (const auto& account : book.accounts()) {
      CHECK(account.balance_error() < 1e-9);
      CHECK(account.open >= 0);
      delivered += account.delivered;
    }
    CHECK(delivered + left == Approx(came));
  }
}
