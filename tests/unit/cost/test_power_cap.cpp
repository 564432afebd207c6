// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/power_cap.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <sstream>

using namespace waferwatt;
using core::capped;
using core::Draw;

TEST_CASE("above the voltage floor power falls with the cube of the clock, below with the clock") {
  const Draw draw{.idle = 100 * watt, .core = 600 * watt};
  // 600 f^3 = 432.6 W at f = 0.8967; 600 * 0.82^2 f = 201.7 W at f = 0.5.
  CHECK(capped(draw, 532.6 * watt).clock == Approx(0.8967).epsilon(1e-3));
  CHECK(capped(draw, 532.6 * watt).slowdown == Approx(1 / 0.8967).epsilon(1e-3));
  CHECK(capped(draw, 301.72 * watt).clock == Approx(0.5).epsilon(1e-3));
  CHECK(capped(draw, 301.72 * watt).power.in(watt) == Approx(301.72).epsilon(1e-6));
}

TEST_CASE("work that waits for memory is slowed less, and none at all that does not follow the clock") {
  Draw draw{.idle = 80 * watt, .core = 300 * watt, .memory = 250 * watt};
  double last = 1e9;
  for (const double share : {1.0, 0.5, 0.2}) {
    draw.clock_share = share;
    const double slowdown = capped(draw, 520 * watt).slowdown;
    CHECK(slowdown < last);
    last = slowdown;
  }
  draw.clock_share = 0;
  CHECK(capped(draw, 550 * watt).slowdown == 1);
  CHECK(capped(draw, 550 * watt).power.in(watt) == Approx(550).epsilon(1e-6));
}

TEST_CASE("a cap above the draw changes nothing, one below the least is said by the power") {
  const Draw draw{.idle = 100 * watt, .core = 500 * watt};
  CHECK(capped(draw, 700 * watt).slowdown == 1);
  CHECK(capped(draw, 700 * watt).power == 600 * watt);
  CHECK(capped(draw, 101 * watt).power > 101 * watt);
  CHECK_THROWS_WITH(capped(draw, 0 * watt), Catch::Contains("a power cap must be above 0"));
}

TEST_CASE("slowdown never falls and power never rises when the cap is lowered") {
  const Draw draw{.idle = 84 * watt, .core = 450 * watt, .memory = 150 * watt, .clock_share = 0.7};
  double slowdown = 1;
  Power power = 1e9 * watt;
  for (double cap = 700; cap > 180; cap -= 10) {
    const auto c = capped(draw, cap * watt);
    CHECK(c.slowdown >= slowdown);
    CHECK(c.power <= power);
    CHECK(c.power.in(watt) <= std::min(cap, 684.0) * (1 + 1e-9));
    slowdown = c.slowdown, power = c.power;
  }
}

TEST_CASE("a GEMM is slowed by a cap, a decode step much less") {
  const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  const cost::OperatorModel h200(catalog.accelerators.at("nvidia-h200-sxm"), catalog);
  const auto gemm = cost::draw_of(h200, h200.estimate(cost::Gemm{8192, 8192, 8192}));
  const auto decode = cost::draw_of(h200, h200.estimate(cost::Gemm{16, 16384, 16384}));
  CHECK(gemm.total().in(watt) == Approx(700).epsilon(0.02));
  CHECK(gemm.clock_share > 0.8);
  CHECK(decode.clock_share < 0.3);
  CHECK(capped(gemm, 500 * watt).slowdown > 1.1);
  CHECK(capped(decode, 500 * watt).slowdown < 1.1);
}

TEST_CASE("the curve against training under caps on V100 and A40, and on P100, which it was not fitted to") {
  // Median slowdown of each network's largest batch, from Zeus; the uncapped draw is the measured mean.
  for (const auto& [gpu, idle] : {std::pair{"v100", 36.0}, std::pair{"p100", 30.0}, std::pair{"a40", 60.0}}) {
    const std::string path = std::string{WAFERWATT_SHARED_DIR "/data/power/gpu-power-limit/summary_power_"} + gpu + ".csv";
    std::ifstream in(path);
    if (!in) {
      WARN("no " << path << ": skipped");
      return;
    }
    std::vector<double> errors;
    struct Point { double time, watts; };
    std::map<std::string, std::map<double, Point>> runs;  // by network, batch and optimizer; then by cap
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) {
      std::stringstream cells(line);
      std::string dataset, network, batch, optimizer, cap, time, watts;
      for (auto* cell : {&dataset, &network, &batch, &optimizer, &cap, &time, &watts}) std::getline(cells, *cell, ',');
      if (!time.empty() && !watts.empty()) runs[network + "/" + batch + "/" + optimizer][std::stod(cap)] = {std::stod(time), std::stod(watts)};
    }
    for (const auto& [name, caps] : runs) {
      const auto& [most, free] = *caps.rbegin();
      if (free.watts < 0.6 * most) continue;  // a load that hardly meets a cap
      const Draw draw{.idle = idle * watt, .core = (free.watts - idle) * watt};
      for (const auto& [cap, point] : caps)
        if (cap < most && cap >= 0.5 * most) errors.push_back(std::abs(capped(draw, cap * watt).slowdown / (point.time / free.time) - 1));
    }
    std::ranges::sort(errors);
    const double median = errors[errors.size() / 2], p90 = errors[errors.size() * 9 / 10];
    WARN(gpu << ", caps from half the limit on: " << errors.size() << " runs, slowdown median " << 100 * median << " % p90 " << 100 * p90 << " %");
    CHECK(errors.size() > 50);
    CHECK(median < 0.05);
  }
}
