// SPDX-License-Identifier: Apache-2.0
// How a power scenario is written.
#include "waferwatt/scenario/power_scenario.hpp"

namespace waferwatt::scenario {

const io::Record<PowerOption>& PowerOption::record() {
  using O = PowerOption;
  static const auto record = io::Record<O>("power_option", "One way to build and power a campus.")
                                 .required("name", &O::name, {.doc = "Shown in tables."})
                                 .required("build", &O::build, {.doc = "How the campus is built."})
                                 .required("source", &O::source, {.doc = "Where its electricity comes from."})
                                 .required("grid", &O::grid, {.doc = "Grid it stands on."})
                                 .required("system", &O::system, {.doc = "Servers or racks."})
                                 .required("cleared", &O::cleared, {.doc = "When the project starts."})
                                 .required("delivered", &O::delivered, {.doc = "Accelerators delivered by date.", .at_least = 0.0, .at_most = 1e8})
                                 .optional("block", &O::block, {.doc = "Power that is energised at once; absent: all.", .above = 0 * watt, .at_most = 100 * giga * watt})
                                 .optional("mean_pue", &O::mean_pue, {.doc = "Facility over IT energy.", .at_least = 1.0, .at_most = 4.0});
  return record;
}

const io::Record<PlantRecord>& PlantRecord::record() {
  using P = PlantRecord;
  static const auto record = io::Record<P>("plant", "A plant on site or under contract.")
                                 .required("source", &P::source, {.doc = "Kind of plant; gives price, carbon and capacity factor."})
                                 .required("nameplate", &P::nameplate, {.doc = "Nameplate output.", .above = 0 * watt, .at_most = 100 * giga * watt})
                                 .optional("is_on_site", &P::is_on_site, {.doc = "Behind the meter; false: a contract that counts for cost and market-based carbon."})
                                 .optional("solar_noon_utc", &P::solar_noon_utc, {.doc = "Hour of the sun's highest point.", .at_least = 0.0, .at_most = 24.0});
  return record;
}

const io::Record<BatteryRecord>& BatteryRecord::record() {
  using B = BatteryRecord;
  static const auto record = io::Record<B>("battery", "A battery at the site.")
                                 .required("power", &B::power, {.doc = "Most that it gives or takes.", .above = 0 * watt, .at_most = 100 * giga * watt})
                                 .required("energy", &B::energy, {.doc = "What it holds.", .above = 0 * joule, .at_most = peta * watt_hour})
                                 .optional("efficiency", &B::efficiency, {.doc = "Of a round trip.", .above = 0.0, .at_most = 1.0});
  return record;
}

const io::Record<HeatWave>& HeatWave::record() {
  using H = HeatWave;
  static const auto record = io::Record<H>("heat_wave", "Warmer air for a time; the wet bulb rises half as much.")
                                 .required("start", &H::start, {.doc = "First day."})
                                 .required("duration", &H::duration, {.doc = "How long.", .above = 0 * second, .at_most = year})
                                 .optional("warmer_c", &H::warmer_c, {.doc = "Degrees above the weather drawn.", .at_least = -30.0, .at_most = 30.0});
  return record;
}

const io::Record<PowerOperation>& PowerOperation::record() {
  using O = PowerOperation;
  static const auto record = io::Record<O>("power_operation", "One site hour by hour.")
                                 .required("name", &O::name, {.doc = "Shown in tables."})
                                 .required("grid", &O::grid, {.doc = "Grid: carbon, price and weather by the hour."})
                                 .required("it_nameplate", &O::it_nameplate, {.doc = "Nameplate power of the IT.", .above = 0 * watt, .at_most = 100 * giga * watt})
                                 .optional("load", &O::load, {.doc = "Mean IT over nameplate power.", .above = 0.0, .at_most = 1.0})
                                 .optional("clock_bound", &O::clock_bound, {.doc = "Part of the work that slows with the clock.", .at_least = 0.0, .at_most = 1.0})
                                 .optional("cooling", &O::cooling, {.doc = "How heat leaves the chips."})
                                 .optional("heat_rejection", &O::heat_rejection, {.doc = "How heat leaves the site."})
                                 .optional("heat_wave", &O::heat_wave, {.doc = "Warmer air for a time."})
                                 .optional("limit", &O::limit, {.doc = "Most that is drawn from the grid.", .above = 0 * watt, .at_most = 100 * giga * watt})
                                 .optional("power_events", &O::power_events, {.doc = "Times in which the limit (or, without one, the nameplate times 1.3) is lower."})
                                 .optional("plants", &O::plants, {.doc = "Plants on site and contracts."})
                                 .optional("battery", &O::battery, {.doc = "A battery."})
                                 .optional("carbon_series", &O::carbon_series, {.doc = "Carbon intensity by the hour, gCO2e/kWh, instead of the grid's."})
                                 .optional("price_series", &O::price_series, {.doc = "Price by the hour, USD/MWh, instead of the grid's."})
                                 .optional("temperature_series", &O::temperature_series, {.doc = "Dry-bulb temperature by the hour instead of the grid's."})
                                 .optional("noise", &O::noise, {.doc = "Draws weather, carbon and price with their noise."})
                                 .optional("count", &O::count, {.doc = "So many sites, each with hours of its own.", .at_least = 1, .at_most = 10000});
  return record;
}

const io::Record<PowerTrainingRun>& PowerTrainingRun::record() {
  using R = PowerTrainingRun;
  static const auto record = io::Record<R>("power_training_run", "A training run by its accelerator-hours.")
                                 .required("name", &R::name, {.doc = "Shown in tables."})
                                 .required("accelerator", &R::accelerator, {.doc = "Accelerator."})
                                 .required("accelerator_time", &R::accelerator_time, {.doc = "Accelerator-hours.", .above = 0 * second})
                                 .optional("utilisation", &R::utilisation, {.doc = "Mean over rated server power.", .above = 0.0, .at_most = 1.0})
                                 .optional("pue", &R::pue, {.doc = "Facility over IT energy.", .at_least = 1.0, .at_most = 4.0})
                                 .required("intensity", &R::intensity, {.doc = "Of its electricity.", .at_least = 0 * kg_co2e / watt_hour});
  return record;
}

const io::Record<PowerSwing>& PowerSwing::record() {
  using P = PowerSwing;
  static const auto record = io::Record<P>("power_swing", "Power of synchronous training within an iteration.")
                                 .required("name", &P::name, {.doc = "Shown in tables."})
                                 .required("high", &P::high, {.doc = "While it computes.", .above = 0 * watt, .at_most = 100 * giga * watt})
                                 .required("low", &P::low, {.doc = "While it exchanges.", .at_least = 0 * watt, .at_most = 100 * giga * watt})
                                 .required("high_time", &P::high_time, {.doc = "Of an iteration.", .above = 0 * second, .at_most = hour})
                                 .required("low_time", &P::low_time, {.doc = "Of an iteration.", .above = 0 * second, .at_most = hour})
                                 .optional("store", &P::store, {.doc = "Battery or capacitors; absent: none, and the smallest that makes the meter flat is reported."})
                                 .optional("floor", &P::floor, {.doc = "Waiting accelerators burn power up to it.", .at_least = 0 * watt})
                                 .optional("ramp_per_minute", &P::ramp_per_minute, {.doc = "Change of power a minute that the grid allows when the job comes or goes.", .above = 0 * watt})
                                 .check([](const P& p, const io::FieldComplaint& complain) {
                                   if (p.low > p.high) complain("low", "more than \"high\"");
                                 });
  return record;
}

const io::Record<DemandPath>& DemandPath::record() {
  static const auto record = io::Record<DemandPath>("demand_path", "Electricity that datacenters draw.")
                                 .required("name", &DemandPath::name, {.doc = "Shown in tables."})
                                 .required("demand", &DemandPath::demand, {.doc = "Mean power by date, e.g. \"945 TWh/year\".", .at_least = 0 * watt});
  return record;
}

const io::Record<ElectricityTotal>& ElectricityTotal::record() {
  using E = ElectricityTotal;
  static const auto record = io::Record<E>("electricity_total", "All electricity of a region and paths of demand in it.")
                                 .required("name", &E::name, {.doc = "Region."})
                                 .required("total", &E::total, {.doc = "Mean power of all use by date, e.g. \"27700 TWh/year\".", .above = 0 * watt})
                                 .required("intensity", &E::intensity, {.doc = "Mean carbon intensity by date.", .at_least = 0 * kg_co2e / watt_hour})
                                 .required("paths", &E::paths, {.doc = "Paths of demand."});
  return record;
}

const io::Record<PowerScenario>& PowerScenario::record() {
  using S = PowerScenario;
  static const auto record =
      io::Record<S>("power_scenario", "Power of campuses, sites, runs and regions.")
          .optional("start", &S::start, {.doc = "First day."})
          .optional("duration", &S::duration, {.doc = "Length of the study.", .above = 0 * second, .at_most = 30 * year})
          .optional("n_draws", &S::n_draws, {.doc = "Draws of the uncertain times of \"options\".", .at_least = 1, .at_most = 100'000})
          .optional("options", &S::options, {.doc = "Ways to power a campus, compared."})
          .optional("operations", &S::operations, {.doc = "Sites hour by hour."})
          .optional("training_runs", &S::training_runs, {.doc = "Runs in energy and carbon."})
          .optional("swings", &S::swings, {.doc = "Swings of synchronous training and what smooths them."})
          .optional("claim", &S::claim, {.doc = "Carbon that the runs are held against.", .above = 0 * kg_co2e})
          .optional("electricity", &S::electricity, {.doc = "Shares of a region's electricity."})
          .optional("accelerator_hour_price", &S::accelerator_hour_price, {.doc = "What an accelerator costs by the hour, running or waiting.", .above = 0 * usd / hour, .at_most = 10000 * usd / hour})
          .optional("threshold", &S::threshold, {.doc = "Share of electricity whose crossing is dated.", .above = 0.0, .at_most = 1.0})
          .check([](const S& s, const io::FieldComplaint& complain) {
            if (s.options.empty() && s.operations.empty() && s.training_runs.empty() && s.electricity.empty() && s.swings.empty())
              complain("", "nothing to study: give \"options\", \"operations\", \"training_runs\", \"swings\" or \"electricity\"");
          });
  return record;
}

}  // namespace waferwatt::scenario
