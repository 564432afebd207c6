// SPDX-License-Identifier: Apache-2.0
#pragma once
// Work that goes on for seconds: sustained rates and power.
#include "calibration/device/operators.hpp"

namespace waferwatt::calibration {

struct Steady {
  double seconds = 0;
  double operations = 0;
  std::optional<double> watts_energy, watts_p50, watts_average;
  double sm_mhz = 0;
  std::uint64_t clock_reasons = 0;
};

/// Repeats an operation back to back; with a duty below 1 it rests for the rest of each 100 ms.
/// \param operation nothing: idle
Steady steady(Bench& bench, const Operation* operation, double seconds, double duty = 1);

/// The power states of the profile. Zeros are measured as a diagnostic of power capping only.
std::vector<PowerState> power_states(Bench& bench, Profile profile);

/// A few points sustained for seconds each.
std::vector<Measurement> sustained_points(Bench& bench, Profile profile);

/// Matrix product beside a copy, and on fewer multiprocessors.
std::vector<Measurement> overlap_points(Bench& bench);

/// bf16 8192^3 and a copy of 1 GiB: what must not drift during a run.
Sentinel sentinel(Bench& bench, double at_s);

}  // namespace waferwatt::calibration
