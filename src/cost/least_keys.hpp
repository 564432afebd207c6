// SPDX-License-Identifier: Apache-2.0
#pragma once
// The six least of 32 numbers, of up to four lists at once: networks of comparators on vectors (GCC, Clang), which
// compilers do not make by themselves.
#include <array>
#include <bit>
#include <cstdint>

namespace waferwatt::cost {

// All of it becomes part of functions that are compiled for one kind of processor.
#define WAFERWATT_INLINE [[gnu::always_inline]] inline

using Floats = float __attribute__((vector_size(16)));
using Keys = std::int32_t __attribute__((vector_size(16)));
inline constexpr std::size_t kLeast = 6, kRows = 8;

/// Eight numbers in one vector.
struct OneVector {
  using Numbers = float __attribute__((vector_size(32)));
  using Ordered = std::int32_t __attribute__((vector_size(32)));
  using Few = Keys;

  WAFERWATT_INLINE static Numbers load(const float* x) { return *reinterpret_cast<const Numbers*>(x); }
  WAFERWATT_INLINE static void store(float* x, Numbers v) { *reinterpret_cast<Numbers*>(x) = v; }
  WAFERWATT_INLINE static Numbers difference(Numbers v, float x) { return v - Numbers{x, x, x, x, x, x, x, x}; }
  /// The last five bits become the place of each number, the first one's and those after it.
  WAFERWATT_INLINE static Ordered marked(Numbers v, std::int32_t place) {
    return ((Ordered)v & ~31) | Ordered{place, place + 1, place + 2, place + 3, place + 4, place + 5, place + 6, place + 7};
  }
  WAFERWATT_INLINE static Ordered first_halves(Ordered a, Ordered b) { return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11); }
  WAFERWATT_INLINE static Ordered second_halves(Ordered a, Ordered b) { return __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15); }
  WAFERWATT_INLINE static Ordered first_pairs(Ordered a, Ordered b) { return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13); }
  WAFERWATT_INLINE static Ordered second_pairs(Ordered a, Ordered b) { return __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15); }
  WAFERWATT_INLINE static Few even(Ordered a) { return __builtin_shufflevector(a, a, 0, 2, 4, 6); }
  WAFERWATT_INLINE static Few odd(Ordered a) { return __builtin_shufflevector(a, a, 1, 3, 5, 7); }
};

/// Eight numbers in two vectors. Keys stay floats, in the same order: older processors have no other least and most.
struct TwoVectors {
  struct Numbers {
    Floats low, high;
    WAFERWATT_INLINE Numbers operator*(Numbers b) const { return {low * b.low, high * b.high}; }
    WAFERWATT_INLINE void operator+=(Numbers b) { low += b.low, high += b.high; }
  };
  using Ordered = Numbers;
  using Few = Floats;

  WAFERWATT_INLINE static Numbers load(const float* x) { return *reinterpret_cast<const Numbers*>(x); }
  WAFERWATT_INLINE static void store(float* x, Numbers v) { *reinterpret_cast<Numbers*>(x) = v; }
  WAFERWATT_INLINE static Numbers difference(Numbers v, float x) {
    const Floats all{x, x, x, x};
    return {v.low - all, v.high - all};
  }
  WAFERWATT_INLINE static Ordered marked(Numbers v, std::int32_t place) {
    const Keys places{place, place + 1, place + 2, place + 3};
    return {(Floats)(((Keys)v.low & ~31) | places), (Floats)(((Keys)v.high & ~31) | (places + 4))};
  }
  WAFERWATT_INLINE static Ordered first_halves(Ordered a, Ordered b) { return {a.low, b.low}; }
  WAFERWATT_INLINE static Ordered second_halves(Ordered a, Ordered b) { return {a.high, b.high}; }
  WAFERWATT_INLINE static Ordered first_pairs(Ordered a, Ordered b) {
    return {__builtin_shufflevector(a.low, b.low, 0, 1, 4, 5), __builtin_shufflevector(a.high, b.high, 0, 1, 4, 5)};
  }
  WAFERWATT_INLINE static Ordered second_pairs(Ordered a, Ordered b) {
    return {__builtin_shufflevector(a.low, b.low, 2, 3, 6, 7), __builtin_shufflevector(a.high, b.high, 2, 3, 6, 7)};
  }
  WAFERWATT_INLINE static Few even(Ordered a) { return __builtin_shufflevector(a.low, a.high, 0, 2, 4, 6); }
  WAFERWATT_INLINE static Few odd(Ordered a) { return __builtin_shufflevector(a.low, a.high, 1, 3, 5, 7); }
};

template <class V>
WAFERWATT_INLINE V less(V a, V b) { return a < b ? a : b; }
template <class V>
WAFERWATT_INLINE V more(V a, V b) { return b < a ? a : b; }
WAFERWATT_INLINE TwoVectors::Ordered less(TwoVectors::Ordered a, TwoVectors::Ordered b) { return {less(a.low, b.low), less(a.high, b.high)}; }
WAFERWATT_INLINE TwoVectors::Ordered more(TwoVectors::Ordered a, TwoVectors::Ordered b) { return {more(a.low, b.low), more(a.high, b.high)}; }

template <class V>
WAFERWATT_INLINE void in_order(V& a, V& b) {
  const V first = less(a, b), second = more(a, b);
  a = first, b = second;
}

template <class V>
using Rows = std::array<V, kLeast>;

/// The least of each lane in order: Batcher's network for eight.
template <class V>
WAFERWATT_INLINE Rows<V> sorted(std::array<V, kRows> v) {
  constexpr std::array<std::array<std::size_t, 2>, 19> kNetwork{{{0, 1}, {2, 3}, {4, 5}, {6, 7}, {0, 2}, {1, 3}, {4, 6}, {5, 7}, {1, 2}, {5, 6},
                                                                 {0, 4}, {1, 5}, {2, 6}, {3, 7}, {2, 4}, {3, 5}, {1, 2}, {3, 4}, {5, 6}}};
#pragma GCC unroll 19
  for (std::size_t i = 0; i < kNetwork.size(); ++i) in_order(v[kNetwork[i][0]], v[kNetwork[i][1]]);
  return {v[0], v[1], v[2], v[3], v[4], v[5]};
}

/// The least of both, each in order: the less of one from below and the other from above rise and then fall.
template <class V>
WAFERWATT_INLINE Rows<V> merged(const Rows<V>& a, const Rows<V>& b) {
  Rows<V> v;
#pragma GCC unroll 6
  for (std::size_t i = 0; i < kLeast; ++i) v[i] = less(a[i], b[kLeast - 1 - i]);
  in_order(v[0], v[4]), in_order(v[1], v[5]);
  in_order(v[4], v[2]), in_order(v[5], v[3]);
  in_order(v[0], v[1]), in_order(v[4], v[5]), in_order(v[2], v[3]);
  return {v[0], v[1], v[4], v[5], v[2], v[3]};
}

/// \param ab, cd the columns of four lists, four lanes each
/// \return in order, of the four lists a, c, b, d in a lane each
template <class Vectors>
WAFERWATT_INLINE Rows<typename Vectors::Few> least(const Rows<typename Vectors::Ordered>& ab, const Rows<typename Vectors::Ordered>& cd) {
  Rows<typename Vectors::Ordered> low, high;
#pragma GCC unroll 6
  for (std::size_t i = 0; i < kLeast; ++i) low[i] = Vectors::first_pairs(ab[i], cd[i]), high[i] = Vectors::second_pairs(ab[i], cd[i]);
  const auto halves = merged(low, high);
  Rows<typename Vectors::Few> even, odd;
#pragma GCC unroll 6
  for (std::size_t i = 0; i < kLeast; ++i) even[i] = Vectors::even(halves[i]), odd[i] = Vectors::odd(halves[i]);
  return merged(even, odd);
}

}  // namespace waferwatt::cost
