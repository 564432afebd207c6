// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/random.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <functional>
#include <vector>

namespace waferwatt::core {
namespace {

struct Moments {
  double mean, standard_deviation;
};

Moments moments(const std::function<double()>& draw, int n = 200000) {
  double sum = 0, squares = 0;
  for (int i = 0; i < n; ++i) {
    const double x = draw();
    sum += x;
    squares += x * x;
  }
  const double mean = sum / n;
  return {mean, std::sqrt(squares / n - mean * mean)};
}

}  // namespace

TEST_CASE("a stream depends on its seed and name only") {
  RandomStream a(7, "failures"), b(7, "failures"), other_name(7, "arrivals"), other_seed(8, "failures");
  const auto first = a.next();
  CHECK(first == b.next());
  CHECK(first != other_name.next());
  CHECK(first != other_seed.next());
}

TEST_CASE("a substream does not depend on how much its parent was used") {
  RandomStream fresh(1, "sites"), used(1, "sites");
  for (int i = 0; i < 10; ++i) used.next();
  CHECK(fresh.substream("site", 17).next() == used.substream("site", 17).next());
  CHECK(fresh.substream("site", 17).next() != fresh.substream("site", 18).next());
  CHECK(fresh.substream("site").next() != fresh.next());
}

TEST_CASE("the values of a stream are fixed for good") {
  // Whoever changes one of these changes every result that draws numbers.
  RandomStream random(1, "fixed");
  CHECK(random.next() == 0xC2F0C7F43C686B42ull);
  CHECK(random.next() == 0x3C53C32741A54D69ull);
  CHECK(random.substream("part", 2).next() == 0x3A085BED10ED12B7ull);
}

TEST_CASE("draws have the moments of their distributions") {
  // Standard error of a mean of 200,000 draws is sd / 447; four of them are allowed.
  RandomStream random(1, "moments");
  const auto check = [](Moments m, double mean, double sd) {
    CHECK(m.mean == Approx(mean).margin(4 * sd / 447));
    CHECK(m.standard_deviation == Approx(sd).epsilon(0.03));
  };
  check(moments([&] { return random.uniform(); }), 0.5, std::sqrt(1.0 / 12));
  check(moments([&] { return random.uniform(2, 6); }), 4, 4 * std::sqrt(1.0 / 12));
  check(moments([&] { return random.exponential(3); }), 3, 3);
  check(moments([&] { return random.normal(5, 2); }), 5, 2);
  check(moments([&] { return std::log(random.lognormal(10, 0.5)); }), std::log(10), 0.5);
  check(moments([&] { return random.gamma(4, 0.5); }), 2, 1);         // shape k, scale s: mean k s, sd s sqrt(k)
  check(moments([&] { return random.gamma(0.5, 2); }), 1, std::sqrt(2.0));
  // Triangular a, c, b: mean (a+b+c)/3, variance (a2+b2+c2-ab-ac-bc)/18.
  check(moments([&] { return random.triangular(0, 1, 5); }), 2, std::sqrt((25.0 + 1 - 5) / 18));
}

TEST_CASE("whole numbers below a bound are all drawn, equally often") {
  RandomStream random(3, "dice");
  std::vector<int> counts(6);
  for (int i = 0; i < 60000; ++i) ++counts[random.below(6)];
  for (const int count : counts) CHECK(count == Approx(10000).margin(400));  // sd 91
}

TEST_CASE("uniform draws stay inside their interval") {
  RandomStream random(4, "interval");
  for (int i = 0; i < 100000; ++i) {
    const double x = random.uniform();
    REQUIRE(x >= 0.0);
    REQUIRE(x < 1.0);
  }
  CHECK(random.triangular(2, 2, 2) == 2);
}

}  // namespace waferwatt::core
