// SPDX-License-Identifier: Apache-2.0
#include "calibration/architecture.hpp"

namespace waferwatt::calibration {

double work_per_sm_clock(int capability, std::string_view format) {
  double bf16 = 0;
  bool has_fp8 = true;
  switch (capability) {
    case 80: bf16 = 2048, has_fp8 = false; break;
    case 86: bf16 = 512, has_fp8 = false; break;
    case 89: bf16 = 1024; break;
    case 90: bf16 = 4096; break;
    case 100:
    case 103: bf16 = 8192; break;
    case 120: bf16 = 1024; break;
    default: return 0;
  }
  if (format == "bf16") return bf16;
  if (format == "int8") return 2 * bf16;
  return has_fp8 && format.starts_with("fp8") ? 2 * bf16 : 0;
}

double peak_rate(int capability, std::string_view format, int sms, double clock_mhz) {
  return work_per_sm_clock(capability, format) * sms * clock_mhz * 1e6;
}

double memory_rate(double memory_clock_mhz, int bus_bits) { return 2 * memory_clock_mhz * 1e6 * bus_bits / 8; }

}  // namespace waferwatt::calibration
