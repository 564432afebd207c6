// SPDX-License-Identifier: Apache-2.0
#pragma once
// What becomes of a buyer that can pay no longer.
#include <optional>
#include <string>
#include <vector>

#include "waferwatt/core/quantity.hpp"

namespace waferwatt::market {

enum class Resolution { rescued, restructured, absorbed };
std::string_view resolution_name(Resolution resolution);

/// How a buyer stands, as far as others decide by it.
struct Standing {
  std::size_t buyer = 0;
  std::string name, jurisdiction;
  Money cash, credit;            ///< credit: what it could still borrow
  Money debt, book_value;
  MoneyRate operating_income;    ///< before interest and depreciation
  std::vector<std::size_t> partners;
  bool is_going = true;          ///< not absorbed itself
};

struct Resolved {
  Resolution resolution = Resolution::restructured;
  std::optional<std::size_t> by;  ///< who rescues or absorbs
  Money amount;                   ///< paid in, written off, or paid for the fleet
  std::string reason;
};

/// The part of book value that a distressed seller gets for its fleet: rents below cost are what made it fail.
inline constexpr double kDistressedPrice = 0.4;
/// A rescuer keeps so many times the gap, and pays for as many weeks like the one that failed as leave it that much.
inline constexpr double kRescueCover = 4, kRescueWeeks = 26;

/// (1) a partner whose cash covers the gap `kRescueCover` times pays it, and up to half a year of it; else
/// (2) a buyer that earns more than nothing before interest goes on with the debt that its income carries at `interest`; else
/// (3) the richest going concern of its jurisdiction, or of any, takes the fleet for `kDistressedPrice` of its book value or
///     what it can pay, and lenders lose the rest.
/// \param gap what it lacks
Resolved resolve(const Standing& failing, Money gap, double interest, const std::vector<Standing>& all);

}  // namespace waferwatt::market
