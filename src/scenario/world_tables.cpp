// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "world_result.hpp"

namespace waferwatt::scenario {
namespace {

using Kind = Table::Kind;

constexpr auto kPerMegatoken = usd / (mega * token);

Table deliveries(const WorldRun& run) {
  Table table("deliveries", {{"year", Kind::integer}, {"owner", Kind::text}, {"vendor", Kind::text}, {"accelerator", Kind::text}, {"accelerators_delivered"}, {"h100_equivalents"}, {"paid_usd"}});
  for (const auto& d : run.simulated.deliveries) {
    const auto& offer = run.spec.offers[d.product];
    table.add({std::int64_t{d.year}, run.spec.buyers[d.owner].name, offer.vendor, offer.accelerator, d.n_accelerators, d.n_accelerators * run.spec.traits[d.product].h100_equivalents, d.paid.in(usd)});
  }
  return table;
}

Table years(const WorldRun& run) {
  Table table("years", {{"year", Kind::integer}, {"accelerators_energised"}, {"accelerators_awaiting_power"}, {"accelerators_unsold"}, {"h100_equivalents_energised"}, {"power_energised_gw"},
                        {"energy_twh"}, {"carbon_mtco2e"}, {"tokens_demanded"}, {"tokens_served"}, {"inference_share_fraction"}, {"idle_share_fraction"}, {"cost_usd_per_mtoken"}, {"training_flop"}});
  for (const auto& y : run.simulated.years)
    table.add({std::int64_t{y.year}, y.accelerators_energised, y.accelerators_waiting, y.accelerators_unsold, y.h100e_energised, y.energised_nameplate.in(giga * watt),
               y.energy.in(tera * watt_hour), y.carbon.in(mega * 1000 * kg_co2e), y.tokens_demanded.in(token), y.tokens_served.in(token), y.inference_share, y.idle_share,
               y.tokens_served > Tokens{} ? (y.inference_cost / y.tokens_served).in(kPerMegatoken) : 0.0, y.training_flop.in(flop)});
  return table;
}

Table owners(const WorldRun& run) {
  Table table("owners", {{"year", Kind::integer}, {"owner", Kind::text}, {"kind", Kind::text}, {"h100_equivalents_energised"}, {"h100_equivalents_awaiting_power"}, {"h100e_weeks"},
                         {"power_energised_gw"}, {"tokens_served"}, {"training_flop"}, {"energy_twh"}, {"carbon_mtco2e"}});
  for (const auto& o : run.simulated.owner_years)
    table.add({std::int64_t{o.year}, run.spec.buyers[o.owner].name, io::enum_text(run.scenario.buyers[o.owner].kind), o.h100e_energised, o.h100e_waiting, o.h100e_weeks,
               o.energised_nameplate.in(giga * watt), o.tokens.in(token), o.training.in(flop), o.energy.in(tera * watt_hour), o.carbon.in(mega * 1000 * kg_co2e)});
  return table;
}

/// Every flow of every buyer; what one gets (positive) another pays.
Table finances(const WorldRun& run) {
  std::vector<Table::ColumnSpec> columns = {{"year", Kind::integer}, {"owner", Kind::text}};
  for (std::size_t f = 0; f < market::kFlows; ++f) columns.push_back({std::string{market::flow_name(static_cast<market::Flow>(f))} + "_musd"});
  for (const char* name : {"depreciation_musd", "operating_profit_musd", "cash_musd", "debt_musd", "book_value_musd"}) columns.push_back({name});
  Table table("finances", columns);
  using market::Flow;
  for (const auto& o : run.simulated.owner_years) {
    std::vector<Table::Cell> row = {std::int64_t{o.year}, run.spec.buyers[o.owner].name};
    for (const Money flow : o.flows) row.emplace_back(flow.in(mega * usd));
    Money profit = -o.depreciation;
    for (const Flow f : {Flow::token_sales, Flow::rent, Flow::energy, Flow::operations, Flow::carbon, Flow::interest}) profit += o.flows[static_cast<std::size_t>(f)];
    for (const Money amount : {o.depreciation, profit, o.cash, o.debt, o.book_value}) row.emplace_back(amount.in(mega * usd));
    table.add(std::move(row));
  }
  return table;
}

Table prices(const WorldRun& run) {
  std::vector<Table::ColumnSpec> columns = {{"year", Kind::integer}, {"quarter", Kind::integer}, {"h100_rent_usd_per_h"}, {"entry_cost_usd_per_h"}, {"tightness"}, {"idle_share_fraction"}};
  for (const auto& tier : run.capabilities.tiers) columns.push_back({fmt::format("price_{}_usd_per_mtoken", tier)});
  Table table("prices", columns);
  for (const auto& q : run.simulated.quarters) {
    std::vector<Table::Cell> row = {std::int64_t{q.year}, std::int64_t{q.quarter}, q.rent.in(usd / hour), q.entry_cost.in(usd / hour), q.tightness, q.idle_share};
    for (const auto price : q.tokens) row.emplace_back(price.in(kPerMegatoken));
    table.add(std::move(row));
  }
  return table;
}

Table failures(const WorldRun& run) {
  Table table("failures", {{"date", Kind::text}, {"buyer", Kind::text}, {"resolution", Kind::text}, {"by", Kind::text}, {"amount_musd"}, {"reason", Kind::text}});
  for (const auto& f : run.simulated.failures)
    table.add({f.date.text(), run.spec.buyers[f.buyer].name, std::string{market::resolution_name(f.resolved.resolution)}, f.resolved.by ? run.spec.buyers[*f.resolved.by].name : "",
               f.resolved.amount.in(mega * usd), f.resolved.reason});
  return table;
}

Table projects(const WorldRun& run) {
  Table table("projects", {{"project", Kind::text}, {"owner", Kind::text}, {"work_flop"}, {"done_fraction"}, {"start", Kind::text}, {"finished", Kind::text}, {"deadline", Kind::text}, {"in_time", Kind::text}});
  for (std::size_t i = 0; i < run.spec.projects.size() && i < run.simulated.projects.size(); ++i) {
    const auto& p = run.spec.projects[i];
    const auto& end = run.simulated.projects[i];
    table.add({p.name, p.owner == world::kNobody ? "" : run.spec.buyers[p.owner].name, p.work.in(flop), end.done / p.work, p.start.text(), end.finished ? end.finished->text() : "",
               p.deadline ? p.deadline->text() : "", !p.deadline ? "" : end.finished && *end.finished <= *p.deadline ? "yes" : "no"});
  }
  return table;
}

Table capability_table(const WorldRun& run) {
  Table table("capabilities", {{"accelerator", Kind::text}, {"tier", Kind::text}, {"accelerators_per_replica", Kind::integer}, {"weight_format", Kind::text}, {"output_tokens_per_s"},
                               {"input_tokens_per_s"}, {"time_per_output_token_s"}, {"mean_power_w"}, {"expected_error_fraction"}, {"infeasible", Kind::text}});
  for (std::size_t p = 0; p < run.spec.offers.size(); ++p)
    for (std::size_t i = 0; i < run.capabilities.tiers.size(); ++i) {
      const auto& c = run.capabilities.serving[p][i];
      table.add({run.spec.offers[p].accelerator, run.capabilities.tiers[i], c.n_accelerators, io::enum_text(c.weight_format), c.output_rate.in(token / second), c.input_rate.in(token / second),
                 c.time_per_output_token.in(second), c.mean_power.in(watt), c.error, c.infeasible});
    }
  return table;
}

Table training_table(const WorldRun& run) {
  Table table("training_capabilities", {{"accelerator", Kind::text}, {"model_flop_utilisation"}, {"flop_per_s"}, {"mean_power_w"}, {"memory_gb"}, {"plan", Kind::text}, {"infeasible", Kind::text}});
  for (std::size_t p = 0; p < run.capabilities.training.size(); ++p) {
    const auto& c = run.capabilities.training[p];
    table.add({run.spec.offers[p].accelerator, c.utilisation, c.rate.in(flop / second), c.mean_power.in(watt), c.memory.in(giga * byte), c.plan, c.infeasible});
  }
  return table;
}

Table waterfall(const WorldRun& run) {
  Table table("waterfall", {{"year", Kind::integer}, {"step", Kind::text}, {"unit", Kind::text}, {"change"}, {"left"}});
  for (const auto& s : run.simulated.waterfall) table.add({std::int64_t{s.year}, s.step, s.unit, s.change, s.left});
  return table;
}

Table ledger(const WorldRun& run) {
  Table table("ledger", {{"year", Kind::integer}, {"quarter", Kind::integer}, {"vendor", Kind::text}, {"accelerator", Kind::text}, {"owner", Kind::text}, {"resource", Kind::text},
                         {"waiting_accelerator_weeks"}, {"waiting_h100e_weeks"}});
  for (const auto& c : run.simulated.charges) {
    const auto& offer = run.spec.offers[c.product];
    table.add({std::int64_t{c.year}, std::int64_t{c.quarter}, offer.vendor, offer.accelerator, c.owner == world::kNobody ? "" : run.spec.buyers[c.owner].name,
               std::string{world::resource_name(c.resource)}, c.accelerator_weeks, c.accelerator_weeks * run.spec.traits[c.product].h100_equivalents});
  }
  return table;
}

/// Where known campuses of the run's owners are and what they are built for, as the catalog has it: most of their power is part of what
/// an owner has in all, some sites come on top of it.
Table sites(const WorldRun& run) {
  Table table("sites", {{"year", Kind::integer}, {"site", Kind::text}, {"name", Kind::text}, {"owner", Kind::text}, {"counted", Kind::text}, {"latitude_degrees"}, {"longitude_degrees"}, {"nameplate_mw"}});
  for (const auto& [id, site] : run.catalog.sites.all()) {
    const auto owner = std::ranges::find(run.scenario.buyers, site.owner, &WorldBuyer::name);
    if (owner == run.scenario.buyers.end() || !site.latitude || !site.longitude) continue;
    const bool on_top = std::ranges::any_of(owner->sites, [&id = id](const auto& each) { return each.id() == id; });
    for (const auto& y : run.simulated.years)
      if (const Power power = site.power.value.at(Date::from_civil(y.year, 12, 31)); power > Power{})
        table.add({std::int64_t{y.year}, id, site.name, site.owner, std::string{on_top ? "on top" : "within the owner's power"}, site.latitude->value, site.longitude->value, power.in(mega * watt)});
  }
  return table;
}

}  // namespace

void add_world_tables(const WorldRun& run, Result& result) {
  for (const auto make : {deliveries, years, owners, finances, prices, failures, projects, capability_table, training_table, waterfall, sites}) {
    auto table = make(run);
    if (table.n_rows() > 0) result.tables.push_back(std::move(table));
  }
  result.ledger = ledger(run);
}

}  // namespace waferwatt::scenario
