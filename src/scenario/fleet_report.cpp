// SPDX-License-Identifier: Apache-2.0
#include "fleet_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/core/number_text.hpp"

namespace waferwatt::scenario {
namespace {

using fleet::Use;

constexpr double kHourSeconds = 3600;

Table hour_table(const fleet::FleetOutcome& out, const fleet::FleetSpec& spec) {
  Table table("site_hours", {{"site", Table::Kind::text}, {"hour_utc"}, {"it_mw"}, {"facility_mw"}, {"pue"}, {"carbon_g_per_kwh"}, {"price_usd_per_mwh"},
                             {"accelerators_busy", Table::Kind::integer}, {"accelerators_free", Table::Kind::integer}, {"jobs_waiting", Table::Kind::integer}});
  for (const auto& h : out.hours)
    table.add({spec.sites[h.site].name, static_cast<double>(h.hour), h.it_w / 1e6, h.meter_w / 1e6, h.pue, h.carbon_kg_per_j * 3.6e9, h.price_usd_per_j * 3.6e9, h.n_busy, h.n_free, h.n_waiting});
  return table;
}

Table ledger_table(const fleet::FleetOutcome& out, const fleet::FleetSpec& spec) {
  Table table("ledger", {{"site", Table::Kind::text}, {"use", Table::Kind::text}, {"accelerator_hours_h"}, {"share"}});
  for (std::size_t i = 0; i < spec.sites.size(); ++i)
    for (std::size_t u = 0; u < fleet::kNUses; ++u) {
      const double s = out.sites[i].ledger.at(static_cast<Use>(u));
      table.add({spec.sites[i].name, std::string{fleet::kUseNames[u]}, s / kHourSeconds, out.sites[i].accelerator_s > 0 ? s / out.sites[i].accelerator_s : 0.0});
    }
  return table;
}

std::vector<Binding> binds_of(const fleet::Ledger& ledger) {
  std::vector<Binding> binds;
  const double total = ledger.total(), useful = ledger.at(Use::useful);
  for (std::size_t u = 0; u < fleet::kNUses; ++u) {
    const auto use = static_cast<Use>(u);
    if (use == Use::useful || ledger.at(use) <= 0) continue;
    const double share = ledger.at(use) / (total - useful);
    binds.push_back({fleet::kUseNames[u], "", share, fmt::format("{:.1f} % of all accelerator-hours are {}", 100 * ledger.at(use) / total, fleet::kUseNames[u])});
  }
  std::ranges::stable_sort(binds, std::greater{}, &Binding::share);
  return binds;
}

}  // namespace

Result fleet_result(const FleetScenario& scenario, const fleet::FleetSpec& spec, FleetJobs& jobs, const fleet::FleetOutcome& out, const std::vector<std::string>& notes) {
  Result result;
  const auto ledger = out.ledger();
  const auto wait = jobs.wait_h.percentiles(), slowdown = jobs.slowdown.percentiles();
  const double total = ledger.total();
  double meter = 0, carbon = 0, energy_cost = 0, water = 0, in_service = 0, busy = 0, overdraft = 0, parts = 0, counted = 0;
  std::int64_t failures = 0;
  std::array<double, fleet::kLossCauseNames.size()> lost{};
  const auto add = [&](std::string name, double value, const char* unit, std::map<std::string, std::string> dims = {}) { result.metrics.push_back({std::move(name), std::move(dims), value, unit, {}, {}}); };
  for (std::size_t i = 0; i < out.sites.size(); ++i) {
    const auto& s = out.sites[i];
    meter += s.meter_j, carbon += s.carbon_kg, energy_cost += s.cost_usd, water += s.water_l, in_service += s.in_service_s, busy += s.busy_s, overdraft += s.overdraft_s;
    parts += s.jobs_j + s.idle_j, counted += s.accelerator_s, failures += s.n_failures;
    for (std::size_t c = 0; c < lost.size(); ++c) lost[c] += s.lost_s[c];
  }
  const double rent = scenario.accelerator_hour_price ? (counted * second * *scenario.accelerator_hour_price).in(usd) : 0;

  add("jobs_completed", static_cast<double>(out.n_completed), "1");
  add("jobs_rejected", static_cast<double>(out.n_rejected), "1");
  add("jobs_unfinished", static_cast<double>(out.n_unfinished), "1");
  if (spec.policy->follows_record) add("jobs_started_late", static_cast<double>(out.n_delayed_starts), "1");
  add("makespan", out.end_s / kHourSeconds, "h");
  add("wait", wait.mean, "h", {{"statistic", "mean"}});
  add("wait", wait.p50, "h", {{"statistic", "p50"}});
  add("wait", wait.p95, "h", {{"statistic", "p95"}});
  add("slowdown", slowdown.mean, "1", {{"statistic", "mean"}});
  add("slowdown", slowdown.p95, "1", {{"statistic", "p95"}});
  add("utilisation", in_service > 0 ? busy / in_service : 0, "1");
  for (std::size_t u = 0; u < fleet::kNUses; ++u) add("accelerator_hours", ledger.at(static_cast<Use>(u)) / kHourSeconds, "h", {{"use", fleet::kUseNames[u]}});
  for (std::size_t c = 0; c < fleet::kLossCauseNames.size(); ++c) add("lost_hours", lost[c] / kHourSeconds, "h", {{"cause", fleet::kLossCauseNames[c]}});
  add("failures", static_cast<double>(failures), "1");
  add("preemptions", static_cast<double>(jobs.n_preemptions), "1");
  add("energy", meter / 3.6e9, "MWh");
  add("carbon", carbon / 1000, "tCO2e");
  add("jobs_carbon", jobs.carbon_kg / 1000, "tCO2e");
  add("cost", energy_cost + rent, "USD");
  add("water", water / 1000, "m3");
  add("power_overdraft", overdraft / kHourSeconds, "h");
  add("events", static_cast<double>(out.n_events), "1");
  add("ledger_error", counted > 0 ? std::abs(total / counted - 1) : 0, "1");
  add("energy_error", meter > 0 ? std::abs(parts / meter - 1) : 0, "1");
  for (std::size_t i = 0; i < out.sites.size(); ++i) {
    const auto& s = out.sites[i];
    const std::map<std::string, std::string> dims{{"site", spec.sites[i].name}};
    add("energy", s.meter_j / 3.6e9, "MWh", dims);
    add("carbon", s.carbon_kg / 1000, "tCO2e", dims);
    add("pue", s.it_j > 0 ? s.meter_j / s.it_j : 0, "1", dims);
    add("peak_power", s.peak_w / 1e6, "MW", dims);
    add("mean_power", out.end_s > 0 ? s.meter_j / out.end_s / 1e6 : 0, "MW", dims);
    add("utilisation", s.in_service_s > 0 ? s.busy_s / s.in_service_s : 0, "1", dims);
  }

  result.binds = binds_of(ledger);
  result.headline = fmt::format("{} of {} jobs done in {:.3g} days{}; {:.1f} % of {}accelerator-hours are useful work. Waits are {:.2g} h in the mean, p95 {:.2g} h; {}, {}, {} USD{}", out.n_completed,
                                jobs.n_jobs, out.end_s / 86400, out.n_rejected > 0 ? fmt::format(" ({} rejected as too large)", out.n_rejected) : "", total > 0 ? 100 * ledger.at(Use::useful) / total : 0.0,
                                compact_number(total / kHourSeconds) + " ", wait.mean, wait.p95, quantity_text(meter / 3600, "Wh"), quantity_text(carbon / 1000, "tCO2e"), compact_number(energy_cost + rent),
                                result.binds.empty() ? "" : fmt::format("; most of the rest is {} ({:.0f} %)", result.binds.front().resource, 100 * result.binds.front().share));
  for (const auto& note : notes) result.headline += "; " + note;
  result.ledger = ledger_table(out, spec);
  if (jobs.rows.are_complete()) result.tables.push_back(jobs.rows.table());
  else if (!scenario.jobs_file) result.headline += fmt::format("; {} jobs are too many for a table: name a \"jobs_file\" for their rows", jobs.n_jobs);
  result.tables.push_back(jobs.spans.table(out.end_s));
  result.tables.push_back(hour_table(out, spec));
  if (overdraft > 0)
    result.infeasible = fmt::format("the power limit is below what idle accelerators and their cooling draw for {:.1f} h", overdraft / kHourSeconds);
  return result;
}

}  // namespace waferwatt::scenario
