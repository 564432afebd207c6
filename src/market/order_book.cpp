// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/market/order_book.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace waferwatt::market {

namespace {

/// In proportion to wishes, none above its cap; what caps leave goes to the others.
std::vector<double> shared_out(double amount, const std::vector<double>& wishes, const std::vector<double>& caps) {
  std::vector<double> given(wishes.size(), 0.0);
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < wishes.size(); ++i)
    if (wishes[i] > 0) open.push_back(i);
  while (!open.empty() && amount > 0) {
    double all = 0;
    for (const auto i : open) all += wishes[i];
    std::vector<std::size_t> rest;
    double taken = 0;
    for (const auto i : open) {
      if (amount * (wishes[i] / all) < caps[i]) rest.push_back(i);
      else taken += given[i] = caps[i];
    }
    if (rest.size() == open.size()) {
      for (const auto i : rest) given[i] = amount * (wishes[i] / all);
      break;
    }
    amount = std::max(0.0, amount - taken);
    open = std::move(rest);
  }
  return given;
}

Money sum(const std::map<std::string, Money>& amounts) {
  Money all;
  for (const auto& [vendor, amount] : amounts) all += amount;
  return all;
}

}  // namespace

Money Account::total_at_hand() const { return sum(at_hand); }
Money Account::total_prepaid() const { return sum(prepaid); }

double Account::balance_error() const {
  const double relative = std::abs((granted - spent - lapsed - total_at_hand() - total_prepaid()).in(usd)) / std::max(1.0, granted.in(usd));
  // std::max of several balances passes over what is not a number.
  return std::isfinite(relative) ? relative : std::numeric_limits<double>::infinity();
}

OrderBook::OrderBook(std::vector<Buyer> buyers, std::vector<Offer> offers, Time patience, supply::AllocationRule rule)
    : buyers_(std::move(buyers)), offers_(std::move(offers)), patience_(patience), rule_(std::move(rule)), of_same_vendor_(offers_.size()), accounts_(buyers_.size()), unsold_(offers_.size(), 0.0),
      closed_(buyers_.size(), false), held_(buyers_.size(), 0.0), access_(buyers_.size() * offers_.size()) {
  for (const auto& buyer : buyers_)
    for (const auto& offer : offers_) {
      const bool named = offer.only_to.empty() || std::ranges::find(offer.only_to, buyer.name) != offer.only_to.end();
      const bool barred = std::ranges::find(offer.not_to, buyer.name) != offer.not_to.end();
      allowed_.push_back(named && !barred && buyer.vendors.contains(offer.vendor));
    }
  for (std::size_t p = 0; p < offers_.size(); ++p)
    for (std::size_t other = 0; other < offers_.size(); ++other)
      if (offers_[other].vendor == offers_[p].vendor) of_same_vendor_[p].push_back(other);
}

const OrderBook::Today& OrderBook::today(Date date) const {
  if (today_.date != date || today_.price.empty()) {
    today_ = {.date = date, .price = {}, .mix = {}};
    for (const auto& offer : offers_) {
      today_.price.push_back(offer.price.at(date));
      today_.mix.push_back(offer.mix.at(date));
    }
  }
  return today_;
}

void OrderBook::grant(Date date, Time period, const std::vector<Money>& liquidity) {
  for (std::size_t b = 0; b < buyers_.size(); ++b) {
    if (closed_[b]) continue;
    Money budget = buyers_[b].budget.integral(date, date + period);
    if (!liquidity.empty()) budget = std::clamp(liquidity[b] - accounts_[b].total_at_hand(), Money{}, budget);
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

std::vector<Money> OrderBook::prepay(Date date) {
  std::vector<Money> paid(buyers_.size());
  for (std::size_t b = 0; b < buyers_.size(); ++b) {
    const auto& buyer = buyers_[b];
    if (buyer.prepayment <= 0 || closed_[b] || held_[b] >= 1) continue;
    for (const auto& [vendor, share] : buyer.vendors) {
      Money& hand = accounts_[b].at_hand[vendor];
      Money& prepaid = accounts_[b].prepaid[vendor];
      const Money ordered = hand + prepaid + buyer.budget.integral(date, date + buyer.order_ahead) * share;
      const Money due = std::clamp(ordered * (1 - held_[b]) * buyer.prepayment - prepaid, Money{}, hand);
      hand -= due;
      prepaid += due;
      paid[b] += due;
    }
  }
  return paid;
}

void OrderBook::close(std::size_t buyer, std::size_t successor) {
  Account& account = accounts_[buyer];
  account.lapsed += account.total_at_hand();
  account.at_hand.clear();
  for (const auto& [vendor, amount] : account.prepaid) {
    account.spent += amount;
    accounts_[successor].prepaid[vendor] += amount;
    accounts_[successor].granted += amount;
  }
  account.prepaid.clear();
  closed_[buyer] = true;
}

Money OrderBook::money(std::size_t buyer, const std::string& vendor) const {
  const auto& account = accounts_[buyer];
  const auto at = account.at_hand.find(vendor);
  const auto ahead = account.prepaid.find(vendor);
  return (at == account.at_hand.end() ? Money{} : at->second) + (ahead == account.prepaid.end() ? Money{} : ahead->second);
}

/// The part of a buyer's money that its way to a product lets through, less what it holds back.
Money OrderBook::reachable(std::size_t buyer, std::size_t product) const {
  return money(buyer, offers_[product].vendor) * (access(buyer, product).part() * (1 - held_[buyer]));
}

double OrderBook::held_fraction(std::size_t product) const {
  Money held, all;
  for (std::size_t b = 0; b < buyers_.size(); ++b) {
    if (!is_allowed(b, product)) continue;
    const Money amount = money(b, offers_[product].vendor) * access(b, product).part();
    all += amount;
    held += amount * held_[b];
  }
  return all > Money{} ? held / all : 0.0;
}

/// Of the money for a vendor, what goes to a product where units of some are limited: the money that limits leave goes to the others.
Money OrderBook::share_beside_limits(std::size_t b, std::size_t product, Money all, const Today& now, Time lead_time) const {
  std::vector<double> worth(offers_.size(), 0.0), most(offers_.size(), 0.0);
  for (const std::size_t other : of_same_vendor_[product]) {
    if (!may_buy(b, other)) continue;
    const auto& way = access(b, other);
    worth[other] = way.part() * now.mix[other] * now.price[other].in(usd);
    if (way.part() > 0) most[other] = way.units_ahead(lead_time) * (now.price[other].in(usd) * way.price_factor / way.part());
  }
  return shared_out(all.in(usd), worth, most)[product] * usd;
}

/// A buyer's money for a vendor, at hand and of the lead time ahead, is spread over what it may buy there, by mix and price.
Money OrderBook::wants(std::size_t b, std::size_t product, Date date, Time lead_time) const {
  const auto& offer = offers_[product];
  const auto& now = today(date);
  double value = 0, own = 0;
  bool is_limited = false;
  for (const std::size_t other : of_same_vendor_[product]) {
    if (!may_buy(b, other)) continue;
    const double worth = access(b, other).part() * now.mix[other] * now.price[other].in(usd);
    value += worth;
    if (other == product) own = worth;
    is_limited = is_limited || std::isfinite(access(b, other).units_left);
  }
  if (own <= 0) return {};
  const Money ahead = buyers_[b].budget.integral(date, date + lead_time) * buyers_[b].vendors.at(offer.vendor);
  const auto& way = access(b, product);
  const Money all = (money(b, offer.vendor) + ahead) * (1 - held_[b]);
  const Money share = is_limited ? share_beside_limits(b, product, all, now, lead_time) : all * (own / value);
  return std::min(share * way.part() / way.price_factor, way.units_ahead(lead_time) * now.price[product]);
}

double OrderBook::open_orders(std::size_t product, Date date, Time lead_time) const {
  if (today(date).mix[product] <= 0) return 0;
  Money wanted;
  for (std::size_t b = 0; b < buyers_.size(); ++b)
    if (may_buy(b, product)) wanted += wants(b, product, date, lead_time);
  return std::max(0.0, wanted / today(date).price[product] - unsold_[product]);
}

std::vector<double> OrderBook::shares_of_wants(std::size_t product, Date date, Time lead_time) const {
  std::vector<double> shares(buyers_.size(), 0.0);
  double all = 0;
  for (std::size_t b = 0; b < buyers_.size(); ++b) {
    if (may_buy(b, product)) shares[b] = wants(b, product, date, lead_time).in(usd);
    all += shares[b];
  }
  for (double& share : shares) share = all > 0 ? share / all : 0.0;
  return shares;
}

/// \returns what was sold: at most what the buyer can pay for
double OrderBook::sell(std::size_t buyer, std::size_t product, double n, Money price, std::vector<Sale>& sales) {
  const auto& offer = offers_[product];
  Account& account = accounts_[buyer];
  Access& way = access_[buyer * offers_.size() + product];
  const Money each = price * way.price_factor;
  n = std::min({n, way.units_left, reachable(buyer, product) / each});
  if (n <= 0) return 0;
  Money& hand = account.at_hand[offer.vendor];
  Money& prepaid = account.prepaid[offer.vendor];
  const Money cost = std::min(n * each, hand + prepaid);
  // What was paid ahead goes off first, in the proportion in which it was paid; more of it where cash runs short.
  const Money from_prepaid = std::min(prepaid, std::max(n * price * buyers_[buyer].prepayment, cost - hand));
  prepaid -= from_prepaid;
  hand -= cost - from_prepaid;
  account.spent += cost;
  way.units_left -= n;
  sales.push_back({buyer, product, n, price, cost - from_prepaid, from_prepaid});
  return n;
}

double OrderBook::units_within_reach(std::size_t buyer, std::size_t product, Money price) const {
  return reachable(buyer, product) / (price * access(buyer, product).price_factor);
}

/// Who paid ahead is served first, as far as the prepayment reaches; then all by their money.
void OrderBook::settle_by_money(std::size_t p, Money price, std::vector<Sale>& sales) {
  for (const bool is_ordered : {true, false}) {
    std::vector<double> wishes(buyers_.size(), 0.0), caps(buyers_.size(), 0.0);
    for (std::size_t b = 0; b < buyers_.size(); ++b) {
      if (!may_buy(b, p) || (is_ordered && buyers_[b].prepayment <= 0)) continue;
      wishes[b] = units_within_reach(b, p, price);
      if (is_ordered) wishes[b] = std::min(wishes[b], accounts_[b].prepaid[offers_[p].vendor] / (price * buyers_[b].prepayment));
      caps[b] = std::min(wishes[b], access(b, p).units_left);
    }
    const auto units = shared_out(unsold_[p], wishes, caps);
    double sold = 0;
    for (std::size_t b = 0; b < buyers_.size(); ++b)
      if (units[b] > 0) sold += sell(b, p, units[b], price, sales);
    const double left = unsold_[p] - sold;
    unsold_[p] = left > 1e-13 * unsold_[p] ? left : 0.0;  // no crumbs of rounding
  }
}

void OrderBook::settle_by_rule(std::size_t p, Date date, Money price, std::vector<Sale>& sales) {
  supply::AllocationCase question{.date = date, .of = offers_[p].accelerator, .supply = unsold_[p], .orders = {}};
  std::vector<std::size_t> asking;
  for (std::size_t b = 0; b < buyers_.size(); ++b) {
    const double wanted = may_buy(b, p) ? std::min(units_within_reach(b, p, price), access(b, p).units_left) : 0.0;
    if (wanted <= 0) continue;
    asking.push_back(b);
    const auto prepaid = accounts_[b].prepaid.find(offers_[p].vendor);
    question.orders.push_back({.who = buyers_[b].name, .wanted = wanted, .prepaid = prepaid == accounts_[b].prepaid.end() ? Money{} : prepaid->second, .bid = price * access(b, p).price_factor});
  }
  if (asking.empty()) return;
  const auto given = supply::allocated(rule_, question);
  for (std::size_t i = 0; i < asking.size(); ++i)
    if (given[i] > 0) unsold_[p] = std::max(0.0, unsold_[p] - sell(asking[i], p, given[i], price, sales));
}

std::vector<Sale> OrderBook::settle(Date date) {
  std::vector<Sale> sales;
  for (std::size_t p = 0; p < offers_.size(); ++p) {
    if (unsold_[p] <= 0) continue;
    const Money price = today(date).price[p];
    if (rule_) settle_by_rule(p, date, price, sales);
    else settle_by_money(p, price, sales);
  }
  return sales;
}

}  // namespace waferwatt::market
