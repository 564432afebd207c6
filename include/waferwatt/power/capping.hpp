// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a power limit costs in speed, and who bears it.
//
// Below the power it needs an accelerator lowers its clock f until static and dynamic power fit:
//   cap = s TDP + (needed - s TDP) f^3,   speed = 1 / (1 - c + c / f)
// with s the static part and c the part of the time that goes with the clock. s = 0.2 is fitted to V100; P100 and A40 were
// held out (docs/models/power.md).
#include <cstdint>
#include <span>
#include <vector>

#include "waferwatt/core/quantity.hpp"

namespace waferwatt::power {

inline constexpr double kStaticFraction = 0.2;
/// No cap below this part of the TDP: drivers refuse lower ones, and the curve was fitted above.
inline constexpr double kLowestCap = 0.4;

/// Speed under a cap over that without, 0 to 1.
double capped_speed(Power cap, Power needed, Power tdp, double clock_bound = 1);

/// The same with all powers relative to what is needed.
double capped_speed(double cap, double static_part, double clock_bound);

enum class CapPolicy { uniform, priority, inference_first };

/// One load that can be slowed.
struct CappedLoad {
  Power needed, floor;
  double priority = 0;  ///< higher is served first
  bool is_serving = false;
};

/// Power of each load, between its floor and what it needs, so that the sum is at most `available`; the floors where even
/// those do not fit. Uniform: all give up the same part of what is between. Priority: the lowest give first.
/// Inference first: serving gives last, training uniformly.
std::vector<Power> share_power(CapPolicy, Power available, std::span<const CappedLoad>);

}  // namespace waferwatt::power
