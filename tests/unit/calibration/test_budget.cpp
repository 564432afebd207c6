// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "calibration/arguments.hpp"
#include "calibration/budget.hpp"

using namespace waferwatt::calibration;

TEST_CASE("the steady part takes what its states and points take") {
  // quick: 2 points of 2 s and 4 states of 2 s, each with 0.6 s before and 0.2 s to prepare; idle 1 + 2 s.
  CHECK(steady_work_s(Profile::quick) == Approx(2 * 2.8 + 4 * 2.8 + 3));
  // full: 8 points of 2 s; 9 states of 5 s, each with 1 s before; idle 1 + 5 s; 4 products of 1 s with 0.3 s before.
  CHECK(steady_work_s(Profile::full) == Approx(8 * 2.8 + 9 * 6.2 + 6 + 4 * 1.5));
  CHECK(collectives_s(Profile::full, 1) == 0);
  CHECK(collectives_s(Profile::full, 8) > 0);
}

TEST_CASE("power states have names of their own, and the quick ones are among the full ones") {
  std::set<std::string> full;
  for (const auto& state : power_cases(Profile::full)) CHECK(full.insert(state.name).second);
  for (const auto& state : power_cases(Profile::quick)) CHECK(full.contains(state.name));
  CHECK(std::ranges::count_if(power_cases(Profile::full), [](const auto& s) { return s.zeros; }) == 1);
}

TEST_CASE("the time of a point follows from its work") {
  // 8192^3 at half of 989 TFLOP/s and 2.4 TB/s: 2.223 + 0.168 + 0.005 ms; one copy exceeds four times the L2.
  // 2 batches of 5 to warm up, 10 samples, a batch while reasons are asked, 4 single ones, graph 2 ms, operands 1 ms.
  const std::vector<Point> one{gemm_point("bf16", 8192, 8192, 8192)};
  const double each = 2.396e-3, sample = each + 3e-5, batch = 5 * sample + 1.5e-4;
  const double quiet = 3 * batch + 10 * sample + 4 * each + 2e-3 + 1.0e-3;
  CHECK(pass_s(one, stop_limits(Profile::full, 1), kH200, Noise::quiet, true) == Approx(quiet).epsilon(0.01));
  // Noise is watched over 65 samples, and no longer than the cap.
  CHECK(pass_s(one, stop_limits(Profile::full, 1), kH200, Noise::usual, true) == Approx(quiet + 55 * sample).epsilon(0.01));
  CHECK(pass_s(one, stop_limits(Profile::full, 2), kH200, Noise::usual, true) == Approx(quiet - 10 * sample + 0.15).epsilon(0.01));
}

TEST_CASE("an H200 measures every point within the time that the profile promises") {
  struct Promise { Profile profile; double most_s; };
  for (const auto& [profile, most_s] : {Promise{Profile::quick, 120}, Promise{Profile::full, 480}}) {
    Arguments arguments;
    arguments.profile = profile;
    const auto points = sweep(profile);
    // Nothing starts after the deadline; the last point, a sentinel and the file follow.
    constexpr double kLast = 3, kBefore = 6;  // warm-up, checks and a sentinel come first
    CHECK(arguments.deadline_s() + kLast < most_s);
    const double until = arguments.deadline_s() - steady_work_s(profile) - kBefore;
    const double first = pass_s(points, stop_limits(profile, 1), kH200, Noise::usual, true);
    INFO("first pass " << first << " s of " << until << " s, noisy "
                       << pass_s(points, stop_limits(profile, 1), kH200, Noise::never, true) << " s, second pass "
                       << pass_s(points, stop_limits(profile, 2), kH200, Noise::quiet, false) << " to "
                       << pass_s(points, stop_limits(profile, 2), kH200, Noise::usual, false) << " s");
    CHECK(first < until);
    // On a card that never gets quiet two fifths of the points at least are measured, in random order, and the file says which are not.
    CHECK(pass_s(points, stop_limits(profile, 1), kH200, Noise::never, true) < 2.5 * until);
    // Both passes, if the noise is low.
    CHECK(pass_s(points, stop_limits(profile, 1), kH200, Noise::quiet, true) +
              pass_s(points, stop_limits(profile, 2), kH200, Noise::quiet, false) < until);
  }
}
