// SPDX-License-Identifier: Apache-2.0
// Failures as events against the closed form.
#include "waferwatt/training/failure_run.hpp"

#include <catch2/catch.hpp>

using namespace waferwatt;
using namespace waferwatt::training;

namespace {

constexpr double kAccelerators = 1000;

/// One failure a day of the job, without need of a spare.
Reliability one_a_day() {
  Reliability r{.failures = {{"software", 1 / (24 * kAccelerators), false}}, .detection = 5 * minute, .restart = 10 * minute};
  return r;
}

double mean_useful(const Reliability& reliability, const Checkpointing& saving) {
  double sum = 0;
  constexpr int kRuns = 20;
  for (int i = 0; i < kRuns; ++i)
    sum += failure_run(reliability, saving, kAccelerators, 1e13 * byte, 100 * day, RandomStream(static_cast<std::uint64_t>(i), "run")).useful();
  return sum / kRuns;
}

}  // namespace

TEST_CASE("without failures only checkpoints cost") {
  const Checkpointing saving{.storage_bandwidth = 100 * giga * byte / second, .asynchronous = false, .interval = 1 * hour};
  const auto run = failure_run({.failures = {}}, saving, kAccelerators, 1e13 * byte, 10 * hour, RandomStream(1, "run"));
  // Nine checkpoints of 100 s between ten hours of work.
  CHECK(run.wall.in(second) == Approx(36000 + 9 * 100));
  CHECK(run.n_interruptions == 0);
  CHECK(run.useful() == Approx(36000.0 / 36900));
}

TEST_CASE("parts add up to the wall time") {
  const Checkpointing saving{.storage_bandwidth = 100 * giga * byte / second, .asynchronous = false};
  const auto run = failure_run(one_a_day(), saving, kAccelerators, 1e13 * byte, 50 * day, RandomStream(3, "run"));
  CHECK(run.n_interruptions > 20);
  CHECK((run.wall - run.checkpoint - run.lost - run.restart - run.spare).in(day) == Approx(50).epsilon(1e-6));
}

TEST_CASE("the closed form is the mean of runs") {
  for (const bool asynchronous : {false, true})
    for (const Time interval : {Time{}, 4 * hour}) {
      const Checkpointing saving{.storage_bandwidth = 100 * giga * byte / second, .asynchronous = asynchronous, .interval = interval};
      const auto expected = goodput(one_a_day(), saving, kAccelerators, 1e13 * byte).useful;
      CHECK(mean_useful(one_a_day(), saving) == Approx(expected).epsilon(0.01));
    }
}

TEST_CASE("without spares each failure of a part waits for its repair") {
  Reliability r = one_a_day();
  r.failures[0].needs_spare = true, r.n_spares = 0, r.repair = 6 * hour;
  const Checkpointing saving{.storage_bandwidth = 100 * giga * byte / second};
  const double none = mean_useful(r, saving);
  CHECK(none == Approx(goodput(r, saving, kAccelerators, 1e13 * byte).useful).epsilon(0.01));
  r.n_spares = 4;
  CHECK(none < mean_useful(r, saving) - 0.1);
}
