// SPDX-License-Identifier: Apache-2.0
#pragma once
// The power of synchronous training swings between computing and exchanging, thousands of accelerators at once. What a
// battery or capacitor and a floor under the power of waiting accelerators leave of it at the meter.
//
// One iteration is t_high at P_high and t_low at P_low. With a store of power B, energy E and round-trip efficiency eta
// the store gives b during t_high and takes b t_high / (eta t_low) during t_low:
//   b = min(B, E / t_high, eta B t_low / t_high, b_flat),   b_flat = (P_high - P_low) / (1 + t_high / (eta t_low))
// b_flat makes the meter constant. Before that, accelerators that wait burn power up to `floor`.
#include "waferwatt/core/quantity.hpp"

namespace waferwatt::power {

struct Swing {
  Power high, low;
  Time high_time, low_time;
};

struct Smoothing {
  Power store_power;
  Energy store_energy;
  double efficiency = 0.9;  ///< of a round trip
  Power floor;              ///< waiting accelerators are kept at it
};

struct SmoothedSwing {
  Power high, low;      ///< at the meter
  Power mean, raw_mean;
  Power store_use;      ///< b
  Energy energy_used;   ///< of the store, per iteration
  Power amplitude() const { return high - low; }
};

SmoothedSwing smooth(const Swing&, const Smoothing&);

/// The smallest store that makes the meter constant.
Smoothing flat_store(const Swing&, double efficiency = 0.9);

/// Time in which a load of this size may come or go under a ramp limit, and the energy burnt or forgone meanwhile.
struct RampCost {
  Time duration;
  Energy energy;
};
RampCost ramp_cost(Power step, decltype(watt / second) limit);

}  // namespace waferwatt::power
