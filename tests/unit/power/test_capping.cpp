// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "waferwatt/power/capping.hpp"
#include "waferwatt/power/swing.hpp"

using namespace waferwatt;
using namespace waferwatt::power;

TEST_CASE("speed under a cap by hand") {
  // 0.2 of the power is static. Down to 0.82 power falls with the cube: 0.2 + 0.8 x 0.9^3 = 0.7832. Below with the clock alone:
  // 0.2 + 0.8 x 0.82^2 x 0.5 = 0.46896.
  CHECK(capped_speed(0.7832, 0.2, 1) == Approx(0.9).epsilon(1e-6));
  CHECK(capped_speed(0.46896, 0.2, 1) == Approx(0.5).epsilon(1e-6));
  CHECK(capped_speed(0.6, 0.2, 0.0) == 1);  // work that waits for memory
  CHECK(capped_speed(1.2, 0.2, 1) == 1);
  CHECK(capped_speed(0.0, 0.2, 1) == Approx(0.15));  // the least clock
  double before = 0;
  for (double cap = 0.2; cap <= 1.1; cap += 0.01) {
    const double speed = capped_speed(cap, 0.2, 0.8);
    CHECK(speed >= before);
    before = speed;
  }
}

TEST_CASE("a cap is shared by policy, and exactly") {
  const std::vector<CappedLoad> loads{{100 * watt, 40 * watt, 1, false}, {200 * watt, 80 * watt, 5, false}, {100 * watt, 40 * watt, 0, true}};
  const auto watts = [&](CapPolicy policy, double available) {
    std::vector<double> result;
    for (const Power p : share_power(policy, available * watt, loads)) result.push_back(p.in(watt));
    return result;
  };
  CHECK(watts(CapPolicy::uniform, 400) == std::vector<double>{100, 200, 100});
  CHECK(watts(CapPolicy::uniform, 280) == std::vector<double>{70, 140, 70});  // half of what is above the floors
  CHECK(watts(CapPolicy::priority, 280) == std::vector<double>{40, 200, 40});
  CHECK(watts(CapPolicy::inference_first, 280) == std::vector<double>{60, 120, 100});
  CHECK(watts(CapPolicy::uniform, 100) == std::vector<double>{40, 80, 40});  // floors do not fit: the caller sheds
}

TEST_CASE("a swing is smoothed as an iteration simulated in small steps says") {
  const Swing swing{100 * mega * watt, 40 * mega * watt, 3 * second, 1 * second};
  const Smoothing store{.store_power = 12 * mega * watt, .store_energy = 20 * mega * joule, .efficiency = 0.9, .floor = 50 * mega * watt};
  const auto s = smooth(swing, store);
  // b = min(12, 20 / 3, 0.9 x 12 / 3, (100 - 50) / (1 + 3 / 0.9)) = 3.6 MW.
  CHECK(s.store_use.in(mega * watt) == Approx(3.6));
  CHECK(s.high.in(mega * watt) == Approx(96.4));
  CHECK(s.low.in(mega * watt) == Approx(50 + 3.6 * 3 / 0.9));
  Energy content = store.store_energy, meter;
  constexpr int kSteps = 4000;
  for (int i = 0; i < kSteps; ++i) {
    const Time step = 4 * second / kSteps;
    const bool high = i < kSteps * 3 / 4;
    const Power load = high ? 100 * mega * watt : 50 * mega * watt, grid = high ? s.high : s.low;
    content += high ? (grid - load) * step : 0.9 * (grid - load) * step;
    meter += grid * step;
    CHECK(content >= 0 * joule);
    CHECK(content <= store.store_energy * (1 + 1e-9));
  }
  CHECK(content / store.store_energy == Approx(1));  // as full as before: it can go on for ever
  CHECK(meter / (4 * second) / s.mean == Approx(1));
  const auto flat = smooth({swing.high, swing.low, swing.high_time, swing.low_time}, flat_store(swing));
  CHECK(flat.amplitude().in(watt) == Approx(0).margin(1e-3));
  CHECK(flat.mean > flat.raw_mean);  // losses
}

TEST_CASE("a load under a ramp limit pays half a ramp") {
  const auto cost = ramp_cost(100 * mega * watt, 10 * mega * watt / minute);
  CHECK(cost.duration.in(minute) == Approx(10));
  CHECK(cost.energy.in(mega * watt * hour) == Approx(100.0 / 2 / 6));
}
