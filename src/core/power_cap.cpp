// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/power_cap.hpp"

#include <algorithm>

#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::core {
namespace {

Capped at_clock(const Draw& draw, double clock, const ClockCurve& curve) {
  const double voltage = std::max(curve.least_voltage, clock);
  const double slowdown = draw.clock_share / clock + 1 - draw.clock_share;
  return {clock, slowdown, draw.idle + (voltage * voltage * draw.core + draw.memory) / slowdown};
}

}  // namespace

double ClockCurve::core_power(double clock) const {
  const double voltage = std::max(least_voltage, clock);
  return clock * voltage * voltage;
}

Capped capped(const Draw& draw, Power cap, const ClockCurve& curve) {
  if (cap <= Power{}) throw InputError("a power cap must be above 0");
  if (draw.total() <= cap) return {.power = draw.total()};
  double low = curve.least_clock, high = 1;
  if (at_clock(draw, low, curve).power > cap) return at_clock(draw, low, curve);
  // Power grows with the clock; 40 halvings are exact to a double's needs.
  for (int i = 0; i < 40; ++i) {
    const double middle = 0.5 * (low + high);
    (at_clock(draw, middle, curve).power > cap ? high : low) = middle;
  }
  return at_clock(draw, low, curve);
}

}  // namespace waferwatt::core
