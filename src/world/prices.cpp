// SPDX-License-Identifier: Apache-2.0
// What hours cost and what they fetch.
#include <algorithm>

#include "simulation.hpp"

namespace waferwatt::world {

MoneyRate Simulation::hourly_cost_of(std::size_t product, const Owner& owner, Date date) const {
  market::OwnershipTerms terms = spec_.terms;
  terms.it_cost = spec_.offers[product].price.at(date) * spec_.traits[product].server_cost_factor;
  terms.facility_nameplate = loads_[product].facility_nameplate(owner.pue);
  terms.facility_mean = loads_[product].facility_mean(owner.pue);
  terms.energy_price = owner.energy_price.at(date);
  return market::hourly_cost(terms);
}

/// What an H100-equivalent hour of new capacity has to fetch: the mean of what was sold lately on the open market, at the owners' mean PUE and
/// energy price. Chips that their makers keep for themselves set no price for others; before the first sale products count by their mix.
MoneyRate Simulation::entry_cost(Date date) const {
  Owner mean{.pue = 0};
  EnergyPrice price;
  for (const auto& owner : spec_.owners) {
    mean.pue += owner.pue / static_cast<double>(spec_.owners.size());
    price += owner.energy_price.at(date) / static_cast<double>(spec_.owners.size());
  }
  mean.energy_price = Ramp<EnergyPrice>::constant(price);
  const auto weighted = [&](auto weight) {
    MoneyRate sum;
    double all = 0;
    for (std::size_t p = 0; p < spec_.offers.size(); ++p) {
      const double w = weight(p);
      if (w <= 0) continue;
      sum += hourly_cost_of(p, mean, date) * (w / spec_.traits[p].h100_equivalents);
      all += w;
    }
    return all > 0 ? sum / (all * spec_.demand.expected_utilisation) : MoneyRate{};
  };
  const auto lately = weighted([&](std::size_t p) { return on_open_market_[p] ? sold_lately_[p] : 0.0; });
  if (lately > MoneyRate{}) return lately;
  const auto mixed = weighted([&](std::size_t p) { return on_open_market_[p] ? spec_.offers[p].mix.at(date) * spec_.traits[p].h100_equivalents : 0.0; });
  return mixed > MoneyRate{} ? mixed : weighted([](std::size_t) { return 1.0; });
}

void Simulation::note_prices(Date date, Time span, const market::Clearing& clearing, MoneyRate entry) {
  const int year = date.year(), quarter = date.quarter();
  const double weeks = span / core::week;
  if (result_.quarters.empty() || result_.quarters.back().year != year || result_.quarters.back().quarter != quarter)
    result_.quarters.push_back({.year = year, .quarter = quarter, .tokens = std::vector<TokenPrice>(clearing.prices.size())});
  auto& q = result_.quarters.back();
  q.rent += clearing.rent * weeks;
  q.entry_cost += entry * weeks;
  q.tightness += clearing.tightness * weeks;
  q.idle_share += clearing.idle_share * weeks;
  for (std::size_t i = 0; i < clearing.prices.size(); ++i) q.tokens[i] += clearing.prices[i] * weeks;
  weeks_in_quarter_[{year, quarter}] += weeks;
}

}  // namespace waferwatt::world
