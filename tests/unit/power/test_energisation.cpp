// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/power/energisation.hpp"

#include <catch2/catch.hpp>

#include "waferwatt/core/random.hpp"

using namespace waferwatt;
using namespace waferwatt::power;

namespace {

const Date kDay0 = Date::from_civil(2024, 1, 1);
// At a PUE of 1.25: 1,250 W and 2,500 W of facility power.
const std::vector<AcceleratorLoad> kLoads = {{1000 * watt, 0.8}, {2000 * watt, 0.5}};

}  // namespace

TEST_CASE("facility power is nameplate or mean IT power times PUE") {
  const AcceleratorLoad load{1000 * watt, 0.8};
  CHECK(load.facility_nameplate(1.25).in(watt) == Approx(1250));
  CHECK(load.facility_mean(1.25).in(watt) == Approx(1000));
}

TEST_CASE("the product that computes most for its watts is switched on first") {
  // 10 kW: four of the second product (2.5 kW each, better); nothing is left for the first.
  EnergisationQueue queue({1.0, 3.0}, 1.25);
  queue.deliver(0, 10, kDay0);
  queue.deliver(1, 4, kDay0);
  queue.energise(10 * kilo * watt, kLoads);
  CHECK(queue.energised() == std::vector<double>{0, 4});
  CHECK(queue.waiting() == std::vector<double>{10, 0});
  // 15 kW: 5 kW more, four of the first.
  queue.energise(15 * kilo * watt, kLoads);
  CHECK(queue.energised()[0] == Approx(4));
  CHECK(queue.waiting()[0] == Approx(6));
  CHECK(queue.power_in_use(kLoads).in(kilo * watt) == Approx(15));
  CHECK(queue.pue() == 1.25);
}

TEST_CASE("equal products are switched on in the order in which they are named") {
  EnergisationQueue queue({1.0, 1.0}, 1.0);
  queue.deliver(1, 5, kDay0);
  queue.deliver(0, 5, kDay0);
  queue.energise(6 * kilo * watt, {{1000 * watt, 1}, {1000 * watt, 1}});
  CHECK(queue.energised() == std::vector<double>{5, 1});
}

TEST_CASE("without power everything waits, with ample power nothing does") {
  EnergisationQueue queue({1.0, 1.0}, 1.25);
  queue.deliver(0, 7, kDay0);
  queue.energise(0 * watt, kLoads);
  CHECK(queue.energised()[0] == 0);
  CHECK(queue.waiting()[0] == 7);
  CHECK(queue.power_in_use(kLoads) == 0 * watt);
  queue.energise(1 * giga * watt, kLoads);
  CHECK(queue.energised()[0] == 7);
  CHECK(queue.waiting()[0] == 0);
}

TEST_CASE("where power is taken away nothing is switched off and the overdraft is worked off") {
  EnergisationQueue queue({1.0, 1.0}, 1.25);
  queue.place_energised(0, 8, kDay0 - 5 * year);  // 10 kW
  queue.deliver(1, 4, kDay0);
  queue.energise(6 * kilo * watt, kLoads);
  CHECK(queue.energised() == std::vector<double>{8, 0});
  // They retire: 6 kW are free, 2.4 of the second product.
  queue.retire(kDay0 + 1 * year, 6 * year);
  queue.energise(6 * kilo * watt, kLoads);
  CHECK(queue.energised()[0] == 0);
  CHECK(queue.energised()[1] == Approx(2.4));
}

TEST_CASE("accelerators retire at their service life, oldest first") {
  EnergisationQueue queue({1.0, 1.0}, 1.25);
  queue.deliver(0, 3, kDay0);
  queue.deliver(0, 5, kDay0 + 100 * day);
  queue.place_energised(0, 2, kDay0 - 100 * day);
  queue.energise(5 * 1250 * watt, kLoads);  // the two, and three more
  CHECK(queue.energised()[0] == Approx(5));
  CHECK(queue.retire(kDay0 + 899 * day, 1000 * day) == std::vector<double>{0, 0});
  CHECK(queue.retire(kDay0 + 900 * day, 1000 * day) == std::vector<double>{2, 0});
  CHECK(queue.energised()[0] == Approx(3));
  CHECK(queue.waiting()[0] == Approx(5));
  // The batch of three has run since it came; the five still wait.
  CHECK(queue.retire(kDay0 + 1000 * day, 1000 * day) == std::vector<double>{3, 0});
  CHECK(queue.energised()[0] == Approx(0).margin(1e-12));
  CHECK(queue.waiting()[0] == Approx(5));
  // Chips that never ran retire too.
  CHECK(queue.retire(kDay0 + 2000 * day, 1000 * day) == std::vector<double>{5, 0});
  CHECK(queue.waiting()[0] == Approx(0).margin(1e-12));
}

TEST_CASE("delivered accelerators are energised, waiting or retired, and power is never overdrawn by switching on") {
  const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 31)));
  CAPTURE(seed);
  RandomStream random(seed, "energisation");
  const double pue = random.uniform(1, 2);
  EnergisationQueue queue({random.uniform(), random.uniform(), random.uniform()}, pue);
  std::vector<AcceleratorLoad> loads;
  for (int p = 0; p < 3; ++p) loads.push_back({random.uniform(100, 3000) * watt, random.uniform()});
  std::vector<double> delivered(3, 0.0), retired(3, 0.0);
  for (int week = 0; week < 300; ++week) {
    const Date date = kDay0 + week * core::week;
    const std::size_t product = random.below(3);
    const double n = random.uniform(0, 100);
    queue.deliver(product, n, date);
    delivered[product] += n;
    const auto out = queue.retire(date, 2 * year);
    for (std::size_t p = 0; p < 3; ++p) retired[p] += out[p];
    const Power available = random.uniform(0, 5e6) * watt, before = queue.power_in_use(loads);
    queue.energise(available, loads);
    REQUIRE(queue.power_in_use(loads) <= std::max(available, before) * (1 + 1e-9));
    REQUIRE(queue.power_in_use(loads) >= before * (1 - 1e-9));
    for (std::size_t p = 0; p < 3; ++p) {
      REQUIRE(queue.energised()[p] >= -1e-9);
      REQUIRE(queue.waiting()[p] >= -1e-9);
      REQUIRE(queue.energised()[p] + queue.waiting()[p] + retired[p] == Approx(delivered[p]).margin(1e-6));
    }
  }
}
