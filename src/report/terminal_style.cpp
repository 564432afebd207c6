// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/terminal_style.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace waferwatt::report {

std::string sparkline(const std::vector<std::optional<double>>& values) {
  constexpr std::string_view kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (const auto& value : values) {
    if (!value || !std::isfinite(*value)) continue;
    least = std::min(least, *value);
    most = std::max(most, *value);
  }
  std::string line;
  for (const auto& value : values) {
    if (!value || !std::isfinite(*value))
      line += ' ';
    else
      line += kBlocks[most > least ? static_cast<std::size_t>(std::lround(7 * (*value - least) / (most - least))) : 3];
  }
  return line;
}

}  // namespace waferwatt::report
