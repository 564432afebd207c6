// SPDX-License-Identifier: Apache-2.0
#include "calibration/document.hpp"

#include <catch2/catch.hpp>

#include "calibration/sweep.hpp"

using namespace waferwatt;
using namespace waferwatt::calibration;

namespace {

Run small_run() {
  Run run;
  run.device.name = "NVIDIA Test", run.device.capability = 90, run.device.sms = 132, run.device.clock_max_mhz = 1980;
  run.device.bus_bits = 6144, run.device.memory_clock_mhz = 3201, run.device.l2_bytes = 60'000'000;
  run.created_utc = "2026-01-02T03:04:05Z", run.duration_s = 412.123456;
  Measurement m;
  m.point = gemm_point("bf16", 1, 8192, 8192);
  Sample s;
  s.us = {35.61234, 35.5, 35.9, 35.4, 0.003, 40};
  s.stop = "noise", s.timing = "graph", s.sm_mhz = 1979.6, s.copies = 30, s.sets = 2, s.host_us = 4.1;
  m.passes = {s, s};
  m.passes[1].us.median = 35.7;
  run.measurements.push_back(m);
  Measurement absent;
  absent.point = gemm_point("fp8_block128", 64, 4096, 4096), absent.reason = "cuBLASLt has no algorithm";
  run.measurements.push_back(absent);
  Measurement late;
  late.point = gemm_point("bf16", 2, 8192, 8192), late.reason = "time limit";
  run.measurements.push_back(late);
  return run;
}

const io::Value& at(const io::Value& value, std::string_view key) {
  const io::Value* found = value.find(key);
  REQUIRE(found);
  return *found;
}

}  // namespace

TEST_CASE("the document is JSON that reads back as it was") {
  const std::string text = io::to_json(document(small_run()));
  Diagnostics diagnostics;
  const io::Value read = io::parse_json("calibration.json", text, diagnostics);
  CHECK(diagnostics.empty());
  CHECK(io::to_json(read) == text);
  CHECK(*at(read, "schema").get_if<std::string>() == "gpu-calibration/1");
  CHECK(at(read, "duration_s").number() == 412.1);
}

TEST_CASE("a measured point carries its shape, four digits of time, both passes and its work") {
  const io::Value out = document(small_run());
  const auto& points = *at(out, "points").get_if<io::Value::List>();
  REQUIRE(points.size() == 2);  // what no time was left for is not a point
  const io::Value& p = points[0];
  CHECK(*at(p, "op").get_if<std::string>() == "gemm");
  CHECK(*at(p, "dtype").get_if<std::string>() == "bf16");
  CHECK(at(at(p, "shape"), "n").number() == 8192);
  CHECK(*at(at(p, "shape"), "layout").get_if<std::string>() == "TN");
  CHECK(at(at(p, "us"), "median").number() == 35.61);
  CHECK(at(at(p, "us"), "pass2_median").number() == 35.7);
  CHECK(at(p, "flops").number() == Approx(2.0 * 8192 * 8192).epsilon(1e-3));
  CHECK(at(p, "sm_mhz").number() == 1980);
  CHECK(*at(p, "cache").get_if<std::string>() == "cold");
}

TEST_CASE("a point that no library offers says why and has no time") {
  const io::Value out = document(small_run());
  const io::Value& p = (*at(out, "points").get_if<io::Value::List>())[1];
  CHECK(*at(p, "unsupported").get_if<std::string>() == "cuBLASLt has no algorithm");
  CHECK_FALSE(p.find("us"));
}

TEST_CASE("one GPU never measures communication") {
  Run run = small_run();
  run.collectives = run.measurements;  // even if somebody put something there
  CHECK_FALSE(*at(at(document(run), "communication"), "measured").get_if<bool>());
  CHECK_FALSE(at(document(run), "communication").find("points"));
  run.gpus = 2;
  CHECK(*at(at(document(run), "communication"), "measured").get_if<bool>());
}

TEST_CASE("repeatability is the spread between the passes") {
  const io::Value out = document(small_run());
  // ln(35.7 / 35.61234) = 0.00246
  CHECK(at(at(at(out, "repeatability"), "gemm/bf16"), "median").number() == Approx(0.00246).epsilon(0.01));
}

TEST_CASE("the card's identity is hashed") {
  CHECK(hashed("GPU-1234").starts_with("fnv1a64:"));
  CHECK(hashed("GPU-1234") == hashed("GPU-1234"));
  CHECK(hashed("GPU-1234") != hashed("GPU-1235"));
  CHECK(hashed("GPU-1234").find("1234") == std::string::npos);
}

TEST_CASE("a full run's file stays below a megabyte and a half") {
  Run run = small_run();
  const Measurement first = run.measurements[0];
  run.measurements.clear();
  for (const Point& p : full_sweep()) {
    run.measurements.push_back(first);
    run.measurements.back().point = p;
  }
  CHECK(io::to_json(document(run)).size() < 1'500'000);
}

TEST_CASE("the console names peaks, flags, gaps and the status") {
  Run run = small_run();
  run.not_measured = {"collectives: one GPU, nothing is communicated"};
  const std::string text = console_summary(run);
  for (const char* wanted : {"NVIDIA Test: 1 points measured, 2 not", "peaks: bf16", "sentinel drift", "worst points",
                             "not measured: collectives", "gate points above the physical peak", "status: partial"}) {
    INFO(wanted);
    CHECK(text.find(wanted) != std::string::npos);
  }
}
