// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/power/climate.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace waferwatt::power {
namespace {

double winter_weight(HourIndex hour) {
  const double day = static_cast<double>(hour) / 24, year = 365.25;
  return (1 + std::cos(2 * std::numbers::pi * (day - 14.5) / year)) / 2;  // 1970-01-01 is day 0
}

Date date_of(HourIndex hour) { return Date::from_days(static_cast<double>(hour) / 24); }

}  // namespace

HourIndex hour_of(Date date) { return static_cast<HourIndex>(std::floor(date.days() * 24 + 1e-6)); }

Hourly<double> draw_hours(const catalog::SeriesShape& shape, HourIndex first, std::size_t n_hours, std::optional<RandomStream> noise) {
  std::vector<double> values(n_hours);
  const double persistence = *shape.persistence, deviation = *shape.deviation, fresh = deviation * std::sqrt(1 - persistence * persistence);
  const double spike_probability = shape.spike_probability ? **shape.spike_probability : 0, spike_mean = shape.spike_mean ? **shape.spike_mean : 0;
  double wander = noise ? noise->normal(0, deviation) : 0;
  std::size_t month = 0;
  for (std::size_t i = 0; i < n_hours; ++i) {
    const HourIndex hour = first + static_cast<HourIndex>(i);
    const auto of_day = static_cast<std::size_t>((hour % 24 + 24) % 24);
    if (i == 0 || of_day == 0) month = static_cast<std::size_t>(date_of(hour).month() - 1);
    const double w = winter_weight(hour);
    values[i] = shape.months.value[month] + w * shape.winter_hours.value[of_day] + (1 - w) * shape.summer_hours.value[of_day];
    if (!noise) continue;
    values[i] += wander - spike_probability * spike_mean;  // the means of months hold the spikes
    wander = persistence * wander + noise->normal(0, fresh);
    if (spike_probability > 0 && noise->uniform() < spike_probability) values[i] += noise->exponential(spike_mean);
  }
  return {first, std::move(values)};
}

HourlySurroundings surroundings(const catalog::Grid& grid, const catalog::Climate* climate, HourIndex first, std::size_t n_hours, std::optional<RandomStream> noise, Weather default_weather) {
  static const catalog::Climate kNone;
  const auto& c = climate ? *climate : kNone;
  const auto stream = [&](const char* name) { return noise ? std::optional(noise->substream(name)) : std::nullopt; };
  const auto relative = [&](const std::optional<catalog::SeriesShape>& shape, const char* name) {
    return shape ? draw_hours(*shape, first, n_hours, stream(name)) : Hourly<double>(first, std::vector<double>(n_hours, 1.0));
  };
  const auto factors = relative(c.carbon, "carbon"), prices = relative(c.price, "price");
  // One stream for both temperatures: hot hours are hot in both.
  const auto dry = c.temperature ? draw_hours(*c.temperature, first, n_hours, stream("weather")) : Hourly<double>();
  const auto wet = c.wet_bulb ? draw_hours(*c.wet_bulb, first, n_hours, stream("weather")) : Hourly<double>();
  std::vector<CarbonIntensity> carbon(n_hours);
  std::vector<EnergyPrice> price(n_hours);
  std::vector<Weather> weather(n_hours, default_weather);
  CarbonIntensity mean_carbon;
  EnergyPrice mean_price;
  for (std::size_t i = 0; i < n_hours; ++i) {
    if (i % 24 == 0) {
      const Date date = date_of(first + static_cast<HourIndex>(i));
      mean_carbon = grid.carbon_intensity->at(date), mean_price = grid.price->at(date);
    }
    carbon[i] = mean_carbon * std::max(factors.values()[i], 0.05);
    price[i] = mean_price * prices.values()[i];
    if (!dry.empty()) weather[i].dry_bulb_c = dry.values()[i], weather[i].wet_bulb_c = dry.values()[i] - 4;
    if (!wet.empty()) weather[i].wet_bulb_c = std::min(wet.values()[i], weather[i].dry_bulb_c);
  }
  return {{first, std::move(carbon)}, {first, std::move(price)}, {first, std::move(weather)}};
}

}  // namespace waferwatt::power
