// SPDX-License-Identifier: Apache-2.0
#pragma once
// Files beside a scenario: hours of a user's own in place of a grid's.
#include "waferwatt/power/climate.hpp"
#include "waferwatt/scenario/fleet_scenario.hpp"

namespace waferwatt::scenario {

/// A file named in a scenario lies beside it.
std::string path_of(const Located<std::string>& file);

/// \throws InputError where it cannot be read
std::string text_of(const Located<std::string>& file);

/// Puts a user's series, each where there is one, in place of the grid's.
/// \param last_hour of the run, as far as it is known: a series that does not reach from `first_hour` to it repeats
/// \param notes gets what was repaired and what repeats
void take_series(const std::optional<SeriesFile>& carbon, const std::optional<SeriesFile>& price, const std::optional<SeriesFile>& temperature, power::HourIndex first_hour, power::HourIndex last_hour,
                 power::HourlySurroundings& around, std::vector<std::string>& notes);

}  // namespace waferwatt::scenario
