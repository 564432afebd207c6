// SPDX-License-Identifier: Apache-2.0
#include "calibration/gates.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "calibration/sweep.hpp"

using namespace waferwatt::calibration;

namespace {

DeviceInfo h200() {
  DeviceInfo d;
  d.name = "NVIDIA H200", d.capability = 90, d.sms = 132, d.bus_bits = 6144, d.l2_bytes = 60'000'000;
  d.clock_max_mhz = 1980, d.memory_clock_mhz = 3201;
  return d;
}

Measurement measured(Point point, double us, double sm_mhz = 1980, std::uint64_t reasons = 0) {
  Measurement m;
  m.point = std::move(point);
  Sample s;
  s.us = {us, us, us, us, 0, 10};
  s.sm_mhz = sm_mhz, s.clock_reasons = reasons;
  m.passes.push_back(s);
  return m;
}

bool has(const std::vector<std::string>& flags, const std::string& flag) {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

const Gate* find(const std::vector<Gate>& gates, const std::string& name) {
  for (const Gate& g : gates)
    if (g.name == name) return &g;
  return nullptr;
}

Run run_of(std::vector<Measurement> measurements) {
  Run run;
  run.device = h200();
  run.measurements = std::move(measurements);
  return run;
}

const Point kGemm = gemm_point("bf16", 8192, 8192, 8192);

}  // namespace

TEST_CASE("a rate above the peak at the measured clock is flagged, one below is not") {
  // 1.0995e12 operations; peak at 1980 MHz 1.0705e15: 1027 us. At 1500 MHz: 811e12: 1356 us.
  CHECK(has(flags(measured(kGemm, 900), h200()), "above_peak"));
  CHECK(flags(measured(kGemm, 1400), h200()).empty());
  CHECK(has(flags(measured(kGemm, 1200, 1500), h200()), "above_peak"));
  // A clock read twice too high hides it, one twice too low shows it.
  CHECK(has(flags(measured(kGemm, 1400, 990), h200()), "above_peak"));
}

TEST_CASE("a working set beyond the L2 that moves faster than the memory is flagged") {
  const Point stream{"stream", "bf16", {{"bytes", 1 << 30}, {"reads", 1}, {"writes", 1}}};
  // 2.1475e9 bytes at 4.917 TB/s: 437 us.
  CHECK(has(flags(measured(stream, 300), h200()), "above_bandwidth"));
  CHECK(flags(measured(stream, 500), h200()).empty());
  Point small = stream;
  small.shape = {{"bytes", 1 << 20}, {"reads", 1}, {"writes", 1}};
  small.cold = false;
  CHECK(flags(measured(small, 0.3), h200()) == std::vector<std::string>{"l2_resident"});
}

TEST_CASE("throttling, low clocks, noise and passes that disagree are flagged") {
  CHECK(has(flags(measured(kGemm, 1400, 1980, kSoftwarePowerCap), h200()), "power_capped"));
  CHECK(has(flags(measured(kGemm, 1400, 1980, kHardwareThermal), h200()), "thermal"));
  CHECK(has(flags(measured(kGemm, 1400, 1980, kHardwareSlowdown), h200()), "hw_slowdown"));
  CHECK(has(flags(measured(kGemm, 4000, 1000), h200()), "low_clock"));
  Measurement m = measured(kGemm, 1400);
  m.passes.push_back(m.passes[0]);
  CHECK(flags(m, h200()).empty());
  m.passes[1].us.median = 1600;
  CHECK(has(flags(m, h200()), "passes_differ"));
  m.passes[0].us.p90 = 2 * m.passes[0].us.p10;
  CHECK(has(flags(m, h200()), "noisy"));
}

TEST_CASE("healthy values pass the gates of an H200 and zeros fail them") {
  // 1.0995e12 / 1400 us = 785 TFLOP/s; on zeros 894 TFLOP/s: 1230 us.
  const auto healthy = gates(run_of({measured(kGemm, 1400)}));
  REQUIRE(find(healthy, "bf16 GEMM 8192^3, TFLOP/s"));
  CHECK(find(healthy, "bf16 GEMM 8192^3, TFLOP/s")->pass);
  CHECK(find(healthy, "bf16 GEMM 8192^3, TFLOP/s")->value == Approx(785).epsilon(0.01));
  CHECK_FALSE(find(gates(run_of({measured(kGemm, 1230)})), "bf16 GEMM 8192^3, TFLOP/s")->pass);
  // A gate whose point was not measured is absent; so are all of them on another device.
  CHECK_FALSE(find(healthy, "RMSNorm 16384x4096, us"));
  Run other = run_of({measured(kGemm, 1400)});
  other.device.name = "NVIDIA A100";
  CHECK_FALSE(find(gates(other), "bf16 GEMM 8192^3, TFLOP/s"));
}

TEST_CASE("every gate's point is in the quick sweep") {
  std::vector<Measurement> all;
  for (const Point& p : sweep(Profile::quick)) all.push_back(measured(p, 1000));
  const auto found = gates(run_of(all));
  for (const char* name :
       {"bf16 GEMM 8192^3, TFLOP/s", "fp8 GEMM 8192^3, TFLOP/s", "bf16 GEMM m=1 16384^2, us",
        "copy device to device, TB/s", "read of 32 MiB in L2 with its launch, TB/s", "empty kernel in a stream, us",
        "empty kernel in a graph, us", "attention forward causal 8192, us", "attention backward causal 8192, us",
        "RMSNorm 16384x4096, us", "decode attention 64 x 8192, TB/s"}) {
    INFO(name);
    CHECK(std::count_if(found.begin(), found.end(), [&](const Gate& g) { return g.name == name; }) == 1);
  }
}

TEST_CASE("sentinels that drift by more than five per cent fail the run") {
  Run run = run_of({});
  run.sentinels = {{.gemm_tflops = 790, .copy_tb_per_s = 4.3}, {.gemm_tflops = 770, .copy_tb_per_s = 4.29}};
  CHECK(sentinel_drift(run.sentinels) == Approx(790.0 / 770 - 1));
  CHECK(status(run, gates(run)) == "ok");
  run.sentinels.push_back({.gemm_tflops = 700, .copy_tb_per_s = 4.3});
  CHECK(status(run, gates(run)) == "suspect");
}

TEST_CASE(
    "wrong results, other processes and a busy device fail the run; an operator without an implementation does not") {
  Run run = run_of({});
  run.checks = {{"gemm TN", "bf16", 1e-3, 1e-2, true, ""}, {"gemm TN", "fp8_block128", 0, 0, false, "no algorithm"}};
  CHECK(status(run, gates(run)) == "ok");
  run.checks.push_back({"softmax", "bf16", 0.3, 1e-2, false, ""});
  CHECK(status(run, gates(run)) == "suspect");
  run.checks.pop_back();
  run.device.other_processes = 1;
  CHECK(status(run, gates(run)) == "suspect");
  run.device.other_processes = 0;
  run.device.utilisation_start = 40;
  CHECK(status(run, gates(run)) == "suspect");
}

TEST_CASE("a run that stopped early is partial") {
  Run run = run_of({});
  run.aborted = true;
  CHECK(status(run, {}) == "partial");
  Measurement late;
  late.point = kGemm, late.reason = "time limit";
  CHECK(status(run_of({late}), {}) == "partial");
  late.reason = "cuBLASLt has no algorithm";
  CHECK(status(run_of({late}), {}) == "ok");
}
