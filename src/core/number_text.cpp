// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/number_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace waferwatt::core {

std::string compact_number(double value, int digits) {
  constexpr std::pair<double, const char*> kPrefixes[] = {{1e15, " P"}, {1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}};
  // 999.6 k rounds to three digits as 1 M.
  const double rounds_up = 1 - 0.5 * std::pow(10.0, -digits);
  const double size = std::abs(value);
  if (!std::isfinite(value)) return "-";
  if (size >= 1e18 * rounds_up) return fmt::format("{:.{}g}", value, digits);
  for (const auto& [factor, prefix] : kPrefixes)
    if (size >= factor * rounds_up && size >= 1e4 * rounds_up) return fmt::format("{:.{}g}{}", value / factor, digits, prefix);
  return size >= 1000 * rounds_up ? fmt::format("{:.0f}", value) : fmt::format("{:.{}g}", value, digits);
}

std::string quantity_text(double value, std::string_view unit) {
  const std::string number = std::abs(value) >= 999.5 && std::abs(value) < 9999.5 ? fmt::format("{:.3g} k", value / 1000) : compact_number(value);
  return number.find(' ') == std::string::npos ? fmt::format("{} {}", number, unit) : number + std::string{unit};
}

std::string grouped_number(double value) {
  const double size = std::abs(value);
  if (!std::isfinite(value)) return "-";
  if (size == 0) return "0";
  if (size < 1e-3 || size >= 1e12) return fmt::format("{:.3e}", value);
  if (size < 9999.5) return fmt::format("{:.4g}", value);
  std::string digits = fmt::format("{:.0f}", size);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return (value < 0 ? "-" : "") + digits;
}

}  // namespace waferwatt::core
