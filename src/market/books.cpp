// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/market/books.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace waferwatt::market {

std::string_view flow_name(Flow flow) {
  constexpr std::array<std::string_view, kFlows> kNames = {"funding", "token_sales", "rent",        "accelerators", "servers",   "buildings", "energy",   "operations", "carbon",
                                                           "tariff",  "levy",        "grey_market", "subsidy",      "borrowing", "repayment", "interest", "write_off",  "rescue",
                                                           "absorption"};
  return kNames[static_cast<std::size_t>(flow)];
}

Books::Books(const std::vector<Money>& cash) : opening_(cash), cash_(cash), totals_(cash.size()) {}

void Books::book(std::size_t buyer, Money amount, Flow flow) {
  cash_[buyer] += amount;
  totals_[buyer][static_cast<std::size_t>(flow)] += amount;
  moved_ += amount < Money{} ? -amount : amount;
}

void Books::pay(std::size_t buyer, Outside to, Money amount, Flow flow) {
  book(buyer, -amount, flow);
  outside_[static_cast<std::size_t>(to)] += amount;
}

void Books::receive(std::size_t buyer, Outside from, Money amount, Flow flow) { pay(buyer, from, -amount, flow); }

void Books::transfer(std::size_t from, std::size_t to, Money amount, Flow flow) {
  book(from, -amount, flow);
  book(to, amount, flow);
}

double Books::imbalance() const {
  Money all;
  double worst = 0;
  const double scale = std::max(1.0, moved_.in(usd));
  for (std::size_t b = 0; b < cash_.size(); ++b) {
    all += cash_[b] - opening_[b];
    Money flows = opening_[b] - cash_[b];
    for (const Money total : totals_[b]) flows += total;
    worst = std::max(worst, std::abs(flows.in(usd)) / scale);
  }
  for (const Money balance : outside_) all += balance;
  worst = std::max(worst, std::abs(all.in(usd)) / scale);
  return std::isfinite(scale + all.in(usd)) ? worst : std::numeric_limits<double>::infinity();
}

void BookValue::add(double date_days, Money amount) {
  if (amount <= Money{}) return;
  value_ += amount;
  // What was bought on one day is written off together.
  if (!lots_.empty() && lots_.back().bought_days == date_days && lots_.back().left == lots_.back().amount) {
    lots_.back().amount += amount;
    lots_.back().left = lots_.back().amount;
    return;
  }
  lots_.push_back({date_days, amount, amount});
}

Money BookValue::depreciate(double date_days) {
  Money written_off;
  for (auto& lot : lots_) {
    const double age = (date_days - lot.bought_days) / life_.in(day);
    const Money left = lot.amount * std::clamp(1 - age, 0.0, 1.0);
    if (left < lot.left) {
      written_off += lot.left - left;
      lot.left = left;
    }
  }
  std::erase_if(lots_, [](const Lot& lot) { return lot.left <= Money{}; });
  value_ = Money{};
  for (const auto& lot : lots_) value_ += lot.left;
  return written_off;
}

void BookValue::take_over(BookValue& other) {
  lots_.insert(lots_.end(), other.lots_.begin(), other.lots_.end());
  value_ += other.value_;
  other.lots_.clear();
  other.value_ = Money{};
}

}  // namespace waferwatt::market
