// SPDX-License-Identifier: Apache-2.0
#pragma once
// Buyers turn budgets into orders; makers' deliveries are shared among those who can pay.
#include <map>
#include <string>
#include <vector>

#include "waferwatt/core/ramp.hpp"

namespace waferwatt::market {

struct Buyer {
  std::string name;
  Ramp<MoneyRate> budget;                 ///< for accelerators
  std::map<std::string, double> vendors;  ///< share of the budget by vendor; sums to 1
};

/// What the market knows of a product.
struct Offer {
  std::string accelerator, vendor;
  Ramp<Money> price;
  Ramp<double> mix;                 ///< share of the vendor's production
  std::vector<std::string> only_to; ///< buyers it may be sold to; empty: everyone
  std::vector<std::string> not_to;  ///< buyers it may not be sold to
};

/// Money of one buyer; granted = spent + lapsed + at_hand, always.
struct Account {
  Money granted, spent, lapsed;
  std::map<std::string, Money> at_hand;  ///< by vendor
  Money total_at_hand() const;
  double balance_error() const;
};

/// One sale.
struct Sale {
  std::size_t buyer = 0, product = 0;
  double n_accelerators = 0;
  Money price;  ///< of one
};

class OrderBook {
 public:
  /// \param patience money that found nothing to buy for so long lapses
  OrderBook(std::vector<Buyer> buyers, std::vector<Offer> offers, Time patience);

  /// Grants the budgets of a period; what exceeds the patience lapses.
  void grant(Date date, Time period);

  /// A buyer that cannot use more for now keeps its money: it neither orders nor buys.
  void hold(std::size_t buyer, bool holding) { holding_[buyer] = holding; }
  bool is_holding(std::size_t buyer) const { return holding_[buyer]; }

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
  bool is_allowed(std::size_t buyer, std::size_t product) const { return allowed_[buyer * offers_.size() + product]; }
  bool may_buy(std::size_t buyer, std::size_t product) const { return !holding_[buyer] && is_allowed(buyer, product); }
  Money money(std::size_t buyer, const std::string& vendor) const;

  std::vector<Buyer> buyers_;
  std::vector<Offer> offers_;
  Time patience_;
  std::vector<Account> accounts_;
  std::vector<double> unsold_;
  std::vector<bool> allowed_, holding_;
};

}  // namespace waferwatt::market
