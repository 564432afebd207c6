// SPDX-License-Identifier: Apache-2.0
#pragma once
// Orders of buyers: they ask early when the wait grows, ask twice when they fear to be left out, cancel what they no
// longer need, and share what is delivered by a policy.
#include <string>
#include <vector>

#include "waferwatt/core/quantity.hpp"
#include "waferwatt/core/ramp.hpp"

namespace waferwatt::supply {

/// One buyer's wish for one product.
struct Demand {
  std::size_t buyer = 0, product = 0;
  Ramp<AcceleratorRate> need;  ///< what it can use, over time
  double priority = 0;         ///< lower is served first
  double share = 1;            ///< of deliveries, under an agreement
  Money prepaid;               ///< its weight among those who paid ahead
  Money bid;                   ///< what it offers for one
};

/// Who gets what is delivered while all wait.
enum class DeliveryPolicy { pro_rata, priority, agreement, prepayment, auction };

/// How buyers behave.
struct OrderHabits {
  Time lead_time;              ///< they expect without a shortage
  double double_ordering = 0;  ///< part by which they inflate orders for each lead time of extra wait; 0: never
  double largest_inflation = 1;      ///< they never add more than this part
  double cancellation = 0.25;  ///< part of what is too much that is cancelled in a week
  DeliveryPolicy policy = DeliveryPolicy::pro_rata;
};

struct OrderAccount {
  double needed = 0, placed = 0, cancelled = 0, delivered = 0, open = 0;
  double wanted = 0;  ///< what would be open without fear

  /// Relative difference of what was placed and what became of it.
  double balance_error() const;
};

class OrderBook {
 public:
  OrderBook(std::vector<Demand> demands, OrderHabits habits, std::size_t n_products);

  /// Needs of the span from `date` on, then orders and cancellations by what buyers see.
  void review(Date date, Time span);
  /// Shares accelerators among open orders. \returns what nobody has ordered
  double deliver(std::size_t product, double accelerators);

  double open(std::size_t product) const;
  bool has(std::size_t product) const;
  /// What buyers believe they wait: open orders over what came lately.
  Time expected_wait(std::size_t product) const;
  const std::vector<Demand>& demands() const { return demands_; }
  const std::vector<OrderAccount>& accounts() const { return accounts_; }

 private:
  std::vector<std::vector<std::size_t>> groups(std::size_t product) const;
  double weight(std::size_t demand) const;
  double share_out(double accelerators, const std::vector<std::size_t>& group);

  std::vector<Demand> demands_;
  OrderHabits habits_;
  std::vector<OrderAccount> accounts_;
  std::vector<double> arrived_;  ///< of this week, by product
  std::vector<double> rate_;     ///< smoothed accelerators a week, by product
};

}  // namespace waferwatt::supply
