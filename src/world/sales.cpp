// SPDX-License-Identifier: Apache-2.0
// Who may buy what, how much of it, and who gets what is there.
#include "simulation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace waferwatt::world {
namespace {

constexpr Time kLately = 0.5 * year;  // sales of so long ago count 1/e of today's

}  // namespace

/// Rulings hold until the next change; what is left of quotas is counted every week.
void Simulation::apply_rules(Date date) {
  if (spec_.rules.policies().empty()) return;
  for (std::size_t b = 0; b < spec_.buyers.size(); ++b) {
    if (spec_.owners[b].jurisdiction.empty()) continue;
    for (std::size_t p = 0; p < spec_.offers.size(); ++p) {
      auto& ruling = rulings_[b * spec_.offers.size() + p];
      ruling = spec_.rules.rule(spec_.traits[p].chip, spec_.owners[b].jurisdiction, date);
      book_.set_access(b, p, {.is_open = ruling.is_open, .reach = !ruling.is_open && ruling.leak <= 0 ? 0.0 : 1.0, .price_factor = (1 + ruling.tariff) * ruling.leak_premium});
    }
  }
}

/// What leaks is a part of what would be spent, week by week: money that piles up finds no more ways.
double Simulation::leaked_units(std::size_t buyer, std::size_t product, double price_factor, Date date, Time span) const {
  const auto& offer = spec_.offers[product];
  double closed = 0;
  for (std::size_t other = 0; other < spec_.offers.size(); ++other)
    closed += spec_.offers[other].vendor == offer.vendor && !ruling(buyer, other).is_open && spec_.offers[other].mix.at(date) > 0;
  const auto share = spec_.buyers[buyer].vendors.find(offer.vendor);
  const Money spent = spec_.buyers[buyer].budget.at(date) * span * (share == spec_.buyers[buyer].vendors.end() ? 0.0 : share->second);
  return closed > 0 ? ruling(buyer, product).leak * spent / (closed * offer.price.at(date) * price_factor) : 0.0;
}

/// What a licence leaves of its share of sales at home, and of its quota of computing power.
double Simulation::licensed_units(std::size_t buyer, std::size_t product) const {
  const auto& own = ruling(buyer, product);
  double units = std::numeric_limits<double>::infinity();
  if (own.volume_share >= 0) {
    double at_home = 0, to_destination = 0;
    for (std::size_t other = 0; other < spec_.buyers.size(); ++other) {
      const auto& where = spec_.owners[other].jurisdiction;
      const double sold = sold_to_[other * spec_.offers.size() + product];
      if (where == own.authority) at_home += sold;
      else if (where == spec_.owners[buyer].jurisdiction) to_destination += sold;
    }
    units = std::max(0.0, own.volume_share * at_home - to_destination);
  }
  if (own.tpp_quota >= 0) units = std::min(units, std::max(0.0, own.tpp_quota - licensed_tpp_[buyer]) / spec_.traits[product].chip.tpp);
  return units;
}

void Simulation::limit_sales(Date date, Time span) {
  for (std::size_t b = 0; b < spec_.buyers.size(); ++b)
    for (std::size_t p = 0; p < spec_.offers.size(); ++p) {
      const auto& own = ruling(b, p);
      const bool leaks = !own.is_open && own.leak > 0, is_licensed = !own.licence.empty() && (own.volume_share >= 0 || own.tpp_quota >= 0);
      if (!leaks && !is_licensed) continue;
      auto access = book_.access(b, p);
      if (leaks) access.reach = 1;
      access.units_a_week = leaks ? leaked_units(b, p, access.price_factor, date, core::week) : 0.0;
      access.units_left = leaks ? leaked_units(b, p, access.price_factor, date, span) : licensed_units(b, p);
      book_.set_access(b, p, access);
    }
}

void Simulation::sell(Date date, Time span) {
  const std::size_t n = spec_.offers.size();
  for (double& sold : sold_lately_) sold *= std::exp(-(span / kLately));
  limit_sales(date, span);
  for (const auto& sale : book_.settle(date)) {
    queues_[sale.buyer].deliver(sale.product, sale.n_accelerators, date);
    auto& entry = deliveries_[{date.year(), sale.buyer, sale.product}];
    entry.first += sale.n_accelerators;
    entry.second += sale.paid + sale.prepaid;
    auto& sold = sales_[{date.year(), date.month(), sale.product}];
    sold.first += sale.n_accelerators;
    sold.second += sale.n_accelerators * sale.price;
    way_.sold[sale.product] += sale.n_accelerators;
    sold_lately_[sale.product] += sale.n_accelerators * spec_.traits[sale.product].h100_equivalents;
    sold_to_[sale.buyer * n + sale.product] += sale.n_accelerators;
    if (ruling(sale.buyer, sale.product).tpp_quota >= 0) licensed_tpp_[sale.buyer] += sale.n_accelerators * spec_.traits[sale.product].chip.tpp;
    pay_sale(sale, date);
  }
}

}  // namespace waferwatt::world
