// SPDX-License-Identifier: Apache-2.0
#include "calibration/device/session.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>

#include "calibration/budget.hpp"
#include "calibration/device/collectives.hpp"
#include "calibration/device/steady.hpp"
#include "calibration/document.hpp"
#include "calibration/gates.hpp"

namespace waferwatt::calibration {
namespace {

using Clock = std::chrono::steady_clock;

class Session {
 public:
  Session(const Arguments& arguments, const std::vector<std::string>& words);
  void measure();
  int finish();

 private:
  double elapsed() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  double reserve_s() const { return steady_work_s(arguments_.profile) + collectives_s(arguments_.profile, run_.gpus); }
  void warm_up();
  void pass(int number, double until_s);
  bool one_point(Measurement& measurement, const StopLimits& limits);
  void stage(const std::string& name, const std::function<void()>& work);
  void steady_work();
  void write();
  void say(const std::string& text) const { std::fprintf(stderr, "%6.1f s  %s\n", elapsed(), text.c_str()); }

  Arguments arguments_;
  Clock::time_point start_ = Clock::now();
  Bench bench_;
  Run run_;
  double last_sentinel_s_ = 0;
};

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

io::Value tool_value(const Arguments& arguments, const std::vector<std::string>& words) {
  io::Value out;
  out["name"] = io::Value{"waferwatt-calibrate"};
  out["version"] = io::Value{WAFERWATT_VERSION};
  out["revision"] = io::Value{WAFERWATT_REVISION};
  io::Value::List list;
  for (const std::string& word : words) list.emplace_back(word);
  out["argv"] = io::Value{std::move(list)};
  out["seed"] = io::Value{static_cast<std::int64_t>(arguments.seed)};
  out["profile"] = io::Value{arguments.profile == Profile::full ? "full" : "quick"};
  return out;
}

io::Value method_value(Profile profile) {
  const StopLimits limits = stop_limits(profile, 1);
  io::Value out;
  out["data"] = io::Value{"normal(0,1), a seed of its own for each array; int8 uniform; fp8 cast from normal(0,1)"};
  out["cache"] =
      io::Value{"cold: operands rotate through at least 4 x L2, or the L2 is flushed by reads before each sample"};
  out["timing"] =
      io::Value{"CUDA graph of copies between events, behind a spinning kernel; events alone where capture is refused"};
  out["warmup"] = io::Value{"2 s of matrix products, then per point until two medians differ by less than 1 %"};
  io::Value stop;
  stop["rel_stdev"] = io::Value{limits.relative_deviation};
  stop["min_samples"] = io::Value{limits.least_samples};
  stop["min_time_s"] = io::Value{limits.least_time_s};
  stop["cap_s"] = io::Value{limits.cap_s};
  out["stop"] = stop;
  out["clocks"] = io::Value{"not locked; stamped around every batch of samples"};
  out["order"] = io::Value{"shuffled(seed, pass)"};
  out["passes"] = io::Value{2};
  out["library_choice"] = io::Value{"the library's first heuristic"};
  return out;
}

Session::Session(const Arguments& arguments, const std::vector<std::string>& words)
    : arguments_(arguments), bench_(arguments.device, arguments.seed) {
  run_.device = bench_.info;
  run_.created_utc = utc_now();
  run_.tool = tool_value(arguments, words);
  run_.host = host_description();
  run_.software = software_versions(*bench_.nvml);
  run_.method = method_value(arguments.profile);
  WAFERWATT_CALL(cudaGetDeviceCount(&run_.gpus));
  for (Point& point : wanted_points(arguments)) {
    Measurement m;
    m.point = std::move(point);
    m.reason = kTimeLimit;
    run_.measurements.push_back(std::move(m));
  }
  if (!bench_.nvml->available())
    run_.not_measured.push_back("power, clocks' reasons, temperature: no NVML on this machine");
  run_.not_measured.push_back("attention_decode with latent heads (576/512): cuDNN has no kernel for these sizes");
  run_.not_measured.push_back(
      "attention in fp8, grouped_gemm in fp8: no library here offers them through a stable interface");
}

void Session::warm_up() {
  bench_.pool->reset();
  const Operation gemm = prepare_gemm(bench_, gemm_point("bf16", 8192, 8192, 8192));
  steady(bench_, &gemm, 2);
}

/// \return false if the device no longer works
bool Session::one_point(Measurement& measurement, const StopLimits& limits) {
  try {
    const Operation operation = prepare(bench_, measurement.point);
    bench_.synchronize();
    measurement.passes.push_back(timed(bench_, measurement.point, operation, limits));
    measurement.algorithm = operation.algorithm;
    measurement.reason.clear();
  } catch (const Unsupported& error) {
    measurement.reason = error.what();
  } catch (const DeviceError& error) {
    measurement.reason = error.what();
    say(measurement.point.name() + ": " + error.what());
    // An error that sticks fails the next harmless call too.
    if (cudaStreamSynchronize(bench_.stream) != cudaSuccess || cudaDeviceSynchronize() != cudaSuccess) {
      run_.aborted = true;
      run_.not_measured.push_back("everything after " + measurement.point.name() + ": " + error.what());
      return false;
    }
  }
  return true;
}

void Session::pass(int number, double until_s) {
  const StopLimits limits = stop_limits(arguments_.profile, number);
  std::size_t done = 0;
  auto order = shuffled_order(run_.measurements.size(), arguments_.seed, number);
  // What the first pass did not reach comes before what would be measured twice.
  std::ranges::stable_partition(order, [&](std::size_t i) { return run_.measurements[i].reason == kTimeLimit; });
  for (const std::size_t i : order) {
    if (elapsed() > until_s) break;
    Measurement& m = run_.measurements[i];
    ++done;
    if (m.mode != "burst" || (number == 2 && m.passes.empty() && m.reason != kTimeLimit)) continue;
    if (!one_point(m, limits)) return;
    if (elapsed() - last_sentinel_s_ > 60) {
      run_.sentinels.push_back(sentinel(bench_, elapsed()));
      last_sentinel_s_ = elapsed();
    }
    if (done % 100 == 0) say("pass " + std::to_string(number) + ": " + std::to_string(done) + " points");
  }
  if (done < run_.measurements.size())
    run_.not_measured.push_back("pass " + std::to_string(number) + ": " +
                                std::to_string(run_.measurements.size() - done) + " points for lack of time");
}

/// A stage that fails is missing from the file; it does not take the rest with it.
void Session::stage(const std::string& name, const std::function<void()>& work) {
  say(name);
  try {
    work();
  } catch (const std::exception& error) {
    say(name + ": " + error.what());
    run_.not_measured.push_back(name + ": " + error.what());
  }
}

void Session::steady_work() {
  if (!arguments_.only.empty()) {
    run_.not_measured.push_back("power, sustained and overlap: --only was given");
    return;
  }
  stage("sustained", [&] {
    for (Measurement& m : sustained_points(bench_, arguments_.profile)) run_.measurements.push_back(std::move(m));
  });
  if (bench_.nvml->available()) stage("power states", [&] { run_.power = power_states(bench_, arguments_.profile); });
  if (arguments_.profile == Profile::full) stage("overlap", [&] { run_.overlap = overlap_points(bench_); });
  if (run_.gpus > 1) {
    stage("collectives", [&] { run_.collectives = collective_points(run_.gpus, collectives_s(arguments_.profile, run_.gpus)); });
    WAFERWATT_CALL(cudaSetDevice(bench_.device));
  } else {
    run_.not_measured.push_back("collectives: one GPU, nothing is communicated");
  }
}

void Session::measure() {
  try {
    say("warm-up on " + run_.device.name);
    warm_up();
    say("checks");
    run_.checks = check_operators(bench_);
    run_.sentinels.push_back(sentinel(bench_, elapsed()));
    last_sentinel_s_ = elapsed();
    say("pass 1 of " + std::to_string(run_.measurements.size()) + " points");
    pass(1, arguments_.deadline_s() - reserve_s());
    write();
    if (!run_.aborted) steady_work();
    if (!run_.aborted) pass(2, arguments_.deadline_s());
    if (!run_.aborted) run_.sentinels.push_back(sentinel(bench_, elapsed()));
  } catch (const std::exception& error) {  // what was measured so far is worth a file
    say(error.what());
    run_.aborted = true;
    run_.not_measured.push_back(std::string{"the rest: "} + error.what());
  }
}

/// By way of a neighbour, so that a run that is stopped leaves the last whole file.
void Session::write() {
  run_.duration_s = elapsed();
  run_.device.temperature_end_c = bench_.nvml->temperature_c();
  const std::string part = arguments_.output + ".part";
  std::ofstream out(part, std::ios::binary);
  out << io::to_json(document(run_));
  out.close();
  if (!out) throw std::runtime_error("cannot write " + part);
  std::filesystem::rename(part, arguments_.output);
}

int Session::finish() {
  write();
  std::fputs(console_summary(run_).c_str(), stdout);
  std::printf("%s written\n", arguments_.output.c_str());
  return status(run_, gates(run_)) == "ok" ? 0 : 4;
}

}  // namespace

int calibrate(const Arguments& arguments, const std::vector<std::string>& words) {
  Session session(arguments, words);
  session.measure();
  return session.finish();
}

}  // namespace waferwatt::calibration
