// SPDX-License-Identifier: Apache-2.0
#include "calibration/device/check.hpp"

#include <algorithm>
#include <array>

namespace waferwatt::calibration {
namespace {

[[noreturn]] void fail(const char* call, const std::string& status) {
  std::string text = call + (" -> " + status);
  std::replace(text.begin(), text.end(), '\n', ' ');
  throw DeviceError(text);
}

}  // namespace

void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // a failure that does not stick must not fail the next call too
  fail(call, std::string{cudaGetErrorName(status)} + ": " + cudaGetErrorString(status));
}

void check(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) fail(call, cublasLtGetStatusName(status));
}

void check(cudnnStatus_t status, const char* call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  std::array<char, 512> reason{};
  cudnnGetLastErrorString(reason.data(), reason.size());
  fail(call, std::string{cudnnGetErrorString(status)} + " " + reason.data());
}

void check(ncclResult_t status, const char* call) {
  if (status != ncclSuccess) fail(call, ncclGetErrorString(status));
}

}  // namespace waferwatt::calibration
