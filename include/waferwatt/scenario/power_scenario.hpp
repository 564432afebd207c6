// SPDX-License-Identifier: Apache-2.0
#pragma once
// The scenario kind "power": ways to power a campus, sites hour by hour, training runs in tonnes, shares of electricity.
#include "waferwatt/power/operation.hpp"
#include "waferwatt/scenario/fleet_scenario.hpp"

namespace waferwatt::scenario {

/// One way to build and power a campus for chips that arrive on dates.
struct PowerOption {
  std::string name;
  catalog::Reference<catalog::CampusBuild> build;
  catalog::Reference<catalog::PowerSource> source;
  catalog::Reference<catalog::Grid> grid;
  catalog::Reference<catalog::System> system;
  Date cleared;                  ///< land to permits starts now
  Ramp<double> delivered;        ///< accelerators by date
  std::optional<Power> block;    ///< energised at once; absent: all
  double mean_pue = 1.15;

  static const io::Record<PowerOption>& record();
};

struct PlantRecord {
  catalog::Reference<catalog::PowerSource> source;
  Power nameplate;
  bool is_on_site = true;
  double solar_noon_utc = 18;

  static const io::Record<PlantRecord>& record();
};

struct BatteryRecord {
  Power power;
  Energy energy;
  double efficiency = 0.86;

  static const io::Record<BatteryRecord>& record();
};

struct HeatWave {
  Date start;
  Time duration;
  double warmer_c = 8;

  static const io::Record<HeatWave>& record();
};

/// One site for a time, hour by hour; `count` of them with weather and prices of their own.
struct PowerOperation {
  Located<std::string> name;
  catalog::Reference<catalog::Grid> grid;
  Power it_nameplate;
  double load = 0.75, clock_bound = 1;
  power::CoolingKind cooling = power::CoolingKind::air;
  power::HeatRejection heat_rejection = power::HeatRejection::dry;
  std::optional<HeatWave> heat_wave;
  std::optional<Power> limit;
  std::vector<PowerEvent> power_events;
  std::vector<PlantRecord> plants;
  std::optional<BatteryRecord> battery;
  std::optional<SeriesFile> carbon_series, price_series, temperature_series;
  bool noise = true;
  std::int64_t count = 1;

  static const io::Record<PowerOperation>& record();
};

/// A training run by its accelerator-hours.
struct PowerTrainingRun {
  std::string name;
  catalog::Reference<catalog::Accelerator> accelerator;
  Time accelerator_time;
  double utilisation = 0.75, pue = 1.1;
  CarbonIntensity intensity;

  static const io::Record<PowerTrainingRun>& record();
};

/// Power of synchronous training between computing and exchanging, and what smooths it.
struct PowerSwing {
  std::string name;
  Power high, low;
  Time high_time, low_time;
  std::optional<BatteryRecord> store;
  std::optional<Power> floor;                 ///< waiting accelerators burn up to it
  std::optional<Power> ramp_per_minute;       ///< allowed when the job comes or goes

  static const io::Record<PowerSwing>& record();
};

/// A path of demand for electricity by datacenters.
struct DemandPath {
  std::string name;
  Ramp<Power> demand;  ///< mean, e.g. "945 TWh/year"

  static const io::Record<DemandPath>& record();
};

/// A whole that paths are a share of.
struct ElectricityTotal {
  std::string name;
  catalog::Fact<Ramp<Power>> total;
  catalog::Fact<Ramp<CarbonIntensity>> intensity;
  std::vector<DemandPath> paths;

  static const io::Record<ElectricityTotal>& record();
};

struct PowerScenario {
  Date start = Date::from_civil(2025, 1, 1);
  Time duration = year;
  std::int64_t n_draws = 500;
  std::vector<PowerOption> options;
  std::vector<PowerOperation> operations;
  std::vector<PowerTrainingRun> training_runs;
  std::vector<PowerSwing> swings;
  std::optional<CarbonMass> claim;
  std::vector<ElectricityTotal> electricity;
  std::optional<MoneyRate> accelerator_hour_price;
  double threshold = 0.05;       ///< share of electricity that counts as a cliff

  static const io::Record<PowerScenario>& record();
};

void check(const PowerScenario&, const catalog::Catalog&, Diagnostics&);
Result run(const PowerScenario&, const catalog::Catalog&, const RunContext&);

}  // namespace waferwatt::scenario
