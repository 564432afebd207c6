// SPDX-License-Identifier: Apache-2.0
// waferwatt-calibrate: see usage().
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>

#include "calibration/device/check.hpp"
#include "calibration/device/session.hpp"
#include "waferwatt/core/diagnostic.hpp"

namespace {

using namespace waferwatt;

constexpr int kFault = 1, kUsage = 2, kNoGpu = 3;

/// Why there is nothing to measure on; empty if there is.
std::string no_gpu_reason(int device) {
  int n = 0;
  const cudaError_t status = cudaGetDeviceCount(&n);
  if (status != cudaSuccess) return std::string{"CUDA finds no usable GPU: "} + cudaGetErrorString(status);
  if (n == 0) return "CUDA finds no GPU";
  if (device >= n) return "there is no GPU " + std::to_string(device) + ": CUDA sees " + std::to_string(n);
  return "";
}

int run(const std::vector<std::string>& words) {
  const calibration::Arguments arguments = calibration::parse_arguments(words);
  if (arguments.help) {
    std::fputs(calibration::usage().c_str(), stdout);
    return 0;
  }
  if (arguments.list) {
    std::fputs(calibration::plan_text(arguments).c_str(), stdout);
    return 0;
  }
  if (const std::string reason = no_gpu_reason(arguments.device); !reason.empty()) {
    std::fprintf(stderr, "waferwatt-calibrate: %s; nothing measured, nothing written.\nThis program measures:\n%s",
                 reason.c_str(), calibration::plan_text(arguments).c_str());
    return kNoGpu;
  }
  if (std::filesystem::exists(arguments.output) && !arguments.force)
    throw core::InputError(arguments.output + " exists; --force overwrites it, -o names another");
  // Minutes of measurements must not end at a file that cannot be written.
  if (const std::string part = arguments.output + ".part"; !std::ofstream(part, std::ios::app))
    throw core::InputError("cannot write " + part);
  return calibration::calibrate(arguments, words);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const core::InputError& error) {
    std::fprintf(stderr, "waferwatt-calibrate: %s\n", error.what());
    return kUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "waferwatt-calibrate: %s\n", error.what());
    return kFault;
  }
}
