// SPDX-License-Identifier: Apache-2.0
// Sites hour by hour.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "hourly_series.hpp"
#include "power_studies.hpp"
#include "waferwatt/core/number_text.hpp"

namespace waferwatt::scenario {
namespace {

constexpr std::size_t kMostHourRows = 20'000;
constexpr double kConnectionOverIt = 1.3;

std::optional<power::Hourly<Power>> limit_of(const PowerOperation& o, power::HourIndex first, std::size_t n_hours) {
  if (!o.limit && o.power_events.empty()) return std::nullopt;
  const Power whole = o.limit.value_or(kConnectionOverIt * o.it_nameplate);
  std::vector<Power> hours(n_hours, whole);
  for (const auto& e : o.power_events)
    for (std::int64_t k = 0; k < e.n_times; ++k) {
      const double from = (e.start + static_cast<double>(k) * e.period).in(hour);
      for (auto h = static_cast<std::size_t>(from); h < n_hours && static_cast<double>(h) < from + e.duration.in(hour); ++h) hours[h] = std::min(hours[h], e.fraction * whole);
    }
  return power::Hourly<Power>(first, std::move(hours));
}

power::OperatedSite site_of(const PowerOperation& o, const catalog::Catalog& catalog, const catalog::EnergyShelves& shelves, power::HourIndex first, std::size_t n_hours, std::optional<RandomStream> noise,
                            std::vector<std::string>& notes) {
  Diagnostics diagnostics;
  const auto& grid = *o.grid.resolve(catalog.grids, diagnostics);
  power::OperatedSite site{.it_nameplate = o.it_nameplate, .load = o.load, .clock_bound = o.clock_bound, .cooling = power::CoolingDesign::of(o.cooling, o.heat_rejection)};
  site.around = power::surroundings(grid, shelves.climates.find(grid.id), first, n_hours, noise);
  take_series(o.carbon_series, o.price_series, o.temperature_series, first, first + static_cast<power::HourIndex>(n_hours) - 1, site.around, notes);
  if (o.heat_wave) {
    site.heat_wave_c = o.heat_wave->warmer_c;
    site.heat_from = power::hour_of(o.heat_wave->start), site.heat_until = power::hour_of(o.heat_wave->start + o.heat_wave->duration);
  }
  site.limit = limit_of(o, first, n_hours);
  for (const auto& p : o.plants) {
    const auto& source = *p.source.resolve(shelves.power_sources, diagnostics);
    site.plants.push_back({.nameplate = p.nameplate, .capacity_factor = *source.capacity_factor, .is_solar = source.kind == catalog::PowerSourceKind::solar, .solar_noon_utc = p.solar_noon_utc,
                           .price = source.energy_price ? **source.energy_price : EnergyPrice{}, .intensity = source.carbon_intensity ? **source.carbon_intensity : CarbonIntensity{},
                           .is_on_site = p.is_on_site});
  }
  if (o.battery) site.battery = {o.battery->power, o.battery->energy, o.battery->efficiency};
  return site;
}

}  // namespace

void study_operations(const PowerScenario& s, const catalog::Catalog& catalog, const catalog::EnergyShelves& energy, const RunContext& context, Result& result) {
  if (s.operations.empty()) return;
  const auto first = power::hour_of(s.start);
  const auto n_hours = static_cast<std::size_t>(std::max(1.0, std::round(s.duration.in(hour))));
  Table table("operations", {{"site", Table::Kind::text}, {"it_mwh"}, {"facility_mwh"}, {"grid_mwh"}, {"pue"}, {"highest_pue"}, {"peak_facility_mw"}, {"curtailed_mwh"}, {"capped_h"}, {"work_fraction"},
                             {"cost_usd"}, {"location_based_tco2e"}, {"market_based_tco2e"}, {"water_m3"}});
  Table hours("site_hours", {{"site", Table::Kind::text}, {"hour_utc"}, {"temperature_c"}, {"it_mw"}, {"facility_mw"}, {"grid_mw"}, {"pue"}, {"speed"}});
  for (const auto& o : s.operations) {
    for (std::int64_t k = 0; k < o.count; ++k) {
      const auto noise = o.noise ? std::optional(RandomStream(context.seed, "site hours").substream(o.grid.id(), static_cast<std::uint64_t>(k))) : std::nullopt;
      std::vector<std::string> notes;
      const auto site = site_of(o, catalog, energy, first, n_hours, noise, notes);
      if (k == 0)
        for (const auto& note : notes) say(result, note);
      const std::string name = o.count > 1 ? fmt::format("{} {}", o.name.value, k + 1) : o.name.value;
      double wave_work = 0, wave_hours = 0;
      const auto t = power::operate(site, first, n_hours, [&](const power::HourOfSite& h) {
        if (o.heat_wave && h.hour >= site.heat_from && h.hour < site.heat_until) wave_work += h.speed, wave_hours += 1;
        if (o.count == 1 && hours.n_rows() < kMostHourRows)
          hours.add({name, static_cast<double>(h.hour), h.weather.dry_bulb_c, h.it.in(mega * watt), h.meter.in(mega * watt), h.grid.in(mega * watt), h.pue, h.speed});
      });
      const double work = t.work / t.work_wanted;
      table.add({name, t.it.in(mega * watt_hour), t.meter.in(mega * watt_hour), t.grid.in(mega * watt_hour), t.pue(), t.highest_pue, t.peak_meter.in(mega * watt), t.curtailed.in(mega * watt_hour),
                 t.capped.in(hour), work, t.cost.in(usd), t.location_based.in(1000 * kg_co2e), t.market_based.in(1000 * kg_co2e), t.water.in(1000 * litre)});
      const std::map<std::string, std::string> dims{{"site", name}};
      add_metric(result, "energy", t.meter.in(mega * watt_hour), "MWh", dims);
      add_metric(result, "pue", t.pue(), "1", dims);
      add_metric(result, "peak_power", t.peak_meter.in(mega * watt), "MW", dims);
      add_metric(result, "work_fraction", work, "1", dims);
      add_metric(result, "cost", t.cost.in(usd), "USD", dims);
      add_metric(result, "carbon", t.location_based.in(1000 * kg_co2e), "tCO2e", dims);
      add_metric(result, "carbon_market_based", t.market_based.in(1000 * kg_co2e), "tCO2e", dims);
      add_metric(result, "water", t.water.in(1000 * litre), "m3", dims);
      add_metric(result, "energy_error", t.energy_error(), "1", dims);
      const std::string by_contract = t.contracted > Energy{} ? fmt::format(" ({} by its contracts)", quantity_text(t.market_based.in(1000 * kg_co2e), "tCO2e")) : "";
      if (o.count == 1 && s.operations.size() <= 12)
        say(result, fmt::format("{}: PUE {:.3f} (highest {:.2f}), peak {:.0f} MW, {:.2f} % of the work done{}, {} USD, {}{}, {} m3 of water", name, t.pue(), t.highest_pue, t.peak_meter.in(mega * watt), 100 * work,
                                wave_hours > 0 ? fmt::format(" ({:.1f} % in the heat wave)", 100 * wave_work / wave_hours) : "", compact_number(t.cost.in(usd)), quantity_text(t.location_based.in(1000 * kg_co2e), "tCO2e"), by_contract,
                                compact_number(t.water.in(1000 * litre))));
    }
    if (o.count > 1) say(result, fmt::format("{} sites \"{}\" through {} hours", o.count, o.name.value, n_hours));
  }
  result.tables.push_back(std::move(table));
  if (hours.n_rows() > 0) result.tables.push_back(std::move(hours));
}

}  // namespace waferwatt::scenario
