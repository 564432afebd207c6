// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/order_book.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace waferwatt::supply {
namespace {

constexpr double kTiny = 1e-9;
constexpr double kSmoothing = 2.0 / (13 + 1);  // a quarter's memory of deliveries
constexpr Time kLongestWait = 5 * core::year;  // beyond it a wait says no more

}  // namespace

double OrderAccount::balance_error() const {
  const double relative = std::abs(placed - cancelled - delivered - open) / std::max(1.0, placed);
  return std::isfinite(relative) ? relative : std::numeric_limits<double>::infinity();
}

OrderBook::OrderBook(std::vector<Demand> demands, OrderHabits habits, std::size_t n_products)
    : demands_(std::move(demands)), habits_(habits), accounts_(demands_.size()), arrived_(n_products, 0.0), rate_(n_products, 0.0) {}

bool OrderBook::has(std::size_t product) const { return std::ranges::find(demands_, product, &Demand::product) != demands_.end(); }

double OrderBook::open(std::size_t product) const {
  double sum = 0;
  for (std::size_t i = 0; i < demands_.size(); ++i)
    if (demands_[i].product == product) sum += accounts_[i].open;
  return sum;
}

Time OrderBook::expected_wait(std::size_t product) const {
  const double backlog = open(product);
  if (backlog <= kTiny) return habits_.lead_time;
  return rate_[product] > kTiny ? std::clamp(backlog / rate_[product] * core::week, habits_.lead_time, kLongestWait) : kLongestWait;
}

/// A buyer wants on order what it lacks now and what it will need until a new order comes. Fear adds to it: the
/// part `double_ordering` for every lead time that the wait is longer than normal.
void OrderBook::review(Date date, Time span) {
  std::vector<Time> waits(rate_.size());
  for (std::size_t p = 0; p < rate_.size(); ++p) {
    rate_[p] += kSmoothing * (arrived_[p] / (span / core::week) - rate_[p]);
    arrived_[p] = 0;
    waits[p] = expected_wait(p);
  }
  for (std::size_t i = 0; i < demands_.size(); ++i) {
    const auto& demand = demands_[i];
    auto& account = accounts_[i];
    account.needed += demand.need.integral(date, date + span).in(accelerator);
    const double lacking = account.needed - account.delivered;
    const double ahead = demand.need.integral(date + span, date + span + habits_.lead_time).in(accelerator);
    const double fear = habits_.lead_time > Time{} ? habits_.double_ordering * std::max(0.0, waits[demand.product] / habits_.lead_time - 1) : 0.0;
    account.wanted = std::max(0.0, lacking + ahead);
    const double target = account.wanted * (1 + std::min(fear, habits_.largest_inflation));
    if (target > account.open) {
      account.placed += target - account.open;
      account.open = target;
    } else {
      const double cancelled = (account.open - target) * habits_.cancellation;
      account.cancelled += cancelled;
      account.open -= cancelled;
    }
  }
}

/// Open orders of a product, those served together in one group, first served first.
std::vector<std::vector<std::size_t>> OrderBook::groups(std::size_t product) const {
  std::map<double, std::vector<std::size_t>> by_rank;
  for (std::size_t i = 0; i < demands_.size(); ++i) {
    if (demands_[i].product != product || accounts_[i].open <= kTiny) continue;
    double rank = 0;
    if (habits_.policy == DeliveryPolicy::priority) rank = demands_[i].priority;
    if (habits_.policy == DeliveryPolicy::auction) rank = -demands_[i].bid.in(usd);
    by_rank[rank].push_back(i);
  }
  std::vector<std::vector<std::size_t>> result;
  for (auto& [rank, group] : by_rank) result.push_back(std::move(group));
  return result;
}

double OrderBook::weight(std::size_t demand) const {
  switch (habits_.policy) {
    case DeliveryPolicy::agreement: return demands_[demand].share;
    case DeliveryPolicy::prepayment: return demands_[demand].prepaid.in(usd);
    default: return accounts_[demand].open;
  }
}

/// By weight until all are satisfied; those without weight get what the others leave. \returns what is left
double OrderBook::share_out(double accelerators, const std::vector<std::size_t>& group) {
  while (accelerators > kTiny) {
    double sum = 0, open = 0;
    for (const auto i : group) {
      open += accounts_[i].open;
      if (accounts_[i].open > kTiny) sum += weight(i);
    }
    if (open <= kTiny) return accelerators;
    double given = 0;
    for (const auto i : group) {
      auto& account = accounts_[i];
      const double part = sum > 0 ? (account.open > kTiny ? weight(i) / sum : 0.0) : account.open / open;
      const double n = std::min(account.open, accelerators * part);
      account.open -= n;
      account.delivered += n;
      given += n;
    }
    accelerators -= given;
    if (given <= kTiny) return accelerators;
  }
  return accelerators;
}

double OrderBook::deliver(std::size_t product, double accelerators) {
  arrived_[product] += accelerators;
  for (const auto& group : groups(product)) accelerators = share_out(accelerators, group);
  return accelerators;
}

}  // namespace waferwatt::supply
