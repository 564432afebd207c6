// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where electricity comes from, how long a campus takes to get it, and how its hours go. Read apart from the rest of
// models/, by those who need it; Catalog::load checks it too.
#include "waferwatt/catalog/catalog.hpp"

namespace waferwatt::catalog {

/// Shape of a year of hours, in UTC: value = month + w * winter hour + (1 - w) * summer hour + noise,
/// with w = (1 + cos(2 pi (day - 15) / 365)) / 2. Noise is a first-order autoregression; spikes come on top.
struct SeriesShape {
  Fact<std::vector<double>> months;                     ///< means of the 12 months
  Fact<std::vector<double>> winter_hours, summer_hours; ///< what the 24 hours add
  Fact<double> deviation, persistence;                  ///< of the noise: standard deviation, correlation of an hour with the next
  std::optional<Fact<double>> spike_probability, spike_mean;

  static const io::Record<SeriesShape>& record();
};

/// The hours of one grid's carbon and price, relative to their means, and of the weather at one place in it.
struct Climate {
  std::string id, name;  ///< id: of the grid
  std::optional<SeriesShape> carbon, price;
  std::optional<SeriesShape> temperature, wet_bulb;  ///< in degrees Celsius

  static const io::Record<Climate>& record();
};

enum class PowerSourceKind { grid, gas, nuclear, solar, wind };
using PowerPrice = decltype(usd / watt);

/// A way to get electricity for a campus.
struct PowerSource {
  std::string id, name;
  PowerSourceKind kind = PowerSourceKind::grid;
  std::optional<Fact<Time>> lead_time;         ///< order to power; absent: the grid's connection time
  std::optional<Fact<EnergyPrice>> energy_price; ///< all in; absent: the grid's price
  std::optional<Fact<CarbonIntensity>> carbon_intensity; ///< life cycle; absent: the grid's
  Fact<double> capacity_factor;                ///< mean over nameplate output
  std::optional<Fact<Power>> unit_size;
  std::optional<Fact<PowerPrice>> capital_cost;
  std::vector<std::string> notes;

  static const io::Record<PowerSource>& record();
};

/// From land to a hall with switchgear: phases of building a campus.
struct CampusBuild {
  std::string id, name;
  Fact<Time> permits;
  Fact<Ramp<Time>> building;               ///< by the date at which land is cleared
  Fact<Time> substation, transformer;
  Fact<Time> ordered_ahead;                ///< transformers, before land is cleared
  Fact<Time> step_interval;                ///< from one energised block to the next
  std::vector<std::string> notes;

  static const io::Record<CampusBuild>& record();
};

/// models/power-sources, campus-builds and climates.
struct EnergyShelves {
  Shelf<PowerSource> power_sources;
  Shelf<CampusBuild> campus_builds;
  Shelf<Climate> climates;

  /// \throws InputError with every problem of every file
  static EnergyShelves load(const std::filesystem::path& folder);
};

}  // namespace waferwatt::catalog

namespace waferwatt::io {
template <> struct EnumTexts<catalog::PowerSourceKind> {
  static constexpr std::array values{
      std::pair{catalog::PowerSourceKind::grid, "grid"},       std::pair{catalog::PowerSourceKind::gas, "gas"},
      std::pair{catalog::PowerSourceKind::nuclear, "nuclear"}, std::pair{catalog::PowerSourceKind::solar, "solar"},
      std::pair{catalog::PowerSourceKind::wind, "wind"}};
};
}  // namespace waferwatt::io
