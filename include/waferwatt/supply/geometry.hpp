// SPDX-License-Identifier: Apache-2.0
#pragma once
// How many rectangles fit on a round wafer.
#include "waferwatt/core/quantity.hpp"

namespace waferwatt::supply {

struct WaferShape {
  Length diameter = 300 * millimetre;
  Length edge_exclusion = 3 * millimetre;
  Length street = 0.1 * millimetre;  ///< gap between neighbours
};

/// Rectangles of width x height that lie wholly inside the usable circle, on one regular grid
/// (as a stepper exposes them) shifted for the best count. The textbook area formula is 20 to
/// 40 % low at interposer size.
int rectangles_per_wafer(Length width, Length height, const WaferShape& wafer = {});

/// Rectangles in one of the two orientations on a rectangular panel, a rim left free.
int rectangles_per_panel(Length width, Length height, Length panel_width, Length panel_height, Length rim, Length street);

}  // namespace waferwatt::supply
