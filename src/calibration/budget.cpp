// SPDX-License-Identifier: Apache-2.0
#include "calibration/budget.hpp"

#include <algorithm>
#include <cmath>

#include "calibration/rotation.hpp"

namespace waferwatt::calibration {
namespace {

constexpr double kPrepareSeconds = 0.2;      // operands, a probe, and a graph of a steady state
constexpr double kIdleBeforeSeconds = 1;
constexpr double kCompileSeconds = 0.6;      // one of cuDNN's plans, at its first use
constexpr double kGraphSeconds = 0.002, kSynchroniseSeconds = 1e-4;
constexpr double kFillBytesPerSecond = 4e11;  // random numbers are arithmetic
constexpr double kLaunchSeconds = 5e-6, kReached = 0.5;
constexpr int kBatch = 5;

double operation_s(const Point& point, const DeviceRates& device) {
  const double rate = point.format == "bf16" || point.format == "none" ? device.flops_per_s : 2 * device.flops_per_s;
  const double kernels = point.op == "launch" ? static_cast<double>(point.at("kernels")) : 1;
  // Between host and device: PCI Express.
  const bool is_host_copy = point.op == "memcpy" && point.label("direction") != "d2d";
  const double bandwidth = is_host_copy ? 2e10 : kReached * device.bytes_per_s;
  return kernels * kLaunchSeconds + work(point) / (kReached * rate) + bytes(point) / bandwidth;
}

double point_s(const Point& point, const StopLimits& limits, const DeviceRates& device, Noise noise, bool compiles) {
  const double each_s = operation_s(point, device);
  const RotationLimits memory{.l2_bytes = device.l2_bytes, .most_bytes = 3e10};
  const Rotation rotation = point.cold ? cold_rotation(bytes(point), 1e6 * each_s, memory) : warm_rotation(1e6 * each_s, memory);
  const double region_s = rotation.copies * each_s;
  const double sample_s = region_s + (rotation.flush ? 2 * device.l2_bytes / (kReached * device.bytes_per_s) : 0) + 3e-5;
  const double batch_s = std::clamp(std::floor(0.02 / region_s), 1.0, 1.0 * kBatch) * sample_s + kSynchroniseSeconds + 5e-5;
  const double warm_s = noise == Noise::never ? 0.5 * limits.cap_s + batch_s : 2 * batch_s;
  const double least_s = std::max(limits.least_samples * sample_s, limits.least_time_s * sample_s / region_s);
  const double window_s = static_cast<double>(limits.noise_window + 1) * sample_s;
  const double sampled_s = noise == Noise::quiet ? least_s : noise == Noise::usual ? std::max(least_s, window_s) : limits.cap_s;
  const bool is_compiled = compiles && point.op.starts_with("attention");
  return (is_compiled ? kCompileSeconds : 0) + kGraphSeconds + rotation.sets * bytes(point) / kFillBytesPerSecond + 4 * each_s + warm_s +
         std::min(sampled_s, limits.cap_s) + batch_s;
}

}  // namespace

StopLimits stop_limits(Profile profile, int pass) {
  StopLimits limits;
  limits.cap_s = profile == Profile::full ? 0.3 : 0.15;
  if (pass == 2) limits.cap_s /= 2;
  return limits;
}

std::vector<PowerCase> power_cases(Profile profile) {
  Point l2{"stream", "bf16", {{"bytes", 8 << 20}, {"reads", 1}, {"writes", 1}}};
  l2.cold = false;
  const Point gemm = gemm_point("bf16", 8192, 8192, 8192), copy = copy_point(std::int64_t{1} << 30), gemv = gemm_point("bf16", 1, 16384, 16384);
  std::vector<PowerCase> all{{"copy", copy}, {"gemm_bf16_random", gemm}, {"gemm_bf16_zeros", gemm, true}, {"decode_like_gemv", gemv}};
  if (profile == Profile::quick) return all;
  all.push_back({"l2_copy", l2});
  all.push_back({"gemm_fp8_random", gemm_point("fp8_e4m3", 8192, 8192, 8192)});
  all.push_back({"gemm_bf16_duty_25", gemm, false, 0.25});
  all.push_back({"gemm_bf16_duty_50", gemm, false, 0.5});
  all.push_back({"gemm_bf16_duty_75", gemm, false, 0.75});
  return all;
}

double power_case_s(Profile profile) { return profile == Profile::full ? 5 : 2; }

std::vector<Point> sustained_sweep(Profile profile) {
  std::vector<Point> points{gemm_point("bf16", 8192, 8192, 8192), copy_point(std::int64_t{1} << 30)};
  if (profile == Profile::quick) return points;
  points.push_back(gemm_point("bf16", 4096, 4096, 4096));
  points.push_back(gemm_point("bf16", 2048, 28672, 4096));
  points.push_back(gemm_point("bf16", 16384, 8192, 8192));
  points.push_back(gemm_point("bf16", 512, 8192, 28672));
  points.push_back(gemm_point("fp8_e4m3", 8192, 8192, 8192));
  points.push_back({"attention_prefill", "bf16",
                    {{"batch", 1}, {"length", 8192}, {"q_heads", 64}, {"kv_heads", 8}, {"head_qk", 128}, {"head_v", 128}}, {{"mask", "causal"}}});
  return points;
}

double settling_s(double seconds) { return std::min(1.0, 0.3 * seconds); }

double steady_work_s(Profile profile) {
  const auto all = [](double n, double seconds) { return n * (seconds + settling_s(seconds) + kPrepareSeconds); };
  const double overlap = profile == Profile::full ? all(static_cast<double>(std::size(kOverlapFewer)) + 1, kOverlapSeconds) : 0;
  return all(static_cast<double>(sustained_sweep(profile).size()), kSustainedSeconds) + kIdleBeforeSeconds + power_case_s(profile) +
         all(static_cast<double>(power_cases(profile).size()), power_case_s(profile)) + overlap;
}

double collectives_s(Profile profile, int gpus) { return gpus < 2 ? 0 : profile == Profile::full ? 60 : 15; }

double pass_s(const std::vector<Point>& points, const StopLimits& limits, const DeviceRates& device, Noise noise, bool compiles) {
  double sum = 0;
  for (const Point& point : points) sum += point_s(point, limits, device, noise, compiles);
  return sum;
}

}  // namespace waferwatt::calibration
