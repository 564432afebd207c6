// SPDX-License-Identifier: Apache-2.0
#pragma once
// Who bears a power limit; what it costs in speed is core/power_cap.hpp.
#include <cstdint>
#include <span>
#include <vector>

#include "waferwatt/core/quantity.hpp"

namespace waferwatt::power {

/// Of a server's rated power, drawn whatever the clock: an idle H100 takes 12 % of 700 W, the server around it 26 % of 575 W.
inline constexpr double kStaticFraction = 0.2;
/// No cap below this part of the TDP: drivers refuse lower ones, and the curve was fitted above.
inline constexpr double kLowestCap = 0.4;

/// Speed under a cap over that without, 0 to 1; cap and static part relative to the power that is needed.
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
