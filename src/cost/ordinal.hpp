// SPDX-License-Identifier: Apache-2.0
#pragma once
// Floats in the order of integers, which processors compare sooner.
#include <bit>
#include <cstdint>

namespace waferwatt::cost {

/// Minus zero counts as zero.
inline std::int32_t ordinal(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x + 0.0f);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

}  // namespace waferwatt::cost
