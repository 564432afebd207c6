// SPDX-License-Identifier: Apache-2.0
#include "calibration/rotation.hpp"

#include <catch2/catch.hpp>

#include "calibration/architecture.hpp"

using namespace waferwatt::calibration;

namespace {
const RotationLimits kLimits{.l2_bytes = 60e6, .most_bytes = 40e9};
}

TEST_CASE("operand sets together reach four times the L2") {
  // 240 MB wanted; sets of 100 MB: three.
  const Rotation r = cold_rotation(100e6, 200, kLimits);
  CHECK(r.sets == 3);
  CHECK(r.copies == 6);  // 1 ms of 200 us is five, rounded up to whole turns
  CHECK_FALSE(r.flush);
}

TEST_CASE("operands larger than four times the L2 need no second set") {
  const Rotation r = cold_rotation(1e9, 20000, kLimits);
  CHECK(r.sets == 1);
  CHECK(r.copies == 1);
  CHECK_FALSE(r.flush);
}

TEST_CASE("operands too small to rotate are flushed between samples") {
  const Rotation r = cold_rotation(4096, 2, kLimits);
  CHECK(r.sets == 128);
  CHECK(r.copies == 128);
  CHECK(r.flush);
}

TEST_CASE("short operations are repeated at least twenty times in one region") {
  for (const double us : {1.0, 5.0, 20.0, 50.0}) CHECK(cold_rotation(1e9, us, kLimits).copies >= 20);
}

TEST_CASE("copies are whole turns of the sets and stay within the limit") {
  for (double bytes = 1e3; bytes < 1e10; bytes *= 3)
    for (double us = 0.5; us < 1e5; us *= 5) {
      const Rotation r = cold_rotation(bytes, us, kLimits);
      CHECK(r.copies % r.sets == 0);
      CHECK(r.copies <= kLimits.most_copies);
      CHECK((r.flush || r.sets * bytes >= 4 * kLimits.l2_bytes));
    }
}

TEST_CASE("memory bounds the sets and the flush makes up for it") {
  const Rotation r = cold_rotation(50e6, 100, {.l2_bytes = 60e6, .most_bytes = 120e6});
  CHECK(r.sets == 2);
  CHECK(r.flush);
}

TEST_CASE("warm operations keep one set and are never flushed") {
  const Rotation r = warm_rotation(10, kLimits);
  CHECK(r.sets == 1);
  CHECK(r.copies == 100);
  CHECK_FALSE(r.flush);
}

TEST_CASE("peaks follow from SMs and clocks") {
  // H100 SXM, white paper: 132 SMs at 1830 MHz give 989 TFLOP/s in bf16, twice that in fp8.
  CHECK(peak_rate(90, "bf16", 132, 1830) == Approx(989e12).epsilon(0.01));
  CHECK(peak_rate(90, "fp8_e4m3", 132, 1830) == Approx(1979e12).epsilon(0.01));
  // A100: 108 SMs at 1410 MHz give 312; it has no fp8.
  CHECK(peak_rate(80, "bf16", 108, 1410) == Approx(312e12).epsilon(0.01));
  CHECK(peak_rate(80, "fp8_e4m3", 108, 1410) == 0);
  CHECK(peak_rate(12345, "bf16", 1, 1) == 0);
  // H200: 6144 bits at 3.2 GHz give 4.9 TB/s (4.8 on its data sheet).
  CHECK(memory_rate(3201, 6144) == Approx(4.8e12).epsilon(0.03));
}
