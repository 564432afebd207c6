// SPDX-License-Identifier: Apache-2.0
#include "calibration/device/nvml.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <vector>

namespace waferwatt::calibration {
namespace {

using Status = int;  // nvmlReturn_t: 0 is success
using Device = void*;

// Layouts of nvml.h, which neither the toolkit nor the driver installs everywhere.
struct FieldValue {
  unsigned field, scope;
  long long timestamp, latency_us;
  int type;
  Status status;
  union {
    double real;
    unsigned integer;
    unsigned long long wide;
  } value;
};
struct Utilisation {
  unsigned gpu, memory;
};
struct ProcessInfo {  // nvmlProcessInfo_v2_t
  unsigned pid;
  unsigned long long used_memory;
  unsigned gpu_instance, compute_instance;
};

constexpr unsigned kPowerInstant = 186;  // NVML_FI_DEV_POWER_INSTANT, mW
constexpr int kSmClock = 1;              // NVML_CLOCK_SM
constexpr int kGpuTemperature = 0;

}  // namespace

template <class F>
F Nvml::symbol(const char* name) const {
  return library_ ? reinterpret_cast<F>(dlsym(library_, name)) : nullptr;
}

Nvml::Nvml(const std::string& pci_bus_id) {
  library_ = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  const auto init = symbol<Status (*)()>("nvmlInit_v2");
  const auto find = symbol<Status (*)(const char*, Device*)>("nvmlDeviceGetHandleByPciBusId_v2");
  if (!init || !find || init() != 0) return;
  if (find(pci_bus_id.c_str(), &device_) != 0) device_ = nullptr;
}

Nvml::~Nvml() {
  if (const auto shutdown = symbol<Status (*)()>("nvmlShutdown")) shutdown();
  if (library_) dlclose(library_);
}

std::optional<double> Nvml::unsigned_value(const char* name, double scale) const {
  unsigned value = 0;
  const auto call = symbol<Status (*)(Device, unsigned*)>(name);
  if (!device_ || !call || call(device_, &value) != 0) return {};
  return value * scale;
}

std::optional<double> Nvml::power_w() const { return unsigned_value("nvmlDeviceGetPowerUsage", 1e-3); }

std::optional<double> Nvml::power_limit_w() const { return unsigned_value("nvmlDeviceGetEnforcedPowerLimit", 1e-3); }

std::optional<double> Nvml::power_instant_w() const {
  const auto call = symbol<Status (*)(Device, int, FieldValue*)>("nvmlDeviceGetFieldValues");
  FieldValue field{};
  field.field = kPowerInstant;
  if (!device_ || !call || call(device_, 1, &field) != 0 || field.status != 0) return {};
  return field.value.integer * 1e-3;
}

std::optional<double> Nvml::energy_j() const {
  unsigned long long millijoules = 0;
  const auto call = symbol<Status (*)(Device, unsigned long long*)>("nvmlDeviceGetTotalEnergyConsumption");
  if (!device_ || !call || call(device_, &millijoules) != 0) return {};
  return static_cast<double>(millijoules) * 1e-3;
}

std::optional<double> Nvml::sm_clock_mhz() const {
  unsigned value = 0;
  const auto call = symbol<Status (*)(Device, int, unsigned*)>("nvmlDeviceGetClockInfo");
  if (!device_ || !call || call(device_, kSmClock, &value) != 0) return {};
  return value;
}

std::optional<double> Nvml::temperature_c() const {
  unsigned value = 0;
  const auto call = symbol<Status (*)(Device, int, unsigned*)>("nvmlDeviceGetTemperature");
  if (!device_ || !call || call(device_, kGpuTemperature, &value) != 0) return {};
  return value;
}

std::optional<double> Nvml::utilisation() const {
  Utilisation value{};
  const auto call = symbol<Status (*)(Device, Utilisation*)>("nvmlDeviceGetUtilizationRates");
  if (!device_ || !call || call(device_, &value) != 0) return {};
  return value.gpu;
}

std::uint64_t Nvml::clock_reasons() const {
  unsigned long long value = 0;
  auto call = symbol<Status (*)(Device, unsigned long long*)>("nvmlDeviceGetCurrentClocksEventReasons");
  if (!call) call = symbol<Status (*)(Device, unsigned long long*)>("nvmlDeviceGetCurrentClocksThrottleReasons");
  return device_ && call && call(device_, &value) == 0 ? value : 0;
}

std::optional<bool> Nvml::mig() const {
  unsigned current = 0, pending = 0;
  const auto call = symbol<Status (*)(Device, unsigned*, unsigned*)>("nvmlDeviceGetMigMode");
  if (!device_ || !call || call(device_, &current, &pending) != 0) return {};
  return current != 0;
}

std::optional<int> Nvml::other_processes() const {
  std::array<ProcessInfo, 64> processes{};
  auto count = static_cast<unsigned>(processes.size());
  const auto call = symbol<Status (*)(Device, unsigned*, ProcessInfo*)>("nvmlDeviceGetComputeRunningProcesses_v3");
  if (!device_ || !call || call(device_, &count, processes.data()) != 0) return {};
  // A container may see its own process under another number: one process is taken to be this one.
  return count > 0 ? static_cast<int>(count) - 1 : 0;
}

int Nvml::pcie_generation() const {
  return static_cast<int>(unsigned_value("nvmlDeviceGetCurrPcieLinkGeneration", 1).value_or(0));
}

int Nvml::pcie_width() const {
  return static_cast<int>(unsigned_value("nvmlDeviceGetCurrPcieLinkWidth", 1).value_or(0));
}

std::string Nvml::text(const char* name, bool of_device) const {
  std::array<char, 128> out{};
  if (of_device) {
    const auto call = symbol<Status (*)(Device, char*, unsigned)>(name);
    if (!device_ || !call || call(device_, out.data(), out.size()) != 0) return "";
  } else {
    const auto call = symbol<Status (*)(char*, unsigned)>(name);
    if (!device_ || !call || call(out.data(), out.size()) != 0) return "";
  }
  return out.data();
}

std::string Nvml::driver() const { return text("nvmlSystemGetDriverVersion", false); }
std::string Nvml::vbios() const { return text("nvmlDeviceGetVbiosVersion", true); }
std::string Nvml::uuid() const { return text("nvmlDeviceGetUUID", true); }

}  // namespace waferwatt::calibration
