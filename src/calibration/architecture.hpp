// SPDX-License-Identifier: Apache-2.0
#pragma once
// Ceilings that follow from the device's own description.
#include <string_view>

namespace waferwatt::calibration {

/// Dense tensor-core operations per SM and clock of a compute capability (10 major + minor) in a format;
/// 0 if unknown. Source: NVIDIA's white papers of Ampere, Ada, Hopper and Blackwell.
double work_per_sm_clock(int capability, std::string_view format);

/// Operations per second at a clock.
double peak_rate(int capability, std::string_view format, int sms, double clock_mhz);

/// Bytes per second of the memory: two transfers per clock on the bus width.
double memory_rate(double memory_clock_mhz, int bus_bits);

}  // namespace waferwatt::calibration
