// SPDX-License-Identifier: Apache-2.0
#include "calibration/device/timing.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace waferwatt::calibration {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

constexpr int kBatch = 5;           // samples between synchronisations
constexpr double kBusyUs = 2000;  // NVML answers in less
constexpr int kMostEventCopies = 16;  // without a graph: the launch queue holds about a thousand kernels

struct Events {
  std::array<cudaEvent_t, kBatch> start{}, stop{};
  Events() {
    for (auto* list : {&start, &stop})
      for (cudaEvent_t& event : *list) WAFERWATT_CALL(cudaEventCreate(&event));
  }
  ~Events() {
    for (auto* list : {&start, &stop})
      for (cudaEvent_t event : *list) cudaEventDestroy(event);
  }
};

/// One timed region: copies of the operation, by graph or one by one.
struct Region {
  const Operation& operation;
  const CapturedGraph* graph;
  int copies;
  void enqueue(cudaStream_t stream) const {
    if (graph) graph->launch(stream);
    else
      for (int i = 0; i < copies; ++i) operation.enqueue(stream, i % operation.sets);
  }
};

struct Batch {
  std::vector<double> us;  ///< of one operation
  double sm_mhz = 0;
};

/// \param host_s what the host needs to enqueue one region
Batch batch(Bench& bench, const Region& region, int samples, bool flush, double host_s, const Events& events) {
  const double spin_s = std::min(0.02, 1.5 * samples * (host_s + 1e-5) + 5e-5);
  enqueue_spin(bench.stream, static_cast<std::uint64_t>(spin_s * 1e9));
  enqueue_stamp(bench.stream, bench.stamps);
  for (int i = 0; i < samples; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (flush) enqueue_read(bench.stream, bench.flush_data, bench.flush_bytes, bench.sink);
    WAFERWATT_CALL(cudaEventRecord(events.start[at], bench.stream));
    region.enqueue(bench.stream);
    WAFERWATT_CALL(cudaEventRecord(events.stop[at], bench.stream));
  }
  enqueue_stamp(bench.stream, bench.stamps + 1);
  bench.synchronize();
  Batch out;
  for (int i = 0; i < samples; ++i) {
    float ms = 0;
    WAFERWATT_CALL(
        cudaEventElapsedTime(&ms, events.start[static_cast<std::size_t>(i)], events.stop[static_cast<std::size_t>(i)]));
    out.us.push_back(1e3 * ms / region.copies);
  }
  std::array<Stamp, 2> stamps{};
  WAFERWATT_CALL(cudaMemcpy(stamps.data(), bench.stamps, sizeof stamps, cudaMemcpyDeviceToHost));
  const auto [begin, end] = stamps;
  // Cycle counters are per SM; times shorter than 20 us are too coarse for a rate.
  if (begin.sm == end.sm && end.nanoseconds > begin.nanoseconds + 20000)
    out.sm_mhz =
        1e3 * static_cast<double>(end.cycles - begin.cycles) / static_cast<double>(end.nanoseconds - begin.nanoseconds);
  return out;
}

/// For what the host takes part in: a host clock around enqueue and wait.
Sample host_timed(Bench& bench, const Operation& operation, const StopLimits& limits,
                  std::vector<double>* all_samples) {
  StopRule rule(limits);
  const auto start = Clock::now();
  std::optional<StopReason> reason;
  while (!(reason = rule.reason(seconds_since(start)))) {
    const auto begin = Clock::now();
    operation.enqueue(bench.stream, 0);
    bench.synchronize();
    const double s = seconds_since(begin);
    rule.add(1e6 * s, s);
  }
  if (all_samples) *all_samples = rule.samples();
  Sample out;
  out.us = summary(rule.samples());
  out.stop = to_text(*reason);
  out.timing = "host";
  return out;
}

}  // namespace

int cold_sets(const Bench& bench, const Point& point, double set_bytes) {
  if (!point.cold) return 1;
  return cold_rotation(set_bytes, 1,
                       {.l2_bytes = static_cast<double>(bench.info.l2_bytes), .most_bytes = bench.set_budget()})
      .sets;
}

CapturedGraph::CapturedGraph(Bench& bench, const Operation& operation, int copies) {
  cudaGraph_t graph = nullptr;
  if (cudaStreamBeginCapture(bench.stream, cudaStreamCaptureModeThreadLocal) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return;
  }
  bool complete = true;
  try {
    for (int i = 0; i < copies; ++i) operation.enqueue(bench.stream, i % operation.sets);
  } catch (const DeviceError&) {
    complete = false;  // a call that capture forbids
  }
  const cudaError_t ended = cudaStreamEndCapture(bench.stream, &graph);
  if (!complete || ended != cudaSuccess || cudaGraphInstantiate(&executable_, graph, 0) != cudaSuccess)
    executable_ = nullptr;
  static_cast<void>(cudaGetLastError());
  if (graph) cudaGraphDestroy(graph);
}

CapturedGraph::~CapturedGraph() {
  if (executable_) cudaGraphExecDestroy(executable_);
}

void CapturedGraph::launch(cudaStream_t stream) const { WAFERWATT_CALL(cudaGraphLaunch(executable_, stream)); }

Sample timed(Bench& bench, const Point& point, const Operation& operation, const StopLimits& limits,
             std::vector<double>* all_samples) {
  operation.enqueue(bench.stream, 0);  // modules load, libraries settle
  bench.synchronize();
  if (operation.timing == Operation::Timing::host) return host_timed(bench, operation, limits, all_samples);

  const auto begin = Clock::now();
  operation.enqueue(bench.stream, operation.sets - 1);
  const double host_s = seconds_since(begin);
  bench.synchronize();
  const Events events;
  const Region once{operation, nullptr, 1};
  const double estimate_us = median(batch(bench, once, 3, false, host_s, events).us);

  const RotationLimits rotation_limits{.l2_bytes = static_cast<double>(bench.info.l2_bytes),
                                       .most_bytes = operation.set_bytes * operation.sets};
  Rotation rotation = point.cold ? cold_rotation(operation.set_bytes, estimate_us, rotation_limits)
                                 : warm_rotation(estimate_us, rotation_limits);
  rotation.copies = std::max(rotation.copies / operation.sets, 1) * operation.sets;
  std::optional<CapturedGraph> graph;
  if (operation.timing == Operation::Timing::graph) graph.emplace(bench, operation, rotation.copies);
  const bool captured = graph && *graph;
  if (!captured) {
    rotation.copies = std::min(rotation.copies, kMostEventCopies);
    const int sets = std::min(rotation.copies, operation.sets);  // a set that comes again is in the L2
    rotation.flush = point.cold && sets * operation.set_bytes < 4 * rotation_limits.l2_bytes;
  }
  const Region region{operation, captured ? &*graph : nullptr, rotation.copies};
  const double region_host_s = captured ? 2e-5 : rotation.copies * host_s;
  // Without a graph one sample at a time, all of it in the launch queue before the spinning ends.
  const int samples =
      captured ? std::clamp(static_cast<int>(2e4 / std::max(estimate_us * rotation.copies, 1.0)), 1, kBatch) : 1;

  const auto start = Clock::now();
  double previous = 0;
  for (int i = 0; i < 10 && seconds_since(start) < 0.5 * limits.cap_s; ++i) {
    const double now = median(batch(bench, region, samples, rotation.flush, region_host_s, events).us);
    if (is_warm(previous, now)) break;
    previous = now;
  }
  StopRule rule(limits);
  Sample out;
  std::vector<double> clocks;
  const auto sampling = Clock::now();
  std::optional<StopReason> reason;
  while (!(reason = rule.reason(seconds_since(sampling)))) {
    const Batch b = batch(bench, region, samples, rotation.flush, region_host_s, events);
    for (const double us : b.us) rule.add(us, us * rotation.copies * 1e-6);
    if (b.sm_mhz > 0) clocks.push_back(b.sm_mhz);
  }
  // Asked while the device works: reasons are of the moment.
  for (double queued_us = 0; queued_us < kBusyUs; queued_us += std::max(estimate_us * rotation.copies, 1.0)) region.enqueue(bench.stream);
  out.clock_reasons = bench.nvml->clock_reasons();
  bench.synchronize();
  if (all_samples) *all_samples = rule.samples();
  out.us = summary(rule.samples());
  out.host_us = 1e6 * host_s;
  out.sm_mhz = clocks.empty() ? 0 : median(clocks);
  out.stop = to_text(*reason);
  out.timing = captured ? "graph" : "events";
  out.sets = std::min(operation.sets, rotation.copies), out.copies = rotation.copies, out.flush = rotation.flush;
  out.set_bytes = operation.set_bytes;
  return out;
}

}  // namespace waferwatt::calibration
