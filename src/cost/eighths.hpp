// SPDX-License-Identifier: Apache-2.0
#pragma once
// The eighth of a node of a surface's tree in which one finds what is asked (residual_surface.hpp): one split after the
// other, or all seven in one vector.
#include <array>
#include <cstdint>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "ordinal.hpp"
#include "waferwatt/cost/operators.hpp"

namespace waferwatt::cost {

/// Without branches: nobody can predict them.
/// \param is_above whether what is asked is above a split
template <class IsAbove>
constexpr std::size_t eighth_of(IsAbove is_above) {
  const std::size_t half = is_above(0u), first = is_above(1u), second = is_above(2u);
  const std::size_t quarter = 2 * half + ((half & second) | ((half ^ 1) & first));
  return 2 * quarter + is_above(3 + quarter);
}

/// For every kind of processor.
class SplitBySplit {
 public:
  explicit SplitBySplit(const Coordinates& at) {
    for (std::size_t j = 0; j < kMaxCoordinates; ++j) x_[j] = ordinal(at.x[j]);
  }
  template <class Node>
  std::size_t operator()(const Node& node) const {
    return eighth_of([&](std::size_t split) { return x_[node.dimensions[split]] > node.splits[split]; });
  }

 private:
  std::array<std::int32_t, kMaxCoordinates> x_;
};

#if defined(__x86_64__)
/// For processors with AVX2.
class SplitsAtOnce {
  static constexpr std::size_t kEight = 8;
  static_assert(kMaxCoordinates == kEight + 1);

 public:
  /// Halves are loaded as they were stored just before: a load of both would wait until they are in the cache.
  [[gnu::target("avx2")]] explicit SplitsAtOnce(const Coordinates& at)
      : first_eight_(ordinals(_mm256_setr_m128(_mm_loadu_ps(&at.x[0]), _mm_loadu_ps(&at.x[kEight / 2])))),
        last_(ordinals(_mm256_set1_ps(at.x[kEight]))) {}

  template <class Node>
  [[gnu::target("avx2")]] std::size_t operator()(const Node& node) const {
    static_assert(sizeof(Node) == 2 * sizeof(__m256i) && alignof(Node) == sizeof(Node));
    const auto* const numbers = reinterpret_cast<const __m256i*>(&node);  // splits and `next`, dimensions and `list`
    const __m256i among_eight = _mm256_permutevar8x32_epi32(first_eight_, numbers[1]), is_last = _mm256_slli_epi32(numbers[1], 28);
    const __m256 x = _mm256_blendv_ps(_mm256_castsi256_ps(among_eight), _mm256_castsi256_ps(last_), _mm256_castsi256_ps(is_last));
    const __m256i is_above = _mm256_cmpgt_epi32(_mm256_castps_si256(x), numbers[0]);
    return kEighths[static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(is_above))) % kEighths.size()];
  }

 private:
  /// By a bit for each split that is below what is asked.
  static constexpr auto kEighths = [] {
    std::array<std::uint8_t, 128> eighths{};
    for (std::size_t bits = 0; bits < eighths.size(); ++bits)
      eighths[bits] = static_cast<std::uint8_t>(eighth_of([bits](std::size_t split) { return bits >> split & 1; }));
    return eighths;
  }();

  /// As ordinal() has them.
  [[gnu::target("avx2")]] static __m256i ordinals(__m256 x) {
    const __m256i bits = _mm256_castps_si256(_mm256_add_ps(x, _mm256_setzero_ps()));
    return _mm256_xor_si256(bits, _mm256_srli_epi32(_mm256_srai_epi32(bits, 31), 1));
  }

  __m256i first_eight_, last_;
};
#endif

}  // namespace waferwatt::cost
