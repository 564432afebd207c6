// SPDX-License-Identifier: Apache-2.0
#include "calibration/gates.hpp"

#include <algorithm>
#include <functional>
#include <limits>

#include "calibration/architecture.hpp"

namespace waferwatt::calibration {
namespace {

constexpr double kAllowed = 1.02;
constexpr double kMostDrift = 0.05;

using Match = std::function<bool(const Point&)>;

Match is_gemm(const char* format, std::int64_t m, std::int64_t n, std::int64_t k) {
  return [=](const Point& p) {
    return p.op == "gemm" && p.format == format && p.label("layout") == "TN" && p.at("m") == m && p.at("n") == n &&
           p.at("k") == k;
  };
}

Match is_attention(const char* op) {
  return [=](const Point& p) {
    return p.op == op && p.at("length") == 8192 && p.at("q_heads") == 64 && p.at("head_qk") == 128 &&
           p.label("mask") == "causal";
  };
}

Match is_launch(const char* way) {
  return [=](const Point& p) { return p.op == "launch" && p.label("way") == way && p.at("kernels") == 1000; };
}

/// What healthy H200 cards have shown; the rate or time of one point.
struct Expected {
  const char* name;
  enum class Quantity { tflops, tb_per_s, us, us_per_kernel } quantity;
  Match match;
  double low, high;
};

std::vector<Expected> h200_expectations() {
  using Q = Expected::Quantity;
  return {
      {"bf16 GEMM 8192^3, TFLOP/s", Q::tflops, is_gemm("bf16", 8192, 8192, 8192), 690, 830},
      {"fp8 GEMM 8192^3, TFLOP/s", Q::tflops, is_gemm("fp8_e4m3", 8192, 8192, 8192), 1150, 1450},
      {"bf16 GEMM m=1 16384^2, us", Q::us, is_gemm("bf16", 1, 16384, 16384), 120, 135},
      {"copy device to device, TB/s", Q::tb_per_s,
       [](const Point& p) {
         return p.op == "memcpy" && p.label("direction") == "d2d" && p.at("bytes") == std::int64_t{1} << 30;
       },
       4.1, 4.5},
      {"read of 32 MiB in L2 with its launch, TB/s", Q::tb_per_s,
       [](const Point& p) {
         return p.op == "stream" && p.at("writes") == 0 && p.at("bytes") == std::int64_t{32} << 20;
       },
       4.5, 11},
      {"empty kernel in a stream, us", Q::us_per_kernel, is_launch("stream"), 1.2, 3.5},
      {"empty kernel in a graph, us", Q::us_per_kernel, is_launch("graph"), 0.7, 1.8},
      {"attention forward causal 8192, us", Q::us, is_attention("attention_prefill"), 1600, 1900},
      {"attention backward causal 8192, us", Q::us, is_attention("attention_backward"), 4800, 5600},
      {"RMSNorm 16384x4096, us", Q::us,
       [](const Point& p) { return p.op == "rms_norm" && p.at("rows") == 16384 && p.at("columns") == 4096; }, 62, 80},
      {"decode attention 64 x 8192, TB/s", Q::tb_per_s,
       [](const Point& p) {
         return p.op == "attention_decode" && p.at("batch") == 64 && p.at("kv_length") == 8192 &&
                p.at("q_heads") == 64 && p.at("page") == 64;
       },
       3.7, 4.6},
  };
}

double value_of(const Expected& expected, const Measurement& m) {
  const double us = m.passes.front().us.median;
  switch (expected.quantity) {
    case Expected::Quantity::tflops: return work(m.point) / us * 1e-6;
    case Expected::Quantity::tb_per_s: return bytes(m.point) / us * 1e-6;
    case Expected::Quantity::us: return us;
    case Expected::Quantity::us_per_kernel: return us / static_cast<double>(m.point.at("kernels"));
  }
  return 0;
}

Gate gate(std::string name, double value, double low, double high) {
  return {std::move(name), value, low, high, value >= low && value <= high};
}

const PowerState* find_state(const Run& run, const std::string& name) {
  const auto at =
      std::find_if(run.power.begin(), run.power.end(), [&](const PowerState& s) { return s.state == name; });
  return at == run.power.end() ? nullptr : &*at;
}

void add_h200_gates(const Run& run, std::vector<Gate>& found) {
  for (const Expected& expected : h200_expectations())
    for (const Measurement& m : run.measurements)
      if (!m.passes.empty() && m.mode == "burst" && expected.match(m.point))
        found.push_back(gate(expected.name, value_of(expected, m), expected.low, expected.high));
  const PowerState* random = find_state(run, "gemm_bf16_random");
  const PowerState* zeros = find_state(run, "gemm_bf16_zeros");
  if (random && zeros && random->flops_per_s > 0)
    found.push_back(gate("GEMM on zeros over random data", zeros->flops_per_s / random->flops_per_s, 1.05, 1.35));
  if (const PowerState* idle = find_state(run, "idle"); idle && idle->watts_energy)
    found.push_back(gate("idle power, W", *idle->watts_energy, 60, 140));
  if (random && random->watts_energy) found.push_back(gate("sustained GEMM power, W", *random->watts_energy, 600, 710));
}

}  // namespace

std::vector<std::string> flags(const Measurement& measurement, const DeviceInfo& device) {
  std::vector<std::string> found;
  if (measurement.passes.empty()) return found;
  const Sample& sample = measurement.passes.front();
  const double seconds = sample.us.median * 1e-6;
  const double clock = sample.sm_mhz > 0 ? sample.sm_mhz : device.clock_max_mhz;
  const double peak = peak_rate(device.capability, measurement.point.format, device.sms, clock);
  const double memory = memory_rate(device.memory_clock_mhz, device.bus_bits);
  const bool crosses_pcie = measurement.point.op == "memcpy" && measurement.point.label("direction") != "d2d";
  if (peak > 0 && seconds > 0 && work(measurement.point) / seconds > kAllowed * peak) found.push_back("above_peak");
  if (memory > 0 && seconds > 0 && !crosses_pcie && bytes(measurement.point) > static_cast<double>(device.l2_bytes) &&
      bytes(measurement.point) / seconds > kAllowed * memory)
    found.push_back("above_bandwidth");
  if (!measurement.point.cold && bytes(measurement.point) > 0 &&
      bytes(measurement.point) < static_cast<double>(device.l2_bytes))
    found.push_back("l2_resident");
  std::uint64_t reasons = 0;
  for (const Sample& pass : measurement.passes) reasons |= pass.clock_reasons;
  if (reasons & kSoftwarePowerCap) found.push_back("power_capped");
  if (reasons & (kSoftwareThermal | kHardwareThermal)) found.push_back("thermal");
  if (reasons & (kHardwareSlowdown | kPowerBrake)) found.push_back("hw_slowdown");
  if (sample.sm_mhz > 0 && sample.sm_mhz < 0.75 * device.clock_max_mhz) found.push_back("low_clock");
  if (measurement.passes.size() > 1) {
    const double ratio = measurement.passes[1].us.median / sample.us.median;
    if (ratio > 1.1 || ratio < 1 / 1.1) found.push_back("passes_differ");
  }
  if (sample.us.p90 > 1.25 * sample.us.p10) found.push_back("noisy");
  return found;
}

double sentinel_drift(const std::vector<Sentinel>& sentinels) {
  const auto spread = [&](double Sentinel::*rate) {
    double low = std::numeric_limits<double>::infinity(), high = 0;
    for (const Sentinel& s : sentinels) low = std::min(low, s.*rate), high = std::max(high, s.*rate);
    return high > 0 && low > 0 ? high / low - 1 : 0.0;
  };
  return std::max(spread(&Sentinel::gemm_tflops), spread(&Sentinel::copy_tb_per_s));
}

std::vector<Gate> gates(const Run& run) {
  std::vector<Gate> found;
  int impossible = 0, wrong = 0;
  for (const Measurement& m : run.measurements)
    for (const std::string& flag : flags(m, run.device))
      impossible += flag == "above_peak" || flag == "above_bandwidth";
  for (const Check& check : run.checks) wrong += !check.pass && check.reason.empty();
  found.push_back(gate("points above the physical peak", impossible, 0, 0));
  found.push_back(gate("operators with wrong results", wrong, 0, 0));
  if (run.sentinels.size() > 1) found.push_back(gate("sentinel drift", sentinel_drift(run.sentinels), 0, kMostDrift));
  if (run.device.other_processes)
    found.push_back(gate("other processes on the GPU", *run.device.other_processes, 0, 0));
  if (run.device.utilisation_start)
    found.push_back(gate("GPU utilisation at the start, %", *run.device.utilisation_start, 0, 2));
  if (run.device.name.find("H200") != std::string::npos) add_h200_gates(run, found);
  return found;
}

std::string status(const Run& run, const std::vector<Gate>& gates) {
  const bool untimed = std::any_of(run.measurements.begin(), run.measurements.end(), [](const Measurement& m) {
    return m.passes.empty() && m.reason == kTimeLimit;
  });
  if (run.aborted || untimed) return "partial";
  const bool passed = std::all_of(gates.begin(), gates.end(), [](const Gate& g) { return g.pass; });
  return passed ? "ok" : "suspect";
}

}  // namespace waferwatt::calibration
