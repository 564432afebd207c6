// SPDX-License-Identifier: Apache-2.0
#include "calibration/statistics.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "calibration/stop_rule.hpp"
#include "waferwatt/core/random.hpp"

using namespace waferwatt::calibration;

TEST_CASE("quantiles interpolate between order statistics") {
  CHECK(median({3, 1, 2}) == 2);
  CHECK(median({4, 1, 2, 3}) == 2.5);
  // 0.1 of the way along 0 ... 10 in steps of 1.
  CHECK(quantile({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0.1) == Approx(1));
  CHECK(quantile({5}, 0.9) == 5);
  CHECK(quantile({}, 0.5) == 0);
}

TEST_CASE("the relative deviation is the sample's standard deviation over its mean") {
  // 8, 12: mean 10, variance (4 + 4) / 1.
  CHECK(relative_deviation({8, 12}) == Approx(std::sqrt(8.0) / 10));
  CHECK(relative_deviation({5}) == 0);
}

TEST_CASE("a summary is ordered") {
  const Summary s = summary({5, 1, 4, 2, 3});
  CHECK(s.n == 5);
  CHECK(s.min == 1);
  CHECK(s.min <= s.p10);
  CHECK(s.p10 <= s.median);
  CHECK(s.median <= s.p90);
}

TEST_CASE("numbers are kept to four digits") {
  CHECK(four_digits(123456) == 123500);
  CHECK(four_digits(0.00123456) == 0.001235);
  CHECK(four_digits(0) == 0);
}

TEST_CASE("quiet samples stop for their noise, but not before ten of them and 20 ms") {
  StopRule rule({});
  for (int i = 0; i < 9; ++i) rule.add(100, 0.01);
  CHECK_FALSE(rule.reason(0.01));
  rule.add(100, 0.01);
  CHECK(rule.reason(0.01) == StopReason::noise);

  StopRule brief({});
  for (int i = 0; i < 20; ++i) brief.add(100, 0.0001);  // 2 ms in all
  CHECK_FALSE(brief.reason(0.01));
}

TEST_CASE("samples whose noise no longer falls stop for that") {
  StopRule rule({.most_samples = 100000});
  waferwatt::core::RandomStream random(1, "noise");
  int n = 0;
  while (!rule.reason(0) && n < 5000) rule.add(random.normal(100, 10), 0.001), ++n;  // 10 %: never quiet
  CHECK(rule.reason(0) == StopReason::stable_noise);
  CHECK(n >= 64);
}

TEST_CASE("the cap stops what is left, after one sample at least") {
  StopRule rule({});
  CHECK_FALSE(rule.reason(10));
  rule.add(100, 1);
  CHECK(rule.reason(10) == StopReason::cap);
  CHECK(to_text(StopReason::cap) == "cap");
}

TEST_CASE("warm means that two medians agree within one per cent") {
  CHECK(is_warm(100, 100.5));
  CHECK_FALSE(is_warm(100, 98));
  CHECK_FALSE(is_warm(0, 100));
}
