// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a run takes, before it runs: how long points are sampled, what the steady part needs, and the time of a pass.
#include <string>
#include <vector>

#include "calibration/stop_rule.hpp"
#include "calibration/sweep.hpp"

namespace waferwatt::calibration {

/// When a point has been sampled enough, in the first pass or the second.
StopLimits stop_limits(Profile profile, int pass);

/// One power state: an operation repeated, with a duty below 1 at rest for the rest of each 100 ms.
struct PowerCase {
  std::string name;
  Point point;
  bool zeros = false;  ///< operands of a matrix product
  double duty = 1;
};
/// Beside idle. Zeros are measured as a diagnostic of power capping only.
std::vector<PowerCase> power_cases(Profile profile);
double power_case_s(Profile profile);

/// Points that are repeated for kSustainedSeconds each.
std::vector<Point> sustained_sweep(Profile profile);
inline constexpr double kSustainedSeconds = 2;

/// Products on all multiprocessors and on so many fewer; one more runs beside a copy.
inline constexpr int kOverlapFewer[] = {0, 8, 20};
inline constexpr double kOverlapSeconds = 1;

/// Of which the first is left out: what runs before a steady state is measured.
double settling_s(double seconds);

/// Sustained points, power states and overlap together, with preparing them.
double steady_work_s(Profile profile);
/// Collectives of several GPUs; 0 for one.
double collectives_s(Profile profile, int gpus);

/// A device for estimates: half of the peaks is what an operation reaches in the mean.
struct DeviceRates {
  double flops_per_s = 0, bytes_per_s = 0, l2_bytes = 0;  ///< bf16
};
inline constexpr DeviceRates kH200{989e12, 4.8e12, 60e6};

enum class Noise {
  quiet,  ///< every point stops at its least time
  usual,  ///< noise is measured until it no longer falls
  never   ///< every point goes to the cap
};
/// Wall time of one pass over the points. \param compiles cuDNN's plans are not known yet
double pass_s(const std::vector<Point>& points, const StopLimits& limits, const DeviceRates& device, Noise noise, bool compiles);

}  // namespace waferwatt::calibration
