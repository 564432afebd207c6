// SPDX-License-Identifier: Apache-2.0
#pragma once
// Calendar days. World-scale clocks count days from 1970-01-01.
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "waferwatt/core/quantity.hpp"

namespace waferwatt::core {

/// A day of the Gregorian calendar.
class Date {
 public:
  constexpr Date() = default;
  static constexpr Date from_days(double days_since_1970) {
    Date date;
    date.days_ = days_since_1970;
    return date;
  }
  static Date from_civil(int year, unsigned month, unsigned day);

  /// "2024", "2024-03" or "2024-03-15"; the first two mean the start of the period.
  /// \returns nothing when the text is no such date or the day does not exist
  static std::optional<Date> parse(std::string_view text);

  constexpr double days() const { return days_; }
  int year() const;
  int month() const;    ///< 1 to 12
  int quarter() const;  ///< 1 to 4
  std::string text() const;  ///< "2024-03-15"
  Date next_month() const;   ///< the first day of the following month

  friend constexpr auto operator<=>(Date, Date) = default;
  friend constexpr Date operator+(Date date, Time span) { return from_days(date.days_ + span.in(core::day)); }
  friend constexpr Date operator-(Date date, Time span) { return from_days(date.days_ - span.in(core::day)); }
  friend constexpr Time operator-(Date a, Date b) { return (a.days_ - b.days_) * core::day; }

 private:
  double days_ = 0;
};

}  // namespace waferwatt::core
