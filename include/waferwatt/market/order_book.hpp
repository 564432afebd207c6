// SPDX-License-Identifier: Apache-2.0
#pragma once
// Buyers turn budgets into orders; makers' deliveries are shared among those who can pay.
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "waferwatt/core/ramp.hpp"
#include "waferwatt/supply/allocation_rule.hpp"

namespace waferwatt::market {

struct Buyer {
  std::string name;
  Ramp<MoneyRate> budget;                 ///< for accelerators
  std::map<std::string, double> vendors;  ///< share of the budget by vendor; sums to 1
  double prepayment = 0;                  ///< of orders' value, paid when they are placed
  Time order_ahead = 26 * week;           ///< how long before delivery orders are placed
};

/// What the market knows of a product.
struct Offer {
  std::string accelerator, vendor;
  Ramp<Money> price;
  Ramp<double> mix;                 ///< share of the vendor's production
  std::vector<std::string> only_to; ///< buyers it may be sold to; empty: everyone
  std::vector<std::string> not_to;  ///< buyers it may not be sold to
};

/// What rules and grey markets make of one buyer's way to one product.
struct Access {
  bool is_open = true;
  double reach = 1;         ///< part of the buyer's money that may go for it
  double price_factor = 1;  ///< what the buyer pays over the price: tariffs, premiums
  double units_left = std::numeric_limits<double>::infinity();  ///< under a quota
  double units_a_week = 0;  ///< that come beside `units_left` in each week ahead

  /// Accelerators that may be ordered for the time ahead.
  double units_ahead(Time lead_time) const { return units_left + units_a_week * (lead_time / core::week); }

  /// Of the buyer's money, what may go this way.
  double part() const { return is_open ? 1.0 : reach; }
};

/// Money of one buyer; granted = spent + lapsed + at_hand + prepaid, always.
struct Account {
  Money granted, spent, lapsed;
  std::map<std::string, Money> at_hand;  ///< by vendor
  std::map<std::string, Money> prepaid;  ///< with the vendor already, for orders not yet delivered
  Money total_at_hand() const;
  Money total_prepaid() const;
  double balance_error() const;
};

/// One sale.
struct Sale {
  std::size_t buyer = 0, product = 0;
  double n_accelerators = 0;
  Money price;       ///< of one, as the vendor gets it
  Money paid;        ///< by the buyer now, for all: prepayment taken off, tariffs and premiums on top
  Money prepaid;     ///< what had been paid before
};

class OrderBook {
 public:
  /// \param patience money that found nothing to buy for so long lapses
  /// \param rule who gets the accelerators in stock; absent: who paid ahead first, then all by their money
  OrderBook(std::vector<Buyer> buyers, std::vector<Offer> offers, Time patience, supply::AllocationRule rule = {});

  /// Grants the budgets of a period, as far as a buyer has the money; what exceeds the patience lapses.
  /// \param liquidity of each buyer, what it holds for orders already included; empty: without end
  void grant(Date date, Time period, const std::vector<Money>& liquidity = {});

  /// Orders of the time ahead are placed, and buyers pay ahead for them. \returns what each pays now
  std::vector<Money> prepay(Date date);

  /// A buyer's way to a product from now on; both lists of the offer hold beside it.
  void set_access(std::size_t buyer, std::size_t product, const Access& access) { access_[buyer * offers_.size() + product] = access; }
  const Access& access(std::size_t buyer, std::size_t product) const { return access_[buyer * offers_.size() + product]; }

  /// Share of a product's wanted value that each buyer stands for.
  std::vector<double> shares_of_wants(std::size_t product, Date date, Time lead_time) const;
  /// A buyer that is no more orders nothing; its money lapses. \returns what it had prepaid, which goes to its successor
  void close(std::size_t buyer, std::size_t successor);

  /// A buyer that cannot use more for now holds back a part of its money, 0 to 1: it orders and buys with the rest.
  void hold(std::size_t buyer, double part) { held_[buyer] = part; }
  double held(std::size_t buyer) const { return held_[buyer]; }

  /// Of the money that could buy a product, the fraction that is held back.
  double held_fraction(std::size_t product) const;

  /// Accelerators of a product that money at hand, and the budgets of the lead time ahead,
  /// will want, less what is in stock.
  double open_orders(std::size_t product, Date date, Time lead_time) const;

  /// Takes delivered accelerators into the maker's stock and sells what buyers can pay for,
  /// in proportion to their money. \returns the sales
  std::vector<Sale> settle(Date date);
  void deliver(std::size_t product, double n_accelerators) { unsold_[product] += n_accelerators; }

  const std::vector<Buyer>& buyers() const { return buyers_; }
  const std::vector<Offer>& offers() const { return offers_; }
  const std::vector<Account>& accounts() const { return accounts_; }
  const std::vector<double>& unsold() const { return unsold_; }

 private:
  bool is_allowed(std::size_t buyer, std::size_t product) const {
    const auto& way = access(buyer, product);
    return allowed_[buyer * offers_.size() + product] && (way.is_open || way.reach > 0) && way.units_left > 0 && !closed_[buyer];
  }
  bool may_buy(std::size_t buyer, std::size_t product) const { return held_[buyer] < 1 && is_allowed(buyer, product); }
  Money money(std::size_t buyer, const std::string& vendor) const;
  Money reachable(std::size_t buyer, std::size_t product) const;
  /// Prices and parts of production on a day, looked up once.
  struct Today {
    Date date;
    std::vector<Money> price;
    std::vector<double> mix;
  };
  const Today& today(Date date) const;
  Money wants(std::size_t buyer, std::size_t product, Date date, Time lead_time) const;
  Money share_beside_limits(std::size_t buyer, std::size_t product, Money all, const Today& now, Time lead_time) const;
  double sell(std::size_t buyer, std::size_t product, double n, Money price, std::vector<Sale>& sales);
  void settle_by_money(std::size_t product, Money price, std::vector<Sale>& sales);
  void settle_by_rule(std::size_t product, Date date, Money price, std::vector<Sale>& sales);
  double units_within_reach(std::size_t buyer, std::size_t product, Money price) const;

  std::vector<Buyer> buyers_;
  std::vector<Offer> offers_;
  Time patience_;
  supply::AllocationRule rule_;
  std::vector<std::vector<std::size_t>> of_same_vendor_;  ///< by product, itself included
  mutable Today today_;
  std::vector<Account> accounts_;
  std::vector<double> unsold_;
  std::vector<bool> allowed_, closed_;
  std::vector<double> held_;  ///< by buyer
  std::vector<Access> access_;
};

}  // namespace waferwatt::market
