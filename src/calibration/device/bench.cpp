// SPDX-License-Identifier: Apache-2.0
#include "calibration/device/bench.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "calibration/document.hpp"

namespace waferwatt::calibration {
namespace {

int attribute(cudaDeviceAttr name, int device) {
  int value = 0;
  WAFERWATT_CALL(cudaDeviceGetAttribute(&value, name, device));
  return value;
}

std::string pci_bus_id(int device) {
  std::array<char, 32> text{};
  WAFERWATT_CALL(cudaDeviceGetPCIBusId(text.data(), static_cast<int>(text.size()), device));
  return text.data();
}

/// The value after the first line that starts with the key.
std::string line_value(const char* file, const std::string& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key)) {
      const auto at = line.find_first_of(":=");
      auto value = at == std::string::npos ? "" : line.substr(at + 1);
      value.erase(0, value.find_first_not_of(" \t\""));
      value.erase(value.find_last_not_of(" \t\"") + 1);
      return value;
    }
  return "";
}

}  // namespace

DeviceInfo device_info(int device, const Nvml& nvml) {
  cudaDeviceProp properties{};
  WAFERWATT_CALL(cudaGetDeviceProperties(&properties, device));
  DeviceInfo d;
  d.name = properties.name;
  d.pci = pci_bus_id(device);
  d.capability = 10 * properties.major + properties.minor;
  d.sms = properties.multiProcessorCount;
  d.l2_bytes = properties.l2CacheSize;
  d.memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem);
  d.bus_bits = attribute(cudaDevAttrGlobalMemoryBusWidth, device);
  d.memory_clock_mhz = attribute(cudaDevAttrMemoryClockRate, device) / 1000.0;
  d.clock_max_mhz = attribute(cudaDevAttrClockRate, device) / 1000.0;
  d.ecc = properties.ECCEnabled != 0;
  d.uuid_hash =
      hashed(nvml.uuid().empty() ? std::string(properties.uuid.bytes, sizeof properties.uuid.bytes) : nvml.uuid());
  d.vbios = nvml.vbios();
  d.mig = nvml.mig();
  d.power_limit_w = nvml.power_limit_w();
  d.temperature_start_c = nvml.temperature_c();
  d.pcie_generation = nvml.pcie_generation();
  d.pcie_width = nvml.pcie_width();
  return d;
}

Bench::Bench(int device_number, std::uint64_t seed) : device(device_number), seed_(seed) {
  nvml = std::make_unique<Nvml>(pci_bus_id(device));
  // Before the context exists: what others do on the device.
  const auto utilisation = nvml->utilisation();
  WAFERWATT_CALL(cudaSetDevice(device));
  WAFERWATT_CALL(cudaFree(nullptr));
  info = device_info(device, *nvml);
  info.utilisation_start = utilisation;
  info.other_processes = nvml->other_processes();
  std::size_t free = 0, total = 0;
  WAFERWATT_CALL(cudaMemGetInfo(&free, &total));
  // 40 GiB hold every point of the sweep; the libraries take theirs from the rest.
  pool = std::make_unique<Pool>(std::min<std::size_t>(free / 5 * 4, std::size_t{40} << 30));
  WAFERWATT_CALL(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  WAFERWATT_CALL(cublasLtCreate(&lt));
  WAFERWATT_CALL(cublasCreate(&blas));
  WAFERWATT_CALL(cublasSetStream(blas, stream));
  WAFERWATT_CALL(cudnnCreate(&dnn));
  WAFERWATT_CALL(cudnnSetStream(dnn, stream));
  workspace = pool->take<char>(kWorkspaceBytes);
  WAFERWATT_CALL(cublasSetWorkspace(blas, workspace, kWorkspaceBytes));
  flush_bytes = 2 * static_cast<std::size_t>(info.l2_bytes);
  flush_data = pool->take<char>(flush_bytes);
  sink = pool->take<float>(1);
  stamps = pool->take<Stamp>(2);
  pool->keep();
  fill_normal(stream, static_cast<__nv_bfloat16*>(flush_data), flush_bytes / 2, next_seed());
  synchronize();
}

Bench::~Bench() {
  if (dnn) cudnnDestroy(dnn);
  if (blas) cublasDestroy(blas);
  if (lt) cublasLtDestroy(lt);
  if (stream) cudaStreamDestroy(stream);
}

io::Value software_versions(const Nvml& nvml) {
  int runtime = 0, driver_api = 0, nccl = 0;
  WAFERWATT_CALL(cudaRuntimeGetVersion(&runtime));
  WAFERWATT_CALL(cudaDriverGetVersion(&driver_api));
  WAFERWATT_CALL(ncclGetVersion(&nccl));
  io::Value out;
  out["driver"] = io::Value{nvml.driver()};
  out["cuda_driver_api"] = io::Value{driver_api};
  out["cuda_runtime"] = io::Value{runtime};
  out["cuda_headers"] = io::Value{CUDART_VERSION};
  out["cublaslt"] = io::Value{static_cast<std::int64_t>(cublasLtGetVersion())};
  out["cudnn"] = io::Value{static_cast<std::int64_t>(cudnnGetVersion())};
  out["nccl"] = io::Value{nccl};
  out["os"] = io::Value{line_value("/etc/os-release", "PRETTY_NAME")};
  return out;
}

io::Value host_description() {
  utsname names{};
  io::Value out;
  out["cpu"] = io::Value{line_value("/proc/cpuinfo", "model name")};
  if (uname(&names) == 0) out["kernel"] = io::Value{std::string{names.release}};
  const std::string flags = line_value("/proc/cpuinfo", "flags");
  out["virtualised"] = io::Value{flags.find("hypervisor") != std::string::npos};
  return out;
}

}  // namespace waferwatt::calibration
