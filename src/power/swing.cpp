// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/power/swing.hpp"

#include <algorithm>

namespace waferwatt::power {
namespace {

Power flat_use(const Swing& s, Power low, double efficiency) { return (s.high - low) / (1 + s.high_time / (efficiency * s.low_time)); }

}  // namespace

SmoothedSwing smooth(const Swing& s, const Smoothing& m) {
  const Time period = s.high_time + s.low_time;
  const Power low = std::clamp(m.floor, s.low, std::max(s.high, s.low));
  SmoothedSwing out{.high = s.high, .low = low, .raw_mean = (s.high_time * s.high + s.low_time * s.low) / period};
  if (m.store_power > 0 * watt && s.high_time > 0 * second && s.low_time > 0 * second)
    out.store_use = std::min({m.store_power, m.store_energy / s.high_time, m.efficiency * m.store_power * (s.low_time / s.high_time), flat_use(s, low, m.efficiency)});
  out.high -= out.store_use;
  out.low += out.store_use * (s.high_time / (m.efficiency * s.low_time));
  out.energy_used = out.store_use * s.high_time;
  out.mean = (s.high_time * out.high + s.low_time * out.low) / period;
  return out;
}

Smoothing flat_store(const Swing& s, double efficiency) {
  const Power use = flat_use(s, s.low, efficiency);
  return {.store_power = std::max(use, use * (s.high_time / (efficiency * s.low_time))), .store_energy = use * s.high_time, .efficiency = efficiency};
}

RampCost ramp_cost(Power step, decltype(watt / second) limit) {
  const Time duration = step / limit;
  return {duration, 0.5 * step * duration};
}

}  // namespace waferwatt::power
