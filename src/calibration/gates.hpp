// SPDX-License-Identifier: Apache-2.0
#pragma once
// What makes a point or a run doubtful. Nothing is dropped: points carry flags, runs carry gates.
#include <string>
#include <vector>

#include "calibration/measurement.hpp"

namespace waferwatt::calibration {

/// `above_peak` (rate above the arithmetic peak at the measured clock, 2 % allowed), `above_bandwidth`
/// (working set beyond the L2, yet faster than the memory), `l2_resident` (all operands fit the L2 and were
/// not kept cold), `power_capped`, `thermal`, `hw_slowdown`, `low_clock` (below 75 % of the highest),
/// `passes_differ` (medians of the passes more than 10 % apart), `noisy` (p90 above 1.25 p10).
std::vector<std::string> flags(const Measurement& measurement, const DeviceInfo& device);

/// Physics, correctness, drift of the sentinels (5 %), exclusive use; on an H200 also the ranges that
/// healthy cards have shown. A gate whose point was not measured is absent.
std::vector<Gate> gates(const Run& run);

/// Largest sentinel rate over the smallest, less one; of the GEMM or the copy, whichever moved more.
double sentinel_drift(const std::vector<Sentinel>& sentinels);

/// "ok", "suspect" (a gate failed), "partial" (the device stopped or time ran out before every point had a pass).
std::string status(const Run& run, const std::vector<Gate>& gates);

}  // namespace waferwatt::calibration
