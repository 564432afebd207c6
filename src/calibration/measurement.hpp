// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a run found out, before it is written.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/point.hpp"
#include "calibration/statistics.hpp"
#include "waferwatt/io/value.hpp"

namespace waferwatt::calibration {

struct DeviceInfo {
  std::string name, pci, uuid_hash, vbios;
  int capability = 0;  ///< 10 major + minor
  int sms = 0, bus_bits = 0;
  std::int64_t l2_bytes = 0, memory_bytes = 0;
  double clock_max_mhz = 0, memory_clock_mhz = 0;
  std::optional<double> power_limit_w, temperature_start_c, temperature_end_c, utilisation_start;
  bool ecc = false;
  std::optional<bool> mig;
  std::optional<int> other_processes;
  int pcie_generation = 0, pcie_width = 0;
};

/// Clock-event reasons as NVML gives them.
inline constexpr std::uint64_t kSoftwarePowerCap = 0x4, kHardwareSlowdown = 0x8, kSoftwareThermal = 0x20,
                               kHardwareThermal = 0x40, kPowerBrake = 0x80;

/// One pass over one point.
struct Sample {
  Summary us;            ///< time of one operation, us
  double host_us = 0;    ///< host time to enqueue one operation without a graph, us
  double sm_mhz = 0;     ///< mean over the timed region; 0 if not read
  std::string stop;      ///< noise, stable_noise, cap
  std::string timing;    ///< graph, events, host
  std::uint64_t clock_reasons = 0;
  int sets = 1, copies = 1;
  bool flush = false;
  double set_bytes = 0;  ///< memory of one operand set, bytes
};

/// The reason of a point that no pass has reached.
inline constexpr std::string_view kTimeLimit = "time limit";

struct Measurement {
  Point point;
  std::string mode = "burst";  ///< burst, sustained
  std::vector<Sample> passes;  ///< empty: not measured, see `reason`
  io::Value algorithm;         ///< what the library chose
  std::string reason;          ///< why it was not measured
  std::optional<double> power_w;
};

/// Correctness of one operator and format against double precision on the host.
struct Check {
  std::string op, format;
  double relative_error = 0;  ///< ||out - reference|| / ||reference||
  double limit = 0;
  bool pass = false;
  std::string reason;  ///< why it could not be checked
};

struct Sentinel {
  double at_s = 0, gemm_tflops = 0, copy_tb_per_s = 0, sm_mhz = 0;
  std::optional<double> power_w;
  std::uint64_t clock_reasons = 0;
  std::vector<double> gemm_samples_us;
};

struct PowerState {
  std::string state;
  double seconds = 0;
  std::optional<double> watts_energy, watts_p50, watts_average;  ///< counter difference, instant, NVML's own mean
  double sm_mhz = 0;
  double flops_per_s = 0, bytes_per_s = 0;
  std::uint64_t clock_reasons = 0;
};

struct Gate {
  std::string name;
  double value = 0, low = 0, high = 0;
  bool pass = false;
};

struct Run {
  DeviceInfo device;
  io::Value tool, host, software, method;
  std::string created_utc;
  double duration_s = 0;
  std::vector<Measurement> measurements;
  std::vector<Check> checks;
  std::vector<Sentinel> sentinels;
  std::vector<PowerState> power;
  std::vector<Measurement> overlap;
  std::vector<Measurement> collectives;  ///< of several GPUs; empty on one
  int gpus = 1;
  std::vector<std::string> not_measured;  ///< what and why
  bool aborted = false;                   ///< the device stopped working
};

}  // namespace waferwatt::calibration
