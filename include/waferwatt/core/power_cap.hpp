// SPDX-License-Identifier: Apache-2.0
#pragma once
// How much slower work runs, and what it draws, under a power cap: of an operator, a training step, a site.
//
// A cap lowers the clock f (1: full), and with it the voltage V, down to the least voltage that the circuits need:
//
// (1)  V(f) = max(v, f)
// (2)  slowdown = c / f + 1 - c
// (3)  power = idle + (core V(f)^2 + memory) / slowdown
//
// c is the share of time that follows the clock: what memory does not fill at its peak. The clock is the highest
// whose power is within the cap. v is 0.82, fitted to training on V100 and A40 under caps of half the
// limit and more (Zeus): slowdowns to 3 % in the median, also on P100. Below that real clocks fall in steps, and much further.
#include "waferwatt/core/quantity.hpp"

namespace waferwatt::core {

struct ClockCurve {
  double least_voltage = 0.82;  ///< over the voltage at full clock
  double least_clock = 0.15;    ///< over the full clock

  /// Power of the circuits that follow the clock, over that at full clock: f V(f)^2.
  double core_power(double clock) const;
};

/// What an accelerator or a group of them draws without a cap, and how much of its time follows the clock.
struct Draw {
  Power idle, core, memory;  ///< core and memory: above idle
  double clock_share = 1;

  Power total() const { return idle + core + memory; }
};

struct Capped {
  double clock = 1;     ///< of the full clock
  double slowdown = 1;  ///< time over time without the cap
  Power power;          ///< above the cap where even the least clock draws more
};

/// The work under a cap. \throws InputError for a cap that is not above 0
Capped capped(const Draw& draw, Power cap, const ClockCurve& curve = {});

}  // namespace waferwatt::core
