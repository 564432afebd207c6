// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/power/operation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace waferwatt::power {
namespace {

/// What the battery gives (positive) or takes in an hour, and how full it is after it.
struct Store {
  const Battery& battery;
  Energy content, loss;

  Power give(Power wanted) {
    const Power given = std::max(std::min({wanted, battery.power, content / hour}), 0 * watt);
    content -= given * hour;
    return given;
  }
  /// \returns what is taken from the feed; losses are those of charging
  Power take(Power offered) {
    const Power taken = std::max(std::min({offered, battery.power, (battery.energy - content) / (battery.efficiency * hour)}), 0 * watt);
    content += battery.efficiency * taken * hour;
    loss += (1 - battery.efficiency) * taken * hour;
    return taken;
  }
};

Weather weather_of(const OperatedSite& site, HourIndex at) {
  Weather w = site.around.weather.at(at);
  if (at >= site.heat_from && at < site.heat_until) w.dry_bulb_c += site.heat_wave_c, w.wet_bulb_c += site.heat_wave_c / 2;
  return w;
}

}  // namespace

Power Plant::output(HourIndex hour) const {
  if (!is_solar) return nameplate * capacity_factor;
  // sin^2 over half a day has the mean 1/4; what a panel cannot give is cut at its nameplate.
  const double from_noon = std::remainder(static_cast<double>(hour) - solar_noon_utc, 24.0);
  if (std::abs(from_noon) >= 6) return 0 * watt;
  const double shape = std::pow(std::cos(std::numbers::pi * from_noon / 12), 2);
  return nameplate * std::min(4 * capacity_factor * shape, 1.0);
}

OperationTotals operate(const OperatedSite& site, HourIndex first, std::size_t n_hours, const std::function<void(const HourOfSite&)>& every) {
  OperationTotals t;
  t.duration = static_cast<double>(n_hours) * hour;
  Store store{site.battery, site.battery.energy};
  const Energy content_before = store.content;
  const double static_part = kStaticFraction / std::max(site.load, kStaticFraction);
  for (std::size_t i = 0; i < n_hours; ++i) {
    const HourIndex at = first + static_cast<HourIndex>(i);
    const Weather weather = weather_of(site, at);
    const Power wanted_it = site.load * site.it_nameplate;
    const auto wanted = facility_load(site.cooling, wanted_it, site.it_nameplate, weather);

    Power own, contracted;
    for (const auto& plant : site.plants) {
      const Power out = plant.output(at);
      (plant.is_on_site ? own : contracted) += out;
      t.cost += out * hour * plant.price;
      t.market_based += plant.is_on_site ? CarbonMass{} : out * hour * plant.intensity;
    }
    const Power limit = site.limit ? site.limit->at(at) : std::numeric_limits<double>::infinity() * watt;
    const Power missing = std::max(wanted.total() - own - limit, 0 * watt), given = store.give(missing);
    auto load = wanted;
    double speed = 1;
    if (missing > given) {
      load = facility_load(site.cooling, it_power_within(site.cooling, limit + own + given, site.it_nameplate, weather), site.it_nameplate, weather);
      speed = load.it < wanted_it ? capped_speed(load.it / wanted_it, static_part, site.clock_bound) : 1;
      t.capped += hour;
      t.curtailed += (wanted.total() - load.total()) * hour;
    }
    const Power spare_own = std::max(own - load.total(), 0 * watt);
    Power grid = std::max(load.total() - own - given, 0 * watt);
    const Power taken = missing > 0 * watt ? 0 * watt : store.take(std::max(limit - grid, 0 * watt) + spare_own);
    const Power taken_own = std::min(taken, spare_own);
    grid += taken - taken_own;

    t.it += load.it * hour, t.overhead += load.overhead() * hour, t.meter += load.total() * hour;
    t.grid += grid * hour, t.plants += own * hour, t.spilled += (spare_own - taken_own) * hour, t.contracted += contracted * hour;
    t.water += load.water * hour;
    const Power bought = std::max(grid - contracted, 0 * watt);  // what contracts do not cover
    t.cost += bought * hour * site.around.price.at(at);
    t.location_based += grid * hour * site.around.carbon_intensity.at(at);
    for (const auto& plant : site.plants)
      if (plant.is_on_site) t.location_based += plant.output(at) * hour * plant.intensity, t.market_based += plant.output(at) * hour * plant.intensity;
    // Contracts are matched hour by hour; what they give beyond the use of the hour earns nothing here.
    t.market_based += bought * hour * site.around.carbon_intensity.at(at);
    t.peak_meter = std::max(t.peak_meter, load.total()), t.peak_grid = std::max(t.peak_grid, grid);
    if (load.it > 0 * watt) t.highest_pue = std::max(t.highest_pue, load.pue());
    t.work += site.load * speed, t.work_wanted += site.load;
    if (every) every({at, load.it, load.total(), grid, load.it > 0 * watt ? load.pue() : 0.0, speed, weather});
  }
  t.battery_loss = store.loss, t.stored = store.content - content_before;
  return t;
}

}  // namespace waferwatt::power
