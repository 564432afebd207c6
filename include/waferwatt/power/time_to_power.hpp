// SPDX-License-Identifier: Apache-2.0
#pragma once
// How long from land to megawatts: building, substation with its transformers, and a source of electricity, side by side.
//
//   first power = permits + max(building, max(transformer - ordered ahead, 0) + substation, source)
//
// Uncertain times have a median and 10 % and 90 % quantiles; between and beyond, two half normal curves of the logarithm.
#include <string>
#include <vector>

#include "waferwatt/catalog/energy.hpp"
#include "waferwatt/core/random.hpp"

namespace waferwatt::power {

struct PhaseTimes {
  Time permits, building, substation, source;
  Time first_power() const;
  /// What the site waits for after the permits: "building", "substation" or "source".
  const char* longest() const;
};

/// Medians without a stream, one draw with one. A grid connection takes the grid's own time, from the permits on.
/// \param cleared when land is cleared: it decides how fast the building goes up
PhaseTimes phase_times(const catalog::CampusBuild&, const catalog::PowerSource&, const catalog::Grid&, Date cleared, RandomStream* draw);

/// Power that is on: equal blocks from the first power on, until all of it is.
std::vector<std::pair<Date, Power>> energisation_steps(Date first_power, Power total, Power block, Time interval);

/// One draw of a fact with a range, e.g. a lead time. \param normal standard normal
double drawn(double value, double low, double high, double normal);

}  // namespace waferwatt::power
