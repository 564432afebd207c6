// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/geometry.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::supply {
namespace {

// An even number, so that the grid centred on a cell and the one centred on a street are both tried.
constexpr int kShifts = 20;

/// Rectangles of a row that lie between -half and +half, the first cell starting at `offset`.
int in_row(double half, double offset, double width, double pitch) {
  const double first = std::ceil((-half - offset) / pitch), last = std::floor((half - width - offset) / pitch);
  return std::max(0, static_cast<int>(last - first) + 1);
}

}  // namespace

int rectangles_per_wafer(Length width_length, Length height_length, const WaferShape& wafer) {
  const double width = width_length.in(millimetre), height = height_length.in(millimetre);
  const double radius = wafer.diameter.in(millimetre) / 2 - wafer.edge_exclusion.in(millimetre);
  const double pitch_x = width + wafer.street.in(millimetre), pitch_y = height + wafer.street.in(millimetre);
  int best = 0;
  for (int shift_y = 0; shift_y < kShifts; ++shift_y) {
    // Half the chord at the row's outer edge, for every row of this shift.
    const double offset_y = pitch_y * shift_y / kShifts;
    const int first_row = static_cast<int>(std::floor((-radius - offset_y) / pitch_y));
    const int last_row = static_cast<int>(std::ceil((radius - offset_y) / pitch_y));
    for (int shift_x = 0; shift_x < kShifts; ++shift_x) {
      int n = 0;
      for (int row = first_row; row <= last_row; ++row) {
        const double bottom = offset_y + row * pitch_y;
        const double outer = std::max(std::abs(bottom), std::abs(bottom + height));
        if (outer < radius) n += in_row(std::sqrt(radius * radius - outer * outer), pitch_x * shift_x / kShifts, width, pitch_x);
      }
      best = std::max(best, n);
    }
  }
  return best;
}

int rectangles_per_panel(Length width, Length height, Length panel_width, Length panel_height, Length rim, Length street) {
  const auto along = [&](Length panel, Length part) {
    const double n = (panel - 2 * rim + street) / (part + street);
    return std::max(0, static_cast<int>(std::floor(n + 1e-9)));
  };
  return std::max(along(panel_width, width) * along(panel_height, height), along(panel_width, height) * along(panel_height, width));
}

}  // namespace waferwatt::supply
