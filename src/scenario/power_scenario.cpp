// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/power_scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "power_studies.hpp"
#include "waferwatt/core/number_text.hpp"
#include "waferwatt/power/carbon.hpp"
#include "waferwatt/power/swing.hpp"

namespace waferwatt::scenario {

void say(Result& result, const std::string& sentence) { result.headline += (result.headline.empty() ? "" : "; ") + sentence; }

void add_metric(Result& result, const char* name, double value, const char* unit, std::map<std::string, std::string> dims, std::optional<double> low, std::optional<double> high) {
  result.metrics.push_back({name, std::move(dims), value, unit, low, high});
}

void study_training_runs(const PowerScenario& s, const catalog::Catalog& catalog, Result& result) {
  Table table("training_runs", {{"run", Table::Kind::text}, {"accelerator_hours_h"}, {"gpu_tdp_energy_mwh"}, {"facility_energy_mwh"}, {"tdp_only_tco2e"}, {"operational_tco2e"}, {"embodied_tco2e"}});
  constexpr Time kLife = 5 * year;
  const CarbonIntensity fab_grid = catalog.grids.at("taiwan").carbon_intensity->at(s.start);
  for (const auto& r : s.training_runs) {
    Diagnostics diagnostics;
    const auto& a = *r.accelerator.resolve(catalog.accelerators, diagnostics);
    const auto f = power::footprint({&a, catalog.system_of(a.id), r.accelerator_time, r.utilisation, 1.155, r.pue, r.intensity});
    const auto made = power::embodied_carbon(a, catalog, fab_grid, s.start);
    const double embodied = made ? (made->total() * (r.accelerator_time / kLife)).in(1000 * kg_co2e) : std::nan("");
    const double tonnes = f.operational.in(1000 * kg_co2e);
    table.add({r.name, r.accelerator_time.in(hour), f.accelerators_at_tdp.in(mega * watt_hour), f.facility.in(mega * watt_hour), f.tdp_only.in(1000 * kg_co2e), tonnes, embodied});
    add_metric(result, "training_carbon", tonnes, "tCO2e", {{"run", r.name}});
    add_metric(result, "training_energy", f.facility.in(mega * watt_hour), "MWh", {{"run", r.name}});
    if (made) add_metric(result, "training_embodied_carbon", embodied, "tCO2e", {{"run", r.name}});
    if (s.claim) add_metric(result, "carbon_over_claim", f.operational / *s.claim, "1", {{"run", r.name}});
    say(result, fmt::format("{} {}, {}{}", r.name, quantity_text(f.facility.in(watt_hour), "Wh"), quantity_text(tonnes, "tCO2e"),
                            s.claim ? fmt::format(" ({:.2g} times the claim of {:.0f} t)", f.operational / *s.claim, s.claim->in(1000 * kg_co2e)) : ""));
  }
  if (!s.training_runs.empty()) result.tables.push_back(std::move(table));
}

void study_swings(const PowerScenario& s, Result& result) {
  if (s.swings.empty()) return;
  Table table("swings", {{"job", Table::Kind::text}, {"raw_amplitude_mw"}, {"meter_amplitude_mw"}, {"raw_mean_mw"}, {"meter_mean_mw"}, {"flat_store_mw"}, {"flat_store_kwh"}, {"ramp_s"}, {"ramp_energy_kwh"}});
  for (const auto& w : s.swings) {
    const power::Swing swing{w.high, w.low, w.high_time, w.low_time};
    power::Smoothing means{.floor = w.floor.value_or(0 * watt)};
    if (w.store) means.store_power = w.store->power, means.store_energy = w.store->energy, means.efficiency = w.store->efficiency;
    const auto smooth = power::smooth(swing, means);
    const auto flat = power::flat_store(swing, means.efficiency);
    const auto ramp = w.ramp_per_minute ? power::ramp_cost(smooth.mean, *w.ramp_per_minute / minute) : power::RampCost{};
    const double raw = (w.high - w.low).in(mega * watt), left = smooth.amplitude().in(mega * watt), extra = smooth.mean / smooth.raw_mean - 1;
    table.add({w.name, raw, left, smooth.raw_mean.in(mega * watt), smooth.mean.in(mega * watt), flat.store_power.in(mega * watt), flat.store_energy.in(kilo * watt_hour), ramp.duration.in(second), ramp.energy.in(kilo * watt_hour)});
    const std::map<std::string, std::string> dims{{"job", w.name}};
    add_metric(result, "swing_amplitude", left, "MW", dims);
    add_metric(result, "swing_extra_energy", extra, "1", dims);
    add_metric(result, "flat_store_energy", flat.store_energy.in(kilo * watt_hour), "kWh", dims);
    say(result, fmt::format("{}: swings of {:.3g} MW become {:.3g} MW at the meter for {:.2g} % more energy; {:.3g} MW and {:.3g} kWh would make it flat", w.name, raw, left, 100 * extra,
                            flat.store_power.in(mega * watt), flat.store_energy.in(kilo * watt_hour)));
  }
  result.tables.push_back(std::move(table));
}

void study_electricity(const PowerScenario& s, Result& result) {
  if (s.electricity.empty()) return;
  Table table("electricity", {{"region", Table::Kind::text}, {"path", Table::Kind::text}, {"year", Table::Kind::integer}, {"demand_twh"}, {"total_twh"}, {"share"}, {"carbon_mtco2e"}});
  const int first = s.start.year(), last = (s.start + s.duration).year();
  for (const auto& region : s.electricity) {
    for (const auto& path : region.paths) {
      std::optional<int> crossed;
      double share = 0;
      for (int y = first; y <= last; ++y) {
        const Date from = Date::from_civil(y, 1, 1), to = Date::from_civil(y + 1, 1, 1);
        const Energy demand = path.demand.integral(from, to), total = region.total->integral(from, to);
        share = demand / total;
        if (!crossed && share >= s.threshold) crossed = y;
        const double carbon = (demand * region.intensity->at(from + 0.5 * year)).in(1e9 * kg_co2e);
        table.add({region.name, path.name, std::int64_t{y}, demand.in(tera * watt_hour), total.in(tera * watt_hour), share, carbon});
        add_metric(result, "electricity_share", share, "1", {{"region", region.name}, {"path", path.name}, {"year", std::to_string(y)}});
        add_metric(result, "datacenter_energy", demand.in(tera * watt_hour), "TWh", {{"region", region.name}, {"path", path.name}, {"year", std::to_string(y)}});
      }
      say(result, fmt::format("{}, {}: {:.1f} % of electricity in {}{}", region.name, path.name, 100 * share, last,
                              crossed ? fmt::format(", above {:.0f} % from {}", 100 * s.threshold, *crossed) : fmt::format(", never above {:.0f} %", 100 * s.threshold)));
    }
  }
  result.tables.push_back(std::move(table));
}

namespace {

std::vector<std::string> grids_with_weather(const catalog::EnergyShelves& energy) {
  std::vector<std::string> ids;
  for (const auto& [id, climate] : energy.climates.all())
    if (climate.temperature) ids.push_back(id);
  return ids;
}

}  // namespace

void check(const PowerScenario& s, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  const auto energy = catalog::EnergyShelves::load(catalog.folder);
  for (const auto& o : s.options) {
    o.build.resolve(energy.campus_builds, diagnostics);
    o.source.resolve(energy.power_sources, diagnostics);
    o.grid.resolve(catalog.grids, diagnostics);
    o.system.resolve(catalog.systems, diagnostics);
  }
  for (std::size_t i = 0; i < s.operations.size(); ++i) {
    const auto& o = s.operations[i];
    const auto* grid = o.grid.resolve(catalog.grids, diagnostics);
    const auto* climate = grid ? energy.climates.find(grid->id) : nullptr;
    if (grid && o.heat_wave && !o.temperature_series && (!climate || !climate->temperature))
      diagnostics.add(io::diagnostic_at(o.name.place, fmt::format("/operations/{}/heat_wave", i), fmt::format("grid {} has no weather; grids with weather: {}", grid->id, fmt::join(grids_with_weather(energy), ", "))));
    for (const auto& p : o.plants) {
      const auto* source = p.source.resolve(energy.power_sources, diagnostics);
      if (source && source->kind == catalog::PowerSourceKind::grid) diagnostics.add(io::diagnostic_at(o.name.place, fmt::format("/operations/{}/plants", i), "a grid connection is no plant; leave it out"));
    }
  }
  for (const auto& r : s.training_runs) r.accelerator.resolve(catalog.accelerators, diagnostics);
}

Result run(const PowerScenario& s, const catalog::Catalog& catalog, const RunContext& context) {
  Result result;
  result.ledger = Table("ledger", {{"option", Table::Kind::text}, {"use", Table::Kind::text}, {"accelerator_hours_h"}, {"share"}});
  const auto energy = catalog::EnergyShelves::load(catalog.folder);
  study_options(s, catalog, energy, context, result);
  study_operations(s, catalog, energy, context, result);
  study_training_runs(s, catalog, result);
  study_swings(s, result);
  study_electricity(s, result);
  return result;
}

}  // namespace waferwatt::scenario
