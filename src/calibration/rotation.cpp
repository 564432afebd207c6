// SPDX-License-Identifier: Apache-2.0
#include "calibration/rotation.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::calibration {
namespace {

constexpr double kTimesL2 = 4;

int copies_for(double estimate_us, const RotationLimits& limits) {
  const double wanted = std::ceil(limits.region_us / std::max(estimate_us, 0.1));
  return static_cast<int>(std::clamp(wanted, 1.0, static_cast<double>(limits.most_copies)));
}

}  // namespace

Rotation cold_rotation(double set_bytes, double estimate_us, const RotationLimits& limits) {
  Rotation r;
  r.copies = copies_for(estimate_us, limits);
  const double each = std::max(set_bytes, 1.0);
  const double wanted = std::ceil(kTimesL2 * limits.l2_bytes / each);
  const double affordable = std::max(1.0, std::floor(limits.most_bytes / each));
  r.sets = static_cast<int>(std::clamp(wanted, 1.0, std::min(affordable, static_cast<double>(limits.most_copies))));
  // Long operations need no 1 ms region; a few copies let small operands rotate.
  r.copies = std::min(limits.most_copies - limits.most_copies % r.sets, (r.copies + r.sets - 1) / r.sets * r.sets);
  r.flush = static_cast<double>(r.sets) * each < kTimesL2 * limits.l2_bytes;
  return r;
}

Rotation warm_rotation(double estimate_us, const RotationLimits& limits) {
  return {.sets = 1, .copies = copies_for(estimate_us, limits), .flush = false};
}

}  // namespace waferwatt::calibration
