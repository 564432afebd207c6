// SPDX-License-Identifier: Apache-2.0
#include "calibration/device/steady.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "calibration/budget.hpp"

namespace waferwatt::calibration {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Reads power and clocks at 25 Hz on a thread of its own while it lives.
class Monitor {
 public:
  explicit Monitor(const Nvml& nvml) : nvml_(nvml), start_j_(nvml.energy_j()), start_(Clock::now()) {
    thread_ = std::thread([this] {
      while (!done_) {
        if (const auto watts = nvml_.power_instant_w()) watts_.push_back(*watts);
        if (const auto mhz = nvml_.sm_clock_mhz()) clocks_.push_back(*mhz);
        reasons_ |= nvml_.clock_reasons();
        std::this_thread::sleep_for(milliseconds(40));
      }
    });
  }
  ~Monitor() { stop(); }

  void finish(Steady& out) {
    const auto end_j = nvml_.energy_j();
    const double seconds = seconds_since(start_);
    out.watts_average = nvml_.power_w();
    stop();
    if (start_j_ && end_j && seconds > 0) out.watts_energy = (*end_j - *start_j_) / seconds;
    if (!watts_.empty()) out.watts_p50 = median(watts_);
    if (!clocks_.empty()) out.sm_mhz = median(clocks_);
    out.clock_reasons = reasons_;
  }

 private:
  void stop() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
  }
  const Nvml& nvml_;
  std::optional<double> start_j_;
  Clock::time_point start_;
  std::atomic<bool> done_ = false;
  std::vector<double> watts_, clocks_;
  std::uint64_t reasons_ = 0;
  std::thread thread_;
};

/// Keeps two regions in flight until the time is over.
double repeat(Bench& bench, const Operation& operation, const CapturedGraph& graph, int copies, double seconds,
              double duty) {
  std::array<cudaEvent_t, 2> done{};
  for (cudaEvent_t& event : done) WAFERWATT_CALL(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  const auto start = Clock::now();
  auto period = start;
  double operations = 0;
  for (std::size_t i = 0; seconds_since(start) < seconds; ++i) {
    const cudaEvent_t event = done[i % 2];
    if (i >= 2) WAFERWATT_CALL(cudaEventSynchronize(event));
    if (graph) graph.launch(bench.stream);
    else
      for (int c = 0; c < copies; ++c) operation.enqueue(bench.stream, c % operation.sets);
    WAFERWATT_CALL(cudaEventRecord(event, bench.stream));
    operations += copies;
    if (duty == 1) continue;
    bench.synchronize();  // what is in flight would run on into the rest
    if (seconds_since(period) < 0.1 * duty) continue;
    std::this_thread::sleep_until(period + milliseconds(100));
    period = Clock::now();
  }
  bench.synchronize();
  for (cudaEvent_t event : done) cudaEventDestroy(event);
  return operations;
}

const Point& sentinel_gemm() {
  static const Point point = gemm_point("bf16", 8192, 8192, 8192);
  return point;
}

PowerState state_of(const std::string& name, const Steady& s, const Point* point) {
  PowerState out{name, s.seconds, s.watts_energy, s.watts_p50, s.watts_average, s.sm_mhz, 0, 0, s.clock_reasons};
  if (point && s.seconds > 0) {
    out.flops_per_s = work(*point) * s.operations / s.seconds;
    out.bytes_per_s = bytes(*point) * s.operations / s.seconds;
  }
  return out;
}

Measurement one_sample(Point point, std::string mode, double us, const Steady& s) {
  Measurement m;
  m.point = std::move(point);
  m.mode = std::move(mode);
  Sample sample;
  sample.us = {us, us, us, us, 0, 1};
  sample.sm_mhz = s.sm_mhz, sample.clock_reasons = s.clock_reasons;
  sample.stop = "cap", sample.timing = "graph";
  m.passes.push_back(sample);
  m.power_w = s.watts_energy;
  return m;
}

}  // namespace

Steady steady(Bench& bench, const Operation* operation, double seconds, double duty) {
  Steady out;
  if (!operation) {
    bench.synchronize();
    std::this_thread::sleep_for(milliseconds(1000));  // the driver's mean forgets what ran before
    Monitor monitor(*bench.nvml);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    out.seconds = seconds;
    monitor.finish(out);
    return out;
  }
  operation->enqueue(bench.stream, 0);
  bench.synchronize();
  const auto begin = Clock::now();
  operation->enqueue(bench.stream, 0);
  bench.synchronize();
  const double each_s = std::max(seconds_since(begin), 1e-6);
  const double region_s = duty < 1 ? 0.002 : 0.01;  // short ones end where the rest begins
  const int copies =
      std::clamp(static_cast<int>(region_s / each_s) / operation->sets, 1, 256 / operation->sets + 1) * operation->sets;
  const CapturedGraph graph(bench, *operation, copies);
  repeat(bench, *operation, graph, copies, settling_s(seconds), duty);  // reach the steady state first
  const auto start = Clock::now();
  Monitor monitor(*bench.nvml);
  out.operations = repeat(bench, *operation, graph, copies, seconds, duty);
  out.seconds = seconds_since(start);
  monitor.finish(out);
  return out;
}

std::vector<PowerState> power_states(Bench& bench, Profile profile) {
  const double seconds = power_case_s(profile);
  std::vector<PowerState> out{state_of("idle", steady(bench, nullptr, seconds), nullptr)};
  for (const PowerCase& state : power_cases(profile)) {
    bench.pool->reset();
    try {
      const Operation operation =
          state.point.op == "gemm" ? prepare_gemm(bench, state.point, {.zeros = state.zeros}) : prepare(bench, state.point);
      out.push_back(state_of(state.name, steady(bench, &operation, seconds, state.duty), &state.point));
    } catch (const Unsupported&) {  // no fp8 on this device: there is no such state
    }
  }
  return out;
}

std::vector<Measurement> sustained_points(Bench& bench, Profile profile) {
  std::vector<Measurement> out;
  for (const Point& point : sustained_sweep(profile)) {
    try {
      const Operation operation = prepare(bench, point);
      const Steady s = steady(bench, &operation, kSustainedSeconds);
      Measurement m = one_sample(point, "sustained", 1e6 * s.seconds / s.operations, s);
      m.algorithm = operation.algorithm;
      out.push_back(std::move(m));
    } catch (const Unsupported& error) {
      Measurement m;
      m.point = point, m.mode = "sustained", m.reason = error.what();
      out.push_back(std::move(m));
    }
  }
  return out;
}

std::vector<Measurement> overlap_points(Bench& bench) {
  std::vector<Measurement> out;
  for (const int fewer : kOverlapFewer) {
    bench.pool->reset();
    const int sms = bench.info.sms - fewer;
    const Operation operation = prepare_gemm(bench, sentinel_gemm(), {.sm_target = fewer > 0 ? sms : 0});
    Point point = sentinel_gemm();
    point.shape.emplace_back("sms", sms);
    const Steady s = steady(bench, &operation, kOverlapSeconds);
    out.push_back(one_sample(point, "sustained", 1e6 * s.seconds / s.operations, s));
  }
  // The same product while a second stream copies without a pause.
  bench.pool->reset();
  const Operation gemm = prepare_gemm(bench, sentinel_gemm());
  constexpr std::size_t kBytes = std::size_t{1} << 30;
  void *from = bench.pool->take<char>(kBytes), *to = bench.pool->take<char>(kBytes);
  cudaStream_t second = nullptr;
  WAFERWATT_CALL(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking));
  std::atomic<bool> done = false;
  std::thread copier([&] {
    if (cudaSetDevice(bench.device) != cudaSuccess) return;
    while (!done && cudaMemcpyAsync(to, from, kBytes, cudaMemcpyDeviceToDevice, second) == cudaSuccess &&
           cudaStreamSynchronize(second) == cudaSuccess) {}
  });
  Steady s;
  try {
    s = steady(bench, &gemm, kOverlapSeconds);
  } catch (...) {
    done = true;
    copier.join();
    throw;
  }
  done = true;
  copier.join();
  cudaStreamDestroy(second);
  Point point = sentinel_gemm();
  point.labels.emplace_back("beside", "copy_d2d");
  out.push_back(one_sample(point, "sustained", 1e6 * s.seconds / s.operations, s));
  return out;
}

Sentinel sentinel(Bench& bench, double at_s) {
  const StopLimits limits{.cap_s = 0.3};
  Sentinel out;
  out.at_s = at_s;
  const Operation gemm = prepare(bench, sentinel_gemm());
  const Sample product = timed(bench, sentinel_gemm(), gemm, limits, &out.gemm_samples_us);
  out.power_w = bench.nvml->power_instant_w();
  out.gemm_tflops = work(sentinel_gemm()) / product.us.median * 1e-6;
  out.sm_mhz = product.sm_mhz;
  out.clock_reasons = product.clock_reasons;
  const Point point = copy_point(std::int64_t{1} << 30);
  const Operation copy = prepare(bench, point);
  out.copy_tb_per_s = bytes(point) / timed(bench, point, copy, limits).us.median * 1e-6;
  if (out.gemm_samples_us.size() > 100) out.gemm_samples_us.resize(100);
  return out;
}

}  // namespace waferwatt::calibration
