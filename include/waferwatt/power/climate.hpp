// SPDX-License-Identifier: Apache-2.0
#pragma once
// Hours drawn from the fitted shapes of the catalog.
#include <optional>

#include "waferwatt/catalog/energy.hpp"
#include "waferwatt/core/random.hpp"
#include "waferwatt/power/cooling.hpp"
#include "waferwatt/power/hourly.hpp"

namespace waferwatt::power {

/// Values of a shape: of months and hours alone without a stream, with noise and spikes with one.
Hourly<double> draw_hours(const catalog::SeriesShape&, HourIndex first, std::size_t n_hours, std::optional<RandomStream> noise);

/// Everything that changes by the hour at one place.
struct HourlySurroundings {
  Hourly<CarbonIntensity> carbon_intensity;
  Hourly<EnergyPrice> price;
  Hourly<Weather> weather;
};

/// From a grid's means by year and its climate; where that has no shape the means hold in every hour, and the weather is that of
/// `default_weather`. Prices may be negative; carbon intensities are at least a twentieth of their mean.
HourlySurroundings surroundings(const catalog::Grid&, const catalog::Climate*, HourIndex first, std::size_t n_hours, std::optional<RandomStream> noise, Weather default_weather = {});

}  // namespace waferwatt::power
