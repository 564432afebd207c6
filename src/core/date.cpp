// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/date.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>

namespace waferwatt::core {
namespace {

namespace chrono = std::chrono;

chrono::year_month_day civil(double days) {
  return chrono::year_month_day{chrono::sys_days{chrono::days{static_cast<int>(std::floor(days))}}};
}

/// Reads exactly `width` digits.
std::optional<int> digits(std::string_view text, std::size_t begin, std::size_t width) {
  if (text.size() < begin + width) return std::nullopt;
  int value = 0;
  const char* const first = text.data() + begin;
  const auto [stop, error] = std::from_chars(first, first + width, value);
  if (error != std::errc{} || stop != first + width || value < 0) return std::nullopt;
  return value;
}

}  // namespace

Date Date::from_civil(int year, unsigned month, unsigned day) {
  const chrono::sys_days days{chrono::year{year} / chrono::month{month} / chrono::day{day}};
  return from_days(static_cast<double>(days.time_since_epoch().count()));
}

std::optional<Date> Date::parse(std::string_view text) {
  if (text.size() != 4 && text.size() != 7 && text.size() != 10) return std::nullopt;
  const auto year = digits(text, 0, 4);
  std::optional<int> month = 1, day = 1;
  if (text.size() >= 7) month = text[4] == '-' ? digits(text, 5, 2) : std::nullopt;
  if (text.size() == 10) day = text[7] == '-' ? digits(text, 8, 2) : std::nullopt;
  if (!year || !month || !day) return std::nullopt;
  const auto date = chrono::year{*year} / chrono::month{static_cast<unsigned>(*month)} / chrono::day{static_cast<unsigned>(*day)};
  if (!date.ok()) return std::nullopt;
  return from_days(static_cast<double>(chrono::sys_days{date}.time_since_epoch().count()));
}

int Date::year() const { return static_cast<int>(civil(days_).year()); }
int Date::month() const { return static_cast<int>(static_cast<unsigned>(civil(days_).month())); }
int Date::quarter() const { return (month() - 1) / 3 + 1; }

std::string Date::text() const { return fmt::format("{:04}-{:02}-{:02}", year(), month(), static_cast<unsigned>(civil(days_).day())); }

Date Date::next_month() const {
  return month() == 12 ? from_civil(year() + 1, 1, 1) : from_civil(year(), static_cast<unsigned>(month()) + 1, 1);
}

}  // namespace waferwatt::core
