// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/market/compute_market.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::market {
namespace {

constexpr double kHighestRent = 1000;  // over the cost of new capacity: beyond any shortage

double ratio(TokenPrice price, TokenPrice reference) { return reference > TokenPrice{} ? price / reference : 1.0; }

/// As the caller's curve says.
std::vector<TokenRate> wanted_by_curve(const ComputeDemand& demand, const Fleet& fleet, Date date, MoneyRate rent) {
  std::vector<TokenPrice> prices;
  for (std::size_t i = 0; i < demand.tiers.size(); ++i) prices.push_back(token_price(demand, fleet, i, rent));
  auto wanted = demand.curve(prices, date);
  const bool is_sound = wanted.size() == prices.size() && std::ranges::all_of(wanted, [](TokenRate rate) { return rate >= TokenRate{} && std::isfinite(rate.base()); });
  if (!is_sound) throw InputError(fmt::format("the demand curve gave {} rates on {}; it has to give {}, finite and at least 0", wanted.size(), date.text(), prices.size()));
  return wanted;
}

/// Fleet time that is wanted at a rent.
double share_wanted(const ComputeDemand& demand, const Fleet& fleet, Date date, MoneyRate rent, MoneyRate entry_cost) {
  double inference = 0;
  const auto tokens = tokens_wanted(demand, fleet, date, rent, entry_cost);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (fleet.tokens[i] > TokenRate{}) inference += tokens[i] / fleet.tokens[i];
  // Training that takes what is left is worth the cost of new capacity, and no more.
  if (!demand.training) return rent < entry_cost * (1 - 1e-12) ? 2.0 : inference / demand.largest_share;
  const double training = fleet.training > FlopRate{} ? training_wanted(demand, fleet, date, rent, entry_cost) / fleet.training : 0.0;
  return inference + training;
}

}  // namespace

TokenPrice token_price(const ComputeDemand& demand, const Fleet& fleet, std::size_t tier, MoneyRate rent) {
  if (fleet.tokens[tier] <= TokenRate{}) return {};
  return rent * fleet.h100_equivalents / fleet.tokens[tier] / (1 - demand.tiers[tier].margin);
}

std::vector<TokenRate> tokens_wanted(const ComputeDemand& demand, const Fleet& fleet, Date date, MoneyRate rent, MoneyRate entry_cost) {
  if (demand.curve) return wanted_by_curve(demand, fleet, date, rent);
  const std::size_t n = demand.tiers.size();
  std::vector<double> relative(n), weight(n);
  std::vector<TokenRate> wanted(n);
  double spending = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto& tier = demand.tiers[i];
    const TokenPrice reference = tier.reference_price ? tier.reference_price->at(date) : token_price(demand, fleet, i, entry_cost) * fleet.reference_scale;
    relative[i] = ratio(token_price(demand, fleet, i, rent), reference);
    wanted[i] = tier.demand.at(date);
    weight[i] = (wanted[i] * reference).in(usd / second);
    spending += weight[i];
  }
  if (spending <= 0) return wanted;
  const double s = demand.substitution;
  double mean = 0;
  for (std::size_t i = 0; i < n; ++i) mean += weight[i] / spending * (std::abs(s - 1) < 1e-9 ? std::log(relative[i]) : std::pow(relative[i], 1 - s));
  const double all = std::abs(s - 1) < 1e-9 ? std::exp(mean) : std::pow(mean, 1 / (1 - s));
  for (std::size_t i = 0; i < n; ++i) wanted[i] *= std::pow(relative[i] / all, -s) * std::pow(all, -demand.elasticity);
  return wanted;
}

FlopRate training_wanted(const ComputeDemand& demand, const Fleet& fleet, Date date, MoneyRate rent, MoneyRate entry_cost) {
  if (!demand.training) return fleet.training;
  return demand.training->at(date) * std::pow(rent / entry_cost, -demand.training_elasticity);
}

MoneyRate clearing_rent(const ComputeDemand& demand, const Fleet& fleet, Date date, MoneyRate entry_cost, MoneyRate avoidable_cost) {
  if (fleet.h100_equivalents <= 0 || entry_cost <= MoneyRate{}) return entry_cost;
  const auto wants_more = [&](double factor) { return share_wanted(demand, fleet, date, entry_cost * factor, entry_cost) > 1; };
  double low = std::min(1.0, avoidable_cost / entry_cost), high = kHighestRent;
  if (!wants_more(low)) return entry_cost * low;
  if (wants_more(high)) return entry_cost * high;
  for (int i = 0; i < 60 && high / low > 1 + 1e-9; ++i) {
    const double middle = std::sqrt(low * high);
    (wants_more(middle) ? low : high) = middle;
  }
  return entry_cost * std::sqrt(low * high);
}

Clearing clear(const ComputeDemand& demand, const Fleet& fleet, Date date, MoneyRate rent, MoneyRate entry_cost) {
  Clearing week{.rent = rent};
  week.wanted = tokens_wanted(demand, fleet, date, rent, entry_cost);
  week.served.assign(week.wanted.size(), TokenRate{});
  double inference = 0;
  for (std::size_t i = 0; i < week.wanted.size(); ++i) {
    week.prices.push_back(token_price(demand, fleet, i, rent));
    if (fleet.tokens[i] > TokenRate{}) inference += week.wanted[i] / fleet.tokens[i];
  }
  if (fleet.h100_equivalents <= 0) return week;
  week.tightness = share_wanted(demand, fleet, date, entry_cost, entry_cost);
  week.inference_share = std::min(inference, demand.largest_share);
  const double part = inference > 0 ? week.inference_share / inference : 0.0;
  for (std::size_t i = 0; i < week.wanted.size(); ++i)
    if (fleet.tokens[i] > TokenRate{}) week.served[i] = week.wanted[i] * part;
  week.training_wanted = training_wanted(demand, fleet, date, rent, entry_cost);
  const double training = fleet.training > FlopRate{} ? week.training_wanted / fleet.training : 0.0;
  week.training_share = std::min(demand.training ? training : 1.0, 1 - week.inference_share);
  week.training = fleet.training * week.training_share;
  week.idle_share = 1 - week.inference_share - week.training_share;
  return week;
}

MoneyRate contract_rent(MoneyRate rent, MoneyRate clearing, Time span, Time contract) {
  if (rent <= MoneyRate{} || contract <= Time{}) return clearing;
  return clearing * std::pow(rent / clearing, std::exp(-(span / contract)));
}

}  // namespace waferwatt::market
