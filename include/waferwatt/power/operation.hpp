// SPDX-License-Identifier: Apache-2.0
#pragma once
// One site hour by hour: IT load, cooling, a limit on what it may draw, a battery, its own plants, the grid.
//
// In every hour  IT + overhead + battery charge + battery loss = grid + plants + battery discharge;  the totals hold the
// same sums, so that the parts add up to the meter.
#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "waferwatt/power/capping.hpp"
#include "waferwatt/power/climate.hpp"

namespace waferwatt::power {

/// A plant on site or under contract. Solar gives sin^2 over twelve hours round noon, others the same in every hour.
struct Plant {
  Power nameplate;
  double capacity_factor = 1;
  bool is_solar = false;
  double solar_noon_utc = 18;
  EnergyPrice price;
  CarbonIntensity intensity;
  bool is_on_site = true;  ///< its power is behind the meter; else it counts for market-based carbon and cost only

  Power output(HourIndex hour) const;
};

struct Battery {
  Power power;
  Energy energy;
  double efficiency = 0.86;  ///< of a round trip
};

struct OperatedSite {
  Power it_nameplate;
  double load = 0.75;              ///< mean IT over nameplate power
  double clock_bound = 1;          ///< part of the work that slows with the clock
  CoolingDesign cooling;
  HourlySurroundings around;
  double heat_wave_c = 0;          ///< added to the weather between two hours
  HourIndex heat_from = 0, heat_until = 0;
  std::optional<Hourly<Power>> limit;  ///< on the grid's side; the rest is curtailed
  std::vector<Plant> plants;
  Battery battery;
};

struct OperationTotals {
  Time duration;
  Energy it, overhead, meter;        ///< meter: what the facility draws from grid, plants and battery
  Energy grid, plants, spilled;      ///< spilled: of plants on site, unused
  Energy battery_loss, stored;       ///< stored: what the battery holds more than at the start
  Energy contracted;                 ///< by plants elsewhere
  Energy curtailed;                  ///< facility energy that the limit refused
  Money cost;
  CarbonMass location_based, market_based;
  WaterVolume water;
  Power peak_meter, peak_grid;
  double highest_pue = 0;
  double work = 0, work_wanted = 0;  ///< hours at full speed, times load
  Time capped;                       ///< hours in which the limit slowed the work

  double pue() const { return (it + overhead) / it; }
  /// What the sums of parts miss of the meter: IT and overhead, and grid, plants and battery; each counted on its own.
  double energy_error() const { return std::max(std::abs((it + overhead) / meter - 1), std::abs((grid + plants - spilled - battery_loss - stored) / meter - 1)); }
};

/// \param every called for each hour with what the hour added, for tables; may be empty
struct HourOfSite {
  HourIndex hour;
  Power it, meter, grid;
  double pue, speed;
  Weather weather;
};
OperationTotals operate(const OperatedSite&, HourIndex first, std::size_t n_hours, const std::function<void(const HourOfSite&)>& every = {});

}  // namespace waferwatt::power
