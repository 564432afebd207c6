// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/number_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace waferwatt::core {

std::string compact_number(double value) {
  constexpr std::pair<double, const char*> kPrefixes[] = {{1e15, " P"}, {1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}};
  // 999.6 k rounds to three digits as 1 M.
  constexpr double kRoundsUp = 0.9995;
  const double size = std::abs(value);
  if (!std::isfinite(value)) return "-";
  if (size >= 1e18 * kRoundsUp) return fmt::format("{:.3g}", value);
  for (const auto& [factor, prefix] : kPrefixes)
    if (size >= factor * kRoundsUp && size >= 1e4 * kRoundsUp) return fmt::format("{:.3g}{}", value / factor, prefix);
  return size >= 999.5 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
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
