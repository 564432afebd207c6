// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/market/solvency.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace waferwatt::market {
namespace {

std::string million(Money amount) { return fmt::format("{:.0f} MUSD", amount.in(mega * usd)); }

const Standing* richest(const std::vector<Standing>& all, const Standing& failing, bool at_home) {
  const Standing* best = nullptr;
  for (const auto& other : all) {
    if (other.buyer == failing.buyer || !other.is_going || other.cash <= Money{}) continue;
    if (at_home && other.jurisdiction != failing.jurisdiction) continue;
    if (!best || other.cash > best->cash) best = &other;
  }
  return best;
}

}  // namespace

std::string_view resolution_name(Resolution resolution) {
  switch (resolution) {
    case Resolution::rescued: return "rescued";
    case Resolution::restructured: return "restructured";
    case Resolution::absorbed: break;
  }
  return "absorbed";
}

Resolved resolve(const Standing& failing, Money gap, double interest, const std::vector<Standing>& all) {
  const std::string lack = fmt::format("{} lacks {}: debt {}, fleet worth {} on its books, income {} a year before interest", failing.name, million(gap), million(failing.debt),
                                       million(failing.book_value), million(failing.operating_income * year));
  const Standing* rescuer = nullptr;
  for (const std::size_t partner : failing.partners)
    for (const auto& other : all)
      if (other.buyer == partner && other.is_going && other.cash > gap * kRescueCover && (!rescuer || other.cash > rescuer->cash)) rescuer = &other;
  if (rescuer) {
    const Money paid = std::clamp(rescuer->cash / kRescueCover, gap, gap * kRescueWeeks);
    return {Resolution::rescued, rescuer->buyer, paid, fmt::format("{}; its partner {} pays in {}", lack, rescuer->name, million(paid))};
  }
  if (failing.operating_income > MoneyRate{} && failing.debt > Money{}) {
    const Money carried = interest > 0 ? std::min(failing.debt, failing.operating_income * year / interest) : failing.debt;
    // Lenders give new money for what is lacking, and write off the rest.
    const Money written_off = std::max(Money{}, failing.debt + gap - carried);
    return {Resolution::restructured, std::nullopt, written_off, fmt::format("{}; lenders write off {} and it goes on", lack, million(written_off))};
  }
  const Standing* acquirer = richest(all, failing, true);
  if (!acquirer) acquirer = richest(all, failing, false);
  if (!acquirer) return {Resolution::restructured, std::nullopt, failing.debt + gap, fmt::format("{}; nobody can buy it, lenders take it over and write off all", lack)};
  const Money price = std::min(failing.book_value * kDistressedPrice, acquirer->cash * 0.5);
  return {Resolution::absorbed, acquirer->buyer, price, fmt::format("{}; {} takes its fleet for {}", lack, acquirer->name, million(price))};
}

}  // namespace waferwatt::market
