// SPDX-License-Identifier: Apache-2.0
#pragma once
// The part of NVIDIA's management library that is needed, loaded at run time: the driver brings it,
// toolkits do not. Everything is read, nothing is set; what a machine does not tell is empty.
#include <cstdint>
#include <optional>
#include <string>

namespace waferwatt::calibration {

class Nvml {
 public:
  /// Loads the library and finds the device; available() is false if either fails.
  explicit Nvml(const std::string& pci_bus_id);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  bool available() const { return device_ != nullptr; }
  std::optional<double> power_w() const;          ///< the driver's running mean (1 s on most devices)
  std::optional<double> power_instant_w() const;
  std::optional<double> energy_j() const;         ///< since the driver was loaded
  std::optional<double> power_limit_w() const;
  std::optional<double> sm_clock_mhz() const;
  std::optional<double> temperature_c() const;
  std::optional<double> utilisation() const;      ///< per cent, of the last period
  std::uint64_t clock_reasons() const;            ///< 0 if unknown
  std::optional<bool> mig() const;
  std::optional<int> other_processes() const;     ///< processes with a context, this one not counted
  int pcie_generation() const;
  int pcie_width() const;
  std::string driver() const;
  std::string vbios() const;
  std::string uuid() const;

 private:
  template <class F>
  F symbol(const char* name) const;
  std::optional<double> unsigned_value(const char* name, double scale) const;
  std::string text(const char* name, bool of_device) const;
  void* library_ = nullptr;
  void* device_ = nullptr;
};

}  // namespace waferwatt::calibration
