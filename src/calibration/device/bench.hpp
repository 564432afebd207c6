// SPDX-License-Identifier: Apache-2.0
#pragma once
// The device with its libraries and memory: what every operator works on.
#include <cublas_v2.h>

#include <memory>
#include <string>

#include "calibration/device/check.hpp"
#include "calibration/device/kernels.hpp"
#include "calibration/device/nvml.hpp"
#include "calibration/device/pool.hpp"
#include "calibration/measurement.hpp"

namespace waferwatt::calibration {

class Bench {
 public:
  /// \throws DeviceError if the device or a library does not start
  Bench(int device, std::uint64_t seed);
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  /// A seed of its own for each set of data.
  std::uint64_t next_seed() { return seed_ = seed_ * 6364136223846793005ull + 1442695040888963407ull; }
  void synchronize() const { WAFERWATT_CALL(cudaStreamSynchronize(stream)); }
  /// Bytes for all operand sets of a point.
  double set_budget() const { return 0.9 * static_cast<double>(pool->left()); }

  int device;
  DeviceInfo info;
  std::unique_ptr<Nvml> nvml;
  std::unique_ptr<Pool> pool;
  cudaStream_t stream = nullptr;
  cublasLtHandle_t lt = nullptr;
  cublasHandle_t blas = nullptr;
  cudnnHandle_t dnn = nullptr;
  void* workspace = nullptr;  ///< for cuBLAS
  static constexpr std::size_t kWorkspaceBytes = 64u << 20;
  void* flush_data = nullptr;  ///< twice the L2
  std::size_t flush_bytes = 0;
  float* sink = nullptr;
  Stamp* stamps = nullptr;  ///< two

 private:
  std::uint64_t seed_;
};

/// Name, sizes, clocks and state as the runtime and NVML tell them.
DeviceInfo device_info(int device, const Nvml& nvml);

/// Versions of driver and libraries.
io::Value software_versions(const Nvml& nvml);

/// Processor, kernel, and whether this is a virtual machine.
io::Value host_description();

}  // namespace waferwatt::calibration
