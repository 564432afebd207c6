// SPDX-License-Identifier: Apache-2.0
// Who pays whom, and who can pay no longer.
#include <algorithm>
#include <cmath>

#include "simulation.hpp"

namespace waferwatt::world {

using market::Flow;
using market::Outside;

/// Of free money, the part that goes into accelerators; their servers, buildings and upkeep take the rest.
constexpr double kAcceleratorsOfMoney = 0.5;

std::size_t Simulation::controller(std::size_t owner) const {
  while (controller_[owner] != owner) owner = controller_[owner];
  return owner;
}

/// What buyers can put into orders. While rents do not pay for new capacity those who respond to it buy less.
std::vector<Money> Simulation::liquidity(Date date, Time span) const {
  std::vector<Money> most;
  const MoneyRate entry = spec_.budget_response > 0 ? entry_cost(date) : MoneyRate{};
  const double wish = entry > MoneyRate{} && rent_ > MoneyRate{} ? std::min(1.0, std::pow(rent_ / entry, spec_.budget_response)) : 1.0;
  for (std::size_t b = 0; b < spec_.buyers.size(); ++b) {
    const Money hand = book_.accounts()[b].total_at_hand();
    Money limit = hand + spec_.buyers[b].budget.integral(date, date + span) * (wish * (1 - book_.held(b)));
    if (const auto& finance = spec_.owners[b].finance) {
      const Money credit = std::max(Money{}, fleet_value_[b].value() * finance->credit - debt_[b]);
      limit = std::min(limit, (books_.cash(b) + credit) * kAcceleratorsOfMoney);
    }
    most.push_back(limit);
  }
  return most;
}

void Simulation::pay_sale(const market::Sale& sale, Date date) {
  const std::size_t payer = controller(sale.buyer);
  const auto& ruling = rulings_[sale.buyer * spec_.offers.size() + sale.product];
  const Money list = sale.n_accelerators * sale.price, extra = std::max(Money{}, sale.paid + sale.prepaid - list);
  // What is paid over the price goes to the state that takes the tariff, or to those who find the way.
  books_.pay(payer, Outside::vendors, sale.paid - extra, Flow::accelerators);
  if (extra > Money{}) books_.pay(payer, ruling.is_open ? Outside::states : Outside::intermediaries, extra, ruling.is_open ? Flow::tariff : Flow::grey_market);
  const Money servers = list * (spec_.traits[sale.product].server_cost_factor - 1);
  books_.pay(payer, Outside::contractors, servers, Flow::servers);
  const Money support = (list + servers) * spec_.rules.subsidy(spec_.owners[sale.buyer].jurisdiction, date);
  if (support > Money{}) books_.receive(payer, Outside::states, support, Flow::subsidy);
  fleet_value_[payer].add(date.days(), list + servers);
}

/// Buildings are paid for as their power is energised.
void Simulation::build(Date date, Time span) {
  for (std::size_t o = 0; o < spec_.owners.size(); ++o) {
    const auto& power = spec_.owners[o].power;
    const Power grown = power.at(date) - power.at(std::max(spec_.start, date - span));
    if (grown <= Power{} || date == spec_.start) continue;
    const Money cost = grown * spec_.terms.building_cost;
    books_.pay(controller(o), Outside::contractors, cost, Flow::buildings);
    const Money support = cost * spec_.rules.subsidy(spec_.owners[o].jurisdiction, date);
    if (support > Money{}) books_.receive(controller(o), Outside::states, support, Flow::subsidy);
  }
}

namespace {

/// Shares of what is sold or trained: those given, and the rest by part of the fleet.
std::vector<double> shares(const std::vector<Owner>& owners, std::optional<Ramp<double>> Owner::*given, const std::vector<double>& fleet_part, Date date) {
  std::vector<double> share(owners.size(), 0.0);
  double named = 0, unnamed_fleet = 0;
  for (std::size_t o = 0; o < owners.size(); ++o) {
    if (owners[o].*given) named += share[o] = (owners[o].*given)->at(date);
    else unnamed_fleet += fleet_part[o];
  }
  const double rest = std::max(0.0, 1 - named), scale = named > 1 || unnamed_fleet <= 0 ? (named > 0 ? 1 / named : 0.0) : 1.0;
  for (std::size_t o = 0; o < owners.size(); ++o) {
    if (owners[o].*given) share[o] *= scale;
    else if (unnamed_fleet > 0 && named <= 1) share[o] = rest * fleet_part[o] / unnamed_fleet;
  }
  return share;
}

}  // namespace

/// Users pay sellers for tokens, sellers and trainers pay owners for hours, owners pay for energy and upkeep.
void Simulation::settle_use(Date date, Time span, const std::vector<OwnerWeek>& weeks, const market::Fleet& fleet, const market::Clearing& clearing) {
  const std::size_t n = spec_.owners.size();
  std::vector<double> part(n, 0.0);
  for (std::size_t o = 0; o < n; ++o) part[o] = fleet.h100_equivalents > 0 ? weeks[o].h100e / fleet.h100_equivalents : 0.0;
  const auto selling = shares(spec_.owners, &Owner::token_share, part, date), training = shares(spec_.owners, &Owner::training_share, part, date);
  Money revenue;
  for (std::size_t i = 0; i < clearing.served.size(); ++i) revenue += clearing.served[i] * clearing.prices[i] * span;
  const Money hours = clearing.rent * fleet.h100_equivalents * span;
  for (std::size_t o = 0; o < n; ++o) {
    const std::size_t who = controller(o);
    const double used = selling[o] * clearing.inference_share + training[o] * clearing.training_share, offered = part[o] * (1 - clearing.idle_share);
    const Money rent = hours * (offered - used), carbon = weeks[o].energy * spec_.owners[o].carbon_intensity.at(date) * spec_.rules.carbon_price(spec_.owners[o].jurisdiction, date);
    books_.receive(who, Outside::customers, revenue * selling[o], Flow::token_sales);
    books_.receive(who, Outside::intermediaries, rent, Flow::rent);
    books_.pay(who, Outside::utilities, weeks[o].energy_cost, Flow::energy);
    books_.pay(who, Outside::contractors, weeks[o].operations, Flow::operations);
    if (carbon > Money{}) books_.pay(who, Outside::states, carbon, Flow::carbon);
    operating_income_[who] = (who == o ? MoneyRate{} : operating_income_[who]) + (revenue * selling[o] + rent - weeks[o].energy_cost - weeks[o].operations - carbon) / span;
  }
}

void Simulation::settle_debts(Date date, Time span) {
  for (std::size_t o = 0; o < spec_.owners.size(); ++o) {
    owner_year(date, o).depreciation += fleet_value_[o].depreciate(date.days());
    if (controller(o) != o) continue;
    const auto& finance = spec_.owners[o].finance;
    if (!finance) {
      books_.receive(o, Outside::investors, -books_.cash(o), Flow::funding);  // or takes what is left over
      continue;
    }
    books_.receive(o, Outside::investors, finance->funding.at(date) * span, Flow::funding);
    books_.pay(o, Outside::lenders, debt_[o] * finance->interest * (span / core::year), Flow::interest);
    const Money most = fleet_value_[o].value() * finance->credit;
    // Loans are secured: as the fleet is written off they are paid back.
    const Money due = std::clamp(debt_[o] - most, Money{}, std::max(Money{}, books_.cash(o)));
    books_.pay(o, Outside::lenders, due, Flow::repayment);
    debt_[o] -= due;
    if (books_.cash(o) >= Money{}) continue;
    const Money loan = std::clamp(-books_.cash(o), Money{}, std::max(Money{}, most - debt_[o]));
    books_.receive(o, Outside::lenders, loan, Flow::borrowing);
    debt_[o] += loan;
    if (books_.cash(o) < -1.0 * usd) fail(o, -books_.cash(o), date);
  }
  const std::size_t n = spec_.owners.size();
  for (std::size_t o = 0; o < n; ++o)
    for (std::size_t f = 0; f < market::kFlows; ++f) {
      // Of the year: the total so far less that of earlier years.
      Money earlier;
      for (std::size_t back = result_.owner_years.size() - n; back >= n; back -= n) earlier += result_.owner_years[back - n + o].flows[f];
      owner_year(date, o).flows[f] = books_.total(o, static_cast<Flow>(f)) - earlier;
    }
}

market::Standing Simulation::standing(std::size_t o) const {
  const auto& owner = spec_.owners[o];
  market::Standing s{.buyer = o, .name = spec_.buyers[o].name, .jurisdiction = owner.jurisdiction, .cash = books_.cash(o), .debt = debt_[o], .book_value = fleet_value_[o].value(),
                     .operating_income = operating_income_[o], .partners = owner.partners, .is_going = controller(o) == o};
  // Who is backed by a company can pay a year of what it spends on accelerators.
  if (!owner.finance) s.cash = spec_.buyers[o].budget.at(Date::from_days(year_began_.days())) * core::year;
  return s;
}

void Simulation::fail(std::size_t o, Money gap, Date date) {
  std::vector<market::Standing> all;
  for (std::size_t other = 0; other < spec_.owners.size(); ++other) all.push_back(standing(other));
  const auto resolved = market::resolve(all[o], gap, spec_.owners[o].finance->interest, all);
  switch (resolved.resolution) {
    case market::Resolution::rescued:
      books_.transfer(*resolved.by, o, resolved.amount, Flow::rescue);
      break;
    case market::Resolution::restructured:
      books_.receive(o, Outside::lenders, gap, Flow::write_off);
      debt_[o] = std::max(Money{}, debt_[o] + gap - resolved.amount);
      break;
    case market::Resolution::absorbed: {
      const std::size_t by = *resolved.by;
      books_.transfer(by, o, resolved.amount, Flow::absorption);
      const Money paid_back = std::clamp(books_.cash(o), Money{}, debt_[o]);
      books_.pay(o, Outside::lenders, paid_back, Flow::repayment);
      books_.receive(o, Outside::lenders, std::max(Money{}, -books_.cash(o)), Flow::write_off);
      if (books_.cash(o) > Money{}) books_.pay(o, Outside::investors, books_.cash(o), Flow::write_off);
      debt_[o] = Money{};
      fleet_value_[by].take_over(fleet_value_[o]);
      book_.close(o, by);
      controller_[o] = by;
      break;
    }
  }
  result_.failures.push_back({date, o, resolved});
}

}  // namespace waferwatt::world
