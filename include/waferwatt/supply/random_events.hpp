// SPDX-License-Identifier: Apache-2.0
#pragma once
// Events that come by chance: yield excursions, earthquakes, power losses as rates.
#include <vector>

#include "waferwatt/core/random.hpp"
#include "waferwatt/supply/shock.hpp"

namespace waferwatt::supply {

/// A kind of event and how often it comes. The event's own date is not used.
struct Risk {
  Shock event;
  Frequency rate;
};

/// Events of a Poisson process for each risk between two dates. A risk's events depend on the stream and on its
/// place in the list only, so that scenarios compared with each other have the same ones.
std::vector<Shock> draw_events(const std::vector<Risk>& risks, Date start, Date end, const RandomStream& random);

}  // namespace waferwatt::supply
