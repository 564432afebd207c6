// SPDX-License-Identifier: Apache-2.0
// What the fleet does in a week: tokens, training, energy, and the rent that clears the market.
#include "simulation.hpp"

#include <algorithm>

namespace waferwatt::world {

Simulation::OwnerWeek Simulation::owner_week(std::size_t o, Date date, Time span) const {
  const auto& owner = spec_.owners[o];
  const double gain = spec_.demand.software_gain.at(date) * spec_.demand.utilisation;
  OwnerWeek week;
  week.tokens.assign(spec_.demand.market.tiers.size(), TokenRate{});
  for (std::size_t p = 0; p < spec_.offers.size(); ++p) {
    const double n = queues_[o].energised()[p];
    if (n <= 0) continue;
    const auto& traits = spec_.traits[p];
    for (std::size_t i = 0; i < week.tokens.size(); ++i) week.tokens[i] += n * traits.token_rates[i] * gain;
    week.training += n * traits.training;
    week.energy += n * traits.load.facility_mean(owner.pue) * span;
    week.cost += n * hourly_cost_of(p, owner, date) * span;
    week.operations += n * spec_.offers[p].price.at(date) * traits.server_cost_factor * spec_.terms.operations_fraction * (span / core::year);
    week.h100e += n * traits.h100_equivalents;
  }
  week.energy_cost = week.energy * owner.energy_price.at(date);
  return week;
}

namespace {

/// Mean IT power of one accelerator: its time is shared out as the fleet's is. Serving below saturation draws the part of
/// what saturation adds to idling that is used; where it cannot serve a tier it idles.
Power mean_it_power(const ProductTraits& traits, const market::Clearing& clearing, const std::vector<double>& tier_shares, double utilisation) {
  if (!traits.power) return traits.load.it_nameplate * traits.load.mean_load_fraction;
  const auto& power = *traits.power;
  Power mean = power.idle * clearing.idle_share + power.training * clearing.training_share;
  for (std::size_t i = 0; i < tier_shares.size(); ++i)
    mean += tier_shares[i] * (power.idle + (traits.token_rates[i] > TokenRate{} ? utilisation * (power.serving[i] - power.idle) : Power{}));
  return mean;
}

}  // namespace

/// What the meters of the week say: power follows what the fleet did.
void Simulation::meter(Date date, Time span, const market::Fleet& fleet, const market::Clearing& clearing, std::vector<OwnerWeek>& weeks) {
  std::vector<double> tier_shares(fleet.tokens.size(), 0.0);  // of the fleet's time
  for (std::size_t i = 0; i < tier_shares.size(); ++i)
    if (fleet.tokens[i] > TokenRate{}) tier_shares[i] = clearing.served[i] / fleet.tokens[i];
  std::vector<Power> each;
  for (const auto& traits : spec_.traits) each.push_back(mean_it_power(traits, clearing, tier_shares, spec_.demand.utilisation));
  auto& year = account(date);
  for (std::size_t o = 0; o < weeks.size(); ++o) {
    auto& w = weeks[o];
    w.energy = Energy{};
    for (std::size_t p = 0; p < each.size(); ++p) w.energy += queues_[o].energised()[p] * each[p] * spec_.owners[o].pue * span;
    w.energy_cost = w.energy * spec_.owners[o].energy_price.at(date);
    const CarbonMass carbon = w.energy * spec_.owners[o].carbon_intensity.at(date);
    auto& own = owner_year(date, o);
    year.energy += w.energy, own.energy += w.energy, metered_ += w.energy;
    year.carbon += carbon, own.carbon += carbon;
  }
}

/// Tokens, training, energy, prices and cost of one week.
void Simulation::use(Date date, Time span) {
  const auto& demand = spec_.demand.market;
  const double weeks = span / core::week;
  market::Fleet fleet;
  fleet.tokens.assign(demand.tiers.size(), TokenRate{});
  std::vector<OwnerWeek> owners;
  Money fleet_cost, avoidable;
  auto& year = account(date);
  for (std::size_t o = 0; o < queues_.size(); ++o) {
    const auto& w = owners.emplace_back(owner_week(o, date, span));
    for (std::size_t i = 0; i < fleet.tokens.size(); ++i) fleet.tokens[i] += w.tokens[i];
    fleet.training += w.training;
    fleet.h100_equivalents += w.h100e;
    fleet_cost += w.cost;
    avoidable += w.energy_cost + w.operations;
    owner_year(date, o).h100e_weeks += w.h100e * weeks;
  }
  // What software gains beyond the forecast makes tokens cheaper than it took them to be, and more are asked for.
  if (spec_.demand.reference_gain) fleet.reference_scale = spec_.demand.software_gain.at(date) / spec_.demand.reference_gain->at(date);
  const MoneyRate entry = entry_cost(date);
  const MoneyRate floor = fleet.h100_equivalents > 0 ? avoidable / (fleet.h100_equivalents * span) : MoneyRate{};
  rent_ = market::contract_rent(rent_, market::clearing_rent(demand, fleet, date, entry, floor), span, spec_.demand.rental_contract);
  const auto clearing = market::clear(demand, fleet, date, rent_, entry);
  meter(date, span, fleet, clearing, owners);
  for (std::size_t i = 0; i < clearing.served.size(); ++i) {
    year.tokens_demanded += clearing.wanted[i] * span;
    year.tokens_served += clearing.served[i] * span;
    year.tier_tokens[i] += clearing.served[i] * span;
    year.tier_revenue[i] += clearing.served[i] * clearing.prices[i] * span;
    tokens_of_tiers_ += clearing.served[i] * span;
  }
  year.training_flop += clearing.training * span;
  year.training_wanted += clearing.training_wanted * span;
  year.inference_cost += fleet_cost * clearing.inference_share;
  year.fleet_cost += fleet_cost;
  year.inference_share += clearing.inference_share * weeks;
  year.idle_share += clearing.idle_share * weeks;
  weeks_in_year_[date.year()] += weeks;
  for (std::size_t o = 0; o < owners.size(); ++o) {
    auto& own = owner_year(date, o);
    for (std::size_t i = 0; i < fleet.tokens.size(); ++i)
      if (fleet.tokens[i] > TokenRate{}) own.tokens += clearing.served[i] * span * (owners[o].tokens[i] / fleet.tokens[i]);
    own.training += owners[o].training * clearing.training_share * span;
  }
  const double h100e_weeks = fleet.h100_equivalents * weeks;
  result_.h100e_weeks += h100e_weeks;
  way_.idle_weeks += h100e_weeks * clearing.idle_share;
  way_.training_weeks += h100e_weeks * clearing.training_share;
  way_.headroom_weeks += h100e_weeks * clearing.inference_share * (1 - spec_.demand.utilisation);
  way_.inference_weeks += h100e_weeks * clearing.inference_share * spec_.demand.utilisation;
  double waiting = 0;
  for (const auto& queue : queues_)
    for (std::size_t p = 0; p < spec_.offers.size(); ++p) waiting += queue.waiting()[p] * spec_.traits[p].h100_equivalents;
  way_.waiting_weeks += waiting * weeks;
  way_.owned_weeks += h100e_weeks + waiting * weeks;
  work_on_projects(date, span, owners, clearing.training_share);
  note_prices(date, span, clearing, entry);
  settle_use(date, span, owners, fleet, clearing);
}

/// A project takes its part of its owner's training until its work is done.
void Simulation::work_on_projects(Date date, Time span, const std::vector<OwnerWeek>& weeks, double training_share) {
  result_.projects.resize(spec_.projects.size());
  std::vector<double> taken(weeks.size() + 1, 0.0);  // of each owner's training; the last: of all
  for (std::size_t i = 0; i < spec_.projects.size(); ++i) {
    const auto& project = spec_.projects[i];
    auto& end = result_.projects[i];
    if (date < project.start || end.finished) continue;
    FlopRate training;
    for (std::size_t o = 0; o < weeks.size(); ++o)
      if (project.owner == kNobody || controller(o) == project.owner) training += weeks[o].training * training_share;
    double& used = taken[project.owner == kNobody ? weeks.size() : project.owner];
    const double share = std::min(project.largest_share, 1 - used);
    const FlopCount left = project.work - end.done, possible = training * share * span;
    if (possible >= left) {
      end.finished = date + (possible > FlopCount{} ? span * (left / possible) : Time{});
      end.done = project.work;
      used += possible > FlopCount{} ? share * (left / possible) : 0.0;
    } else {
      end.done += possible;
      used += share;
    }
  }
}

}  // namespace waferwatt::world
