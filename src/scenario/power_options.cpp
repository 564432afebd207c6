// SPDX-License-Identifier: Apache-2.0
// Ways to power a campus: when its chips run, what they wait for, what it costs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "power_studies.hpp"
#include "waferwatt/core/number_text.hpp"
#include "waferwatt/power/levels.hpp"
#include "waferwatt/power/time_to_power.hpp"

namespace waferwatt::scenario {
namespace {

constexpr std::size_t kMostDraws = 100'000;

struct OptionParts {
  const catalog::CampusBuild& build;
  const catalog::PowerSource& source;
  const catalog::Grid& grid;
  const catalog::System& system;
  const catalog::Accelerator& accelerator;
};

struct OptionOutcome {
  double first_power_months = 0, running_h = 0, waiting_site_h = 0, waiting_power_h = 0, energy_mwh = 0, energy_usd = 0, carbon_t = 0;
  std::string waits_for;
};

OptionParts parts_of(const PowerOption& o, const catalog::Catalog& catalog, const catalog::EnergyShelves& shelves) {
  Diagnostics diagnostics;
  const auto& system = *o.system.resolve(catalog.systems, diagnostics);
  return {*o.build.resolve(shelves.campus_builds, diagnostics), *o.source.resolve(shelves.power_sources, diagnostics), *o.grid.resolve(catalog.grids, diagnostics), system,
          catalog.accelerators.at(system.accelerator)};
}

/// Days of the study, one by one: delivered chips stand in the open until there is a hall, and in the dark until there is power.
OptionOutcome outcome_of(const PowerScenario& s, const PowerOption& o, const OptionParts& p, RandomStream draw) {
  const auto phases = power::phase_times(p.build, p.source, p.grid, o.cleared, &draw);
  power::CampusFactors factors;
  factors.mean_pue = o.mean_pue;
  const auto each = power::facility_power(p.accelerator, &p.system, factors);
  const double final_n = o.delivered.points().back().second;
  const Power total = final_n * each.nameplate;
  const Date first = o.cleared + phases.first_power(), hall = o.cleared + phases.permits + phases.building;
  const auto steps = power::energisation_steps(first, total, o.block.value_or(total), *p.build.step_interval);

  OptionOutcome out{.first_power_months = phases.first_power().in(month), .waits_for = phases.longest()};
  Power on;
  std::size_t next = 0;
  const Date end = s.start + s.duration;
  for (Date today = s.start; today < end; today = today + day) {
    while (next < steps.size() && steps[next].first <= today) on = steps[next++].second;
    const double delivered = o.delivered.at(today), housed = today >= hall ? delivered : 0, running = std::min(housed, on / each.nameplate);
    const Energy energy = running * each.mean * day;
    const EnergyPrice price = p.source.energy_price ? **p.source.energy_price : p.grid.price->at(today);
    const CarbonIntensity intensity = p.source.carbon_intensity ? **p.source.carbon_intensity : p.grid.carbon_intensity->at(today);
    out.running_h += running * 24, out.waiting_site_h += (delivered - housed) * 24, out.waiting_power_h += (housed - running) * 24;
    out.energy_mwh += energy.in(mega * watt_hour), out.energy_usd += (energy * price).in(usd), out.carbon_t += (energy * intensity).in(1000 * kg_co2e);
  }
  return out;
}

double quantile(std::vector<double> values, double p) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))];
}

/// Mean hours, energy, cost and carbon; the median of the first power, and what most draws wait for.
OptionOutcome mean_of(const std::vector<OptionOutcome>& drawn) {
  OptionOutcome mean;
  std::map<std::string, std::size_t> waits;
  std::vector<double> months;
  const auto n = static_cast<double>(drawn.size());
  for (const auto& d : drawn) {
    mean.running_h += d.running_h / n, mean.waiting_site_h += d.waiting_site_h / n, mean.waiting_power_h += d.waiting_power_h / n;
    mean.energy_mwh += d.energy_mwh / n, mean.energy_usd += d.energy_usd / n, mean.carbon_t += d.carbon_t / n;
    months.push_back(d.first_power_months);
    ++waits[d.waits_for];
  }
  mean.first_power_months = quantile(std::move(months), 0.5);
  mean.waits_for = std::ranges::max_element(waits, {}, [](const auto& each) { return each.second; })->first;
  return mean;
}

}  // namespace

void study_options(const PowerScenario& s, const catalog::Catalog& catalog, const catalog::EnergyShelves& energy, const RunContext& context, Result& result) {
  if (s.options.empty()) return;
  const RandomStream root(context.seed, "options");
  const double rent = s.accelerator_hour_price ? s.accelerator_hour_price->in(usd / hour) : 0;
  Table table("options", {{"option", Table::Kind::text}, {"first_power_months"}, {"first_power_p10"}, {"first_power_p90"}, {"waits_for", Table::Kind::text}, {"running_h"}, {"awaiting_site_h"},
                          {"awaiting_power_h"}, {"energy_mwh"}, {"energy_cost_usd"}, {"carbon_tco2e"}, {"cost_per_running_hour_usd"}});
  const auto n_draws = std::min(static_cast<std::size_t>(s.n_draws), kMostDraws);
  std::vector<std::string> words;
  std::string best;
  double least = 0;
  double waiting_site = 0, waiting_power = 0, all = 0;
  for (const auto& o : s.options) {
    const auto parts = parts_of(o, catalog, energy);
    std::vector<OptionOutcome> drawn;
    // Common numbers: the d-th draw of every option has the same luck.
    for (std::size_t d = 0; d < n_draws; ++d) drawn.push_back(outcome_of(s, o, parts, root.substream("draw", d)));
    const auto mean = mean_of(drawn);
    std::vector<double> months, running;
    for (const auto& each : drawn) months.push_back(each.first_power_months), running.push_back(each.running_h);
    const double hours = mean.running_h + mean.waiting_site_h + mean.waiting_power_h;
    const double cost = mean.running_h > 0 ? (hours * rent + mean.energy_usd) / mean.running_h : std::nan("");
    const double p10 = quantile(months, 0.1), p90 = quantile(months, 0.9);
    table.add({o.name, mean.first_power_months, p10, p90, mean.waits_for, mean.running_h, mean.waiting_site_h, mean.waiting_power_h, mean.energy_mwh, mean.energy_usd, mean.carbon_t, cost});
    const std::map<std::string, std::string> dims{{"option", o.name}};
    add_metric(result, "first_power", mean.first_power_months, "month", dims, p10, p90);
    add_metric(result, "accelerator_hours_running", mean.running_h, "h", dims, quantile(running, 0.1), quantile(running, 0.9));
    add_metric(result, "accelerator_hours_awaiting_site", mean.waiting_site_h, "h", dims);
    add_metric(result, "accelerator_hours_awaiting_power", mean.waiting_power_h, "h", dims);
    add_metric(result, "energy", mean.energy_mwh, "MWh", dims);
    add_metric(result, "energy_cost", mean.energy_usd, "USD", dims);
    add_metric(result, "carbon", mean.carbon_t, "tCO2e", dims);
    if (mean.running_h > 0) add_metric(result, "cost_per_running_hour", cost, "USD/h", dims);
    for (const auto& [use, value] : {std::pair{"running", mean.running_h}, std::pair{"awaiting site", mean.waiting_site_h}, std::pair{"awaiting power", mean.waiting_power_h}})
      result.ledger.add({o.name, std::string{use}, value, hours > 0 ? value / hours : 0.0});
    words.push_back(fmt::format("{}: first power after {:.0f} months ({:.0f} to {:.0f}), {:.0f} % of accelerator-hours run in the mean, {}{}", o.name, mean.first_power_months, p10, p90,
                            hours > 0 ? 100 * mean.running_h / hours : 0.0, quantity_text(mean.carbon_t, "tCO2e"), rent > 0 && mean.running_h > 0 ? fmt::format(", {:.2f} USD per running hour", cost) : ""));
    const double rank = rent > 0 ? (mean.running_h > 0 ? cost : std::numeric_limits<double>::infinity()) : -mean.running_h;
    if (best.empty() || rank < least) best = o.name, least = rank;
    waiting_site += mean.waiting_site_h, waiting_power += mean.waiting_power_h, all += hours;
  }
  const std::string verdict = s.options.size() > 1 ? fmt::format("{}: {}. ", rent > 0 ? "Cheapest by the hour that runs" : "Most hours run", best) : "";
  say(result, fmt::format("{}{}", verdict, fmt::join(words, "; ")));
  for (const auto& [name, value] : {std::pair{"power", waiting_power}, std::pair{"site", waiting_site}})
    if (value > 0)
      result.binds.push_back({name, "", value / (waiting_power + waiting_site), fmt::format("{:.0f} % of accelerator-hours wait for {}", 100 * value / all, name)});
  std::ranges::stable_sort(result.binds, std::greater{}, &Binding::share);
  result.tables.push_back(std::move(table));
}

}  // namespace waferwatt::scenario
