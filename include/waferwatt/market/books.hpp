// SPDX-License-Identifier: Apache-2.0
#pragma once
// Money of all buyers in double entry: whatever one pays another gets, so that no money is made or lost.
#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "waferwatt/core/quantity.hpp"

namespace waferwatt::market {

/// What money is paid for.
enum class Flow {
  funding,       ///< from investors or the rest of the company
  token_sales, rent, accelerators, servers, buildings, energy, operations,
  carbon, tariff, levy, grey_market, subsidy,
  borrowing, repayment, interest, write_off,
  rescue, absorption
};
inline constexpr std::size_t kFlows = 19;
std::string_view flow_name(Flow flow);

/// Everyone beside the buyers.
enum class Outside { investors, customers, vendors, utilities, contractors, states, lenders, intermediaries };
inline constexpr std::size_t kOutsides = 8;

class Books {
 public:
  /// \param cash of each buyer at the start
  explicit Books(const std::vector<Money>& cash);

  void pay(std::size_t buyer, Outside to, Money amount, Flow flow);
  void receive(std::size_t buyer, Outside from, Money amount, Flow flow);
  void transfer(std::size_t from, std::size_t to, Money amount, Flow flow);

  Money cash(std::size_t buyer) const { return cash_[buyer]; }
  Money outside(Outside who) const { return outside_[static_cast<std::size_t>(who)]; }
  /// What a buyer got (positive) or paid for a purpose so far.
  Money total(std::size_t buyer, Flow flow) const { return totals_[buyer][static_cast<std::size_t>(flow)]; }

  /// Of all accounts together, and of each buyer's flows and its cash, relative to what was moved; 0 but for rounding.
  double imbalance() const;

 private:
  void book(std::size_t buyer, Money amount, Flow flow);

  std::vector<Money> opening_, cash_;
  std::array<Money, kOutsides> outside_{};
  std::vector<std::array<Money, kFlows>> totals_;
  Money moved_;
};

/// Straight-line depreciation of what was bought.
class BookValue {
 public:
  explicit BookValue(Time life) : life_(life) {}

  void add(double date_days, Money amount);
  /// Writes off the days since the last call. \returns how much
  Money depreciate(double date_days);
  Money value() const { return value_; }
  /// What is left goes to another owner, at the price it is written at.
  void take_over(BookValue& other);

 private:
  struct Lot {
    double bought_days;
    Money amount, left;
  };
  Time life_;
  std::vector<Lot> lots_;
  Money value_;
};

}  // namespace waferwatt::market
