// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/market/order_book.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace waferwatt::market {

Money Account::total_at_hand() const {
  Money sum;
  for (const auto& [vendor, amount] : at_hand) sum += amount;
  return sum;
}

double Account::balance_error() const {
  const double relative = std::abs((granted - spent - lapsed - total_at_hand()).in(usd)) / std::max(1.0, granted.in(usd));
  // std::max of several balances passes over what is not a number.
  return std::isfinite(relative) ? relative : std::numeric_limits<double>::infinity();
}

OrderBook::OrderBook(std::vector<Buyer> buyers, std::vector<Offer> offers, Time patience)
    : buyers_(std::move(buyers)), offers_(std::move(offers)), patience_(patience), accounts_(buyers_.size()), unsold_(offers_.size(), 0.0), holding_(buyers_.size(), false) {
  for (const auto& buyer : buyers_)
    for (const auto& offer : offers_) {
      const bool named = offer.only_to.empty() || std::ranges::find(offer.only_to, buyer.name) != offer.only_to.end();
      const bool barred = std::ranges::find(offer.not_to, buyer.name) != offer.not_to.end();
      allowed_.push_back(named && !barred && buyer.vendors.contains(offer.vendor));
    }
}

void OrderBook::grant(Date date, Time period) {
  for (std::size_t b = 0; b < buyers_.size(); ++b) {
    const Money budget = buyers_[b].budget.integral(date, date + period);
    accounts_[b].granted += budget;
    for (const auto& [vendor, share] : buyers_[b].vendors) {
      Money& hand = accounts_[b].at_hand[vendor];
      hand += budget * share;
      const Money most = buyers_[b].budget.integral(date + period - patience_, date + period) * share;
      if (hand > most) {
        accounts_[b].lapsed += hand - most;
        hand = most;
      }
    }
  }
}

Money OrderBook::money(std::size_t buyer, const std::string& vendor) const {
  const auto at = accounts_[buyer].at_hand.find(vendor);
  return at == accounts_[buyer].at_hand.end() ? Money{} : at->second;
}

double OrderBook::held_fraction(std::size_t product) const {
  Money held, all;
  for (std::size_t b = 0; b < buyers_.size(); ++b) {
    if (!is_allowed(b, product)) continue;
    const Money amount = money(b, offers_[product].vendor);
    all += amount;
    if (holding_[b]) held += amount;
  }
  return all > Money{} ? held / all : 0.0;
}

double OrderBook::open_orders(std::size_t product, Date date, Time lead_time) const {
  const auto& offer = offers_[product];
  const double own_mix = offer.mix.at(date);
  if (own_mix <= 0) return 0;
  Money wanted;
  for (std::size_t b = 0; b < buyers_.size(); ++b) {
    if (!may_buy(b, product)) continue;
    // A buyer's money for a vendor is spread over what it may buy there, by mix and price.
    double value = 0;
    for (std::size_t other = 0; other < offers_.size(); ++other)
      if (offers_[other].vendor == offer.vendor && may_buy(b, other)) value += offers_[other].mix.at(date) * offers_[other].price.at(date).in(usd);
    const Money ahead = buyers_[b].budget.integral(date, date + lead_time) * buyers_[b].vendors.at(offer.vendor);
    wanted += (money(b, offer.vendor) + ahead) * (own_mix * offer.price.at(date).in(usd) / value);
  }
  return std::max(0.0, wanted / offer.price.at(date) - unsold_[product]);
}

std::vector<Sale> OrderBook::settle(Date date) {
  std::vector<Sale> sales;
  for (std::size_t p = 0; p < offers_.size(); ++p) {
    if (unsold_[p] <= 0) continue;
    const auto& offer = offers_[p];
    const Money price = offer.price.at(date);
    Money pool;
    for (std::size_t b = 0; b < buyers_.size(); ++b)
      if (may_buy(b, p)) pool += money(b, offer.vendor);
    const double sold = std::min(unsold_[p], pool / price);
    if (sold <= 0) continue;
    for (std::size_t b = 0; b < buyers_.size(); ++b) {
      if (!may_buy(b, p) || money(b, offer.vendor) <= Money{}) continue;
      const double n = sold * (money(b, offer.vendor) / pool);
      const Money cost = std::min(n * price, money(b, offer.vendor));
      accounts_[b].at_hand[offer.vendor] -= cost;
      accounts_[b].spent += cost;
      sales.push_back({b, p, n, price});
    }
    unsold_[p] -= sold;
  }
  return sales;
}

}  // namespace waferwatt::market
