// SPDX-License-Identifier: Apache-2.0
#pragma once
// Every call of a vendor library goes through here, so that a failure names the call.
#include <cublasLt.h>
#include <cuda_runtime.h>
#include <cudnn.h>
#include <nccl.h>

#include <stdexcept>
#include <string>

namespace waferwatt::calibration {

/// A vendor call failed; what() is `call -> status`.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The library or the device has no implementation of this point; what() is the reason.
class Unsupported : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// \throws DeviceError unless the status is success
void check(cudaError_t status, const char* call);
void check(cublasStatus_t status, const char* call);
void check(cudnnStatus_t status, const char* call);
void check(ncclResult_t status, const char* call);

}  // namespace waferwatt::calibration

#define WAFERWATT_CALL(call) ::waferwatt::calibration::check((call), #call)
