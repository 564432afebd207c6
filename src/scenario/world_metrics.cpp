// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>
#include <set>

#include "world_result.hpp"

namespace waferwatt::scenario {
namespace {

using Dims = std::map<std::string, std::string>;

constexpr auto kTerawattHour = tera * watt_hour;
constexpr auto kMegatonne = mega * 1000 * kg_co2e;

class Metrics {
 public:
  void add(const char* name, const Dims& dims, double value, const char* unit) { list_.push_back({.name = name, .dims = dims, .value = value, .unit = unit}); }
  std::vector<Metric> take() { return std::move(list_); }

 private:
  std::vector<Metric> list_;
};

void add_deliveries(const WorldRun& run, Metrics& metrics) {
  std::map<std::pair<int, std::string>, double> by_vendor, by_owner;
  for (const auto& d : run.simulated.deliveries) {
    by_vendor[{d.year, run.spec.offers[d.product].vendor}] += d.n_accelerators;
    by_owner[{d.year, run.spec.buyers[d.owner].name}] += d.n_accelerators;
  }
  for (const auto& [dim, values] : {std::pair{"vendor", &by_vendor}, std::pair{"owner", &by_owner}})
    for (const auto& [key, value] : *values) metrics.add("accelerators_delivered", {{dim, key.second}, {"year", std::to_string(key.first)}}, value, "accelerator");
}

void add_year(const WorldRun& run, const world::YearAccount& y, Metrics& metrics) {
  const Dims dims = {{"year", std::to_string(y.year)}};
  const auto add = [&](const char* name, double value, const char* unit) { metrics.add(name, dims, value, unit); };
  add("tokens_demanded", y.tokens_demanded.in(token), "token");
  add("tokens_served", y.tokens_served.in(token), "token");
  add("training_flop", y.training_flop.in(flop), "FLOP");
  add("inference_share", y.inference_share, "1");
  add("idle_share", y.idle_share, "1");
  add("cost_per_mtoken", y.tokens_served > Tokens{} ? (y.inference_cost / y.tokens_served).in(usd / (mega * token)) : 0, "USD/Mtoken");
  for (std::size_t i = 0; i < y.tier_tokens.size(); ++i)
    metrics.add("token_price", {{"tier", run.capabilities.tiers[i]}, {"year", std::to_string(y.year)}}, y.tier_tokens[i] > Tokens{} ? (y.tier_revenue[i] / y.tier_tokens[i]).in(usd / (mega * token)) : 0,
                "USD/Mtoken");
  if (y.tier_tokens.size() > 1)
    for (std::size_t i = 0; i < y.tier_tokens.size(); ++i) metrics.add("tier_tokens", {{"tier", run.capabilities.tiers[i]}, {"year", std::to_string(y.year)}}, y.tier_tokens[i].in(token), "token");
  Money revenue;
  for (const Money r : y.tier_revenue) revenue += r;
  add("token_revenue", revenue.in(giga * usd), "BUSD");
  add("energy", y.energy.in(kTerawattHour), "TWh");
  add("carbon", y.carbon.in(kMegatonne), "MtCO2e");
  add("power_energised", y.energised_nameplate.in(giga * watt), "GW");
  add("accelerators_energised", y.accelerators_energised, "accelerator");
  add("accelerators_awaiting_power", y.accelerators_waiting, "accelerator");
  add("accelerators_unsold", y.accelerators_unsold, "accelerator");
  add("h100_equivalents_energised", y.h100e_energised, "H100e");
  add("packaging_wafers_started", y.packaging_wafers, "wafer");
  add("packaging_slots_idle_fraction", y.packaging_slots > 0 ? y.idle_slots / y.packaging_slots : 0, "1");
}

void add_prices(const WorldRun& run, Metrics& metrics) {
  std::map<int, std::pair<double, int>> by_year;
  for (const auto& q : run.simulated.quarters) {
    const Dims dims = {{"quarter", fmt::format("{}-Q{}", q.year, q.quarter)}};
    metrics.add("h100_rent", dims, q.rent.in(usd / hour), "USD/h");
    auto& [sum, n] = by_year[q.year];
    sum += q.rent.in(usd / hour), ++n;
  }
  for (const auto& [year, sum] : by_year) metrics.add("h100_rent", {{"year", std::to_string(year)}}, sum.first / sum.second, "USD/h");
}

/// What owners have at the end of each year: on or waiting.
void add_owners(const WorldRun& run, Metrics& metrics) {
  std::map<std::pair<int, std::size_t>, double> delivered;
  for (const auto& d : run.simulated.deliveries) delivered[{d.year, d.owner}] += d.n_accelerators * run.spec.traits[d.product].h100_equivalents;
  for (const auto& o : run.simulated.owner_years) {
    const Dims dims = {{"owner", run.spec.buyers[o.owner].name}, {"year", std::to_string(o.year)}};
    const auto found = delivered.find({o.year, o.owner});
    metrics.add("h100_equivalents_delivered", dims, found == delivered.end() ? 0.0 : found->second, "H100e");
    metrics.add("h100_equivalents_owned", dims, o.h100e_energised + o.h100e_waiting, "H100e");
    metrics.add("power_energised", dims, o.energised_nameplate.in(giga * watt), "GW");
    metrics.add("tokens_served", dims, o.tokens.in(token), "token");
    metrics.add("training_flop", dims, o.training.in(flop), "FLOP");
    metrics.add("cash", dims, o.cash.in(giga * usd), "BUSD");
    metrics.add("debt", dims, o.debt.in(giga * usd), "BUSD");
  }
}

/// Sales of accelerators at the price the vendor gets, and what it sells with them, by its fiscal year and quarter.
void add_revenues(const WorldRun& run, Metrics& metrics) {
  std::map<std::pair<std::string, int>, double> by_year;
  std::map<std::pair<std::string, std::string>, double> by_quarter;
  for (const auto& sale : run.simulated.sales) {
    const auto& vendor = run.spec.offers[sale.product].vendor;
    const auto* company = run.catalog.companies.find(vendor);
    const auto first = company && company->fiscal_year_month ? static_cast<int>(company->fiscal_year_month->value) : 1;
    // A fiscal year is named after the calendar year in which it ends.
    const int year = first > 1 && sale.month >= first ? sale.year + 1 : sale.year, quarter = 1 + (sale.month - first + 12) % 12 / 3;
    const auto systems = run.scenario.vendor_systems.find(vendor);
    const double beside = systems == run.scenario.vendor_systems.end() ? 0.0 : systems->second.at(Date::from_civil(sale.year, sale.month, 15));
    const double revenue = sale.revenue.in(giga * usd) * (1 + beside);
    by_year[{vendor, year}] += revenue;
    by_quarter[{vendor, fmt::format("{}-Q{}", year, quarter)}] += revenue;
  }
  for (const auto& [key, value] : by_year) metrics.add("vendor_revenue", {{"vendor", key.first}, {"fiscal_year", std::to_string(key.second)}}, value, "BUSD");
  for (const auto& [key, value] : by_quarter) metrics.add("vendor_revenue", {{"vendor", key.first}, {"fiscal_quarter", key.second}}, value, "BUSD");
}

/// All datacentres: the load beside accelerators, and that of the buyers in the region.
void add_energy(const WorldRun& run, Metrics& metrics) {
  for (const auto& [region, load] : run.scenario.other_load)
    for (const auto& y : run.simulated.years) {
      const Date from = Date::from_civil(y.year, 1, 1), to = Date::from_civil(y.year + 1, 1, 1);
      if (from < run.scenario.start || to > run.scenario.end) continue;
      Energy energy = load.integral(from, to);
      for (const auto& o : run.simulated.owner_years)
        if (o.year == y.year && (region == "world" || run.scenario.buyers[o.owner].region == region)) energy += o.energy;
      metrics.add("datacentre_energy", {{"region", region}, {"year", std::to_string(y.year)}}, energy.in(kTerawattHour), "TWh");
    }
}

void add_projects(const WorldRun& run, Metrics& metrics) {
  for (std::size_t i = 0; i < run.spec.projects.size() && i < run.simulated.projects.size(); ++i) {
    const auto& project = run.spec.projects[i];
    const auto& end = run.simulated.projects[i];
    const Dims dims = {{"project", project.name}};
    metrics.add("project_done", dims, end.done / project.work, "1");
    if (end.finished) metrics.add("project_time", dims, (*end.finished - project.start).in(day), "day");
  }
}

}  // namespace

std::vector<Metric> world_metrics(const WorldRun& run) {
  Metrics metrics;
  add_deliveries(run, metrics);
  for (const auto& y : run.simulated.years) add_year(run, y, metrics);
  add_prices(run, metrics);
  add_projects(run, metrics);
  Tokens tokens;
  FlopCount training;
  for (const auto& y : run.simulated.years) tokens += y.tokens_served, training += y.training_flop;
  metrics.add("compute", {}, run.simulated.h100e_weeks, "H100e week");
  metrics.add("tokens_served", {}, tokens.in(token), "token");
  metrics.add("training_flop", {}, training.in(flop), "FLOP");
  std::set<std::size_t> failed, absorbed;
  for (const auto& f : run.simulated.failures) {
    failed.insert(f.buyer);
    if (f.resolved.resolution == market::Resolution::absorbed) absorbed.insert(f.buyer);
  }
  metrics.add("failures", {}, static_cast<double>(run.simulated.failures.size()), "1");
  metrics.add("buyers_failed", {}, static_cast<double>(failed.size()), "1");
  metrics.add("buyers_absorbed", {}, static_cast<double>(absorbed.size()), "1");
  metrics.add("balance_error", {}, run.simulated.largest_balance_error, "1");
  add_revenues(run, metrics);
  add_energy(run, metrics);
  add_owners(run, metrics);
  return metrics.take();
}

}  // namespace waferwatt::scenario
