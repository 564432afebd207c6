// SPDX-License-Identifier: Apache-2.0
#pragma once
// Device memory as numbers on the host, for checks.
#include "calibration/device/bench.hpp"
#include "calibration/reference.hpp"

namespace waferwatt::calibration {

template <class T>
Values download(Bench& bench, const T* data, std::size_t n) {
  std::vector<T> raw(n);
  WAFERWATT_CALL(cudaMemcpyAsync(raw.data(), data, n * sizeof(T), cudaMemcpyDeviceToHost, bench.stream));
  bench.synchronize();
  Values out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<double>(static_cast<float>(raw[i]));
  return out;
}

template <class T>
void upload(Bench& bench, T* data, const std::vector<T>& values) {
  WAFERWATT_CALL(cudaMemcpyAsync(data, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice, bench.stream));
  bench.synchronize();
}

/// Fills an output with NaN (all bits set), so that what was not written shows.
inline void poison(Bench& bench, void* data, std::size_t bytes) {
  WAFERWATT_CALL(cudaMemsetAsync(data, 0xFF, bytes, bench.stream));
}

inline Check checked(std::string op, std::string format, double error, double limit) {
  return {std::move(op), std::move(format), error, limit, error <= limit, ""};
}

}  // namespace waferwatt::calibration
