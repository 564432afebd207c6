// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/failure.hpp"

#include <cmath>

#include <catch2/catch.hpp>

using namespace waferwatt;
using namespace waferwatt::training;

TEST_CASE("the observed failures are one in 50,700 accelerator-hours") {
  double rate = 0;
  for (const auto& kind : observed_failures()) rate += kind.per_accelerator_hour;
  CHECK(1 / rate == Approx(50676).epsilon(0.01));  // 16,384 x 54 x 24 / 419
}

TEST_CASE("shares of the wall time add up, and 16,384 H100 work more than nine tenths of it") {
  // 405B parameters of 14 bytes: 5.7 TB.
  const auto g = goodput({}, {}, 16384, 5.7 * tera * byte);
  CHECK(g.useful + g.checkpoint + g.lost + g.restart + g.spare == Approx(1));
  CHECK(g.mean_time_between_interruptions.in(hour) == Approx(3.09).epsilon(0.02));
  CHECK(g.useful > 0.90);  // Llama 3 report: more than 90 %
  CHECK(g.useful < 0.99);
}

TEST_CASE("the interval is that of Young and Daly") {
  Reliability one{.failures = {{"all", 1e-4, true}}};
  // 100 accelerators fail every 100 h; a synchronous write of 1 TB at 10 GB/s stops them for 100 s.
  const auto g = goodput(one, {.storage_bandwidth = 10 * giga * byte / second, .asynchronous = false}, 100, tera * byte);
  CHECK(g.stop.in(second) == Approx(100));
  CHECK(g.interval.in(second) == Approx(std::sqrt(2 * 100.0 * 360000) - 100));
  CHECK(g.checkpoint / g.useful == Approx(100 / g.interval.in(second)));
  // Any other interval is worse.
  for (const double hours : {0.5, 10.0}) {
    Checkpointing other{.storage_bandwidth = 10 * giga * byte / second, .asynchronous = false, .interval = hours * hour};
    CHECK(goodput(one, other, 100, tera * byte).useful < g.useful);
  }
}

TEST_CASE("more failures, fewer spares and slower storage cost time") {
  const DataSize state = 5 * tera * byte;
  const auto useful = [&](Reliability r, Checkpointing c, double n) { return goodput(r, c, n, state).useful; };
  CHECK(useful({}, {}, 32768) < useful({}, {}, 16384));
  Reliability few;
  few.n_spares = 0;
  CHECK(useful(few, {}, 16384) < useful({}, {}, 16384));
  CHECK(useful({}, {.storage_bandwidth = 20 * giga * byte / second, .asynchronous = false}, 16384) <
        useful({}, {.asynchronous = false}, 16384));
  CHECK(useful({.failures = {}}, {.interval = hour}, 16384) > 0.99);
}

TEST_CASE("a job without spares works between repairs") {
  // One failure in ten hours, ten hours of repair, nothing else: half of the time.
  const Reliability r{.failures = {{"accelerator", 1e-3, true}}, .detection = {}, .restart = {}, .n_spares = 0, .repair = 10 * hour};
  const auto g = goodput(r, {.storage_bandwidth = 1e18 * byte / second}, 100, giga * byte);
  CHECK(g.spare == Approx(0.5));
  CHECK(g.useful == Approx(0.5).epsilon(0.01));
  CHECK(g.useful + g.checkpoint + g.lost + g.restart + g.spare == Approx(1));
}

TEST_CASE("stragglers slow a run") {
  CHECK(straggler_slowdown(1, 0.01) == 1);
  CHECK(straggler_slowdown(16384, 0.01) == Approx(1.044).epsilon(0.001));
}
