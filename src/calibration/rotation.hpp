// SPDX-License-Identifier: Apache-2.0
#pragma once
// How operands stay cold: each copy of an operation works on another set, and the sets together
// exceed the L2, or the L2 is flushed before each sample.
#include <cstdint>

namespace waferwatt::calibration {

struct Rotation {
  int sets = 1;        ///< operand sets
  int copies = 1;      ///< operations in one timed region; a multiple of `sets`
  bool flush = false;  ///< the sets do not reach four times the L2: flush outside the timed region
};

struct RotationLimits {
  double l2_bytes = 0;
  double most_bytes = 0;      ///< memory that all sets may take
  double region_us = 1000;    ///< wanted length of a timed region: events resolve about 0.5 us
  int most_copies = 128;
};

/// Cold: enough sets for four times the L2, as far as copies and memory allow.
/// \param set_bytes operands of one operation
/// \param estimate_us time of one operation
Rotation cold_rotation(double set_bytes, double estimate_us, const RotationLimits& limits);

/// Warm: one set, repeated.
Rotation warm_rotation(double estimate_us, const RotationLimits& limits);

}  // namespace waferwatt::calibration
