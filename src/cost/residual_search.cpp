// SPDX-License-Identifier: Apache-2.0
// What surfaces say at a place.
#include <algorithm>
#include <cmath>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "eighths.hpp"
#include "least_keys.hpp"
#include "waferwatt/cost/residual_surface.hpp"

namespace waferwatt::cost {
namespace {

constexpr std::size_t kLanes = ResidualSurface::kAtOnce, kEight = 8, kEights = ResidualSurface::kListed / kEight;
static_assert(kLanes * sizeof(float) == sizeof(Floats) && 2 * kEights == kRows);

constexpr float kSoftening = 1e-3f, kSamePoint = 1e-8f;
constexpr float kHeld = 2, kGone = 4;  // octaves

/// In each lane.
WAFERWATT_INLINE Floats roots(Floats x) {
#if defined(__x86_64__)
  return _mm_sqrt_ps(x);
#else
  for (std::size_t lane = 0; lane < kLanes; ++lane) x[lane] = std::sqrt(x[lane]);
  return x;
#endif
}

/// Residuals fade far from all points.
WAFERWATT_INLINE Floats faded(Floats residuals, Floats squared_distances) {
  const Floats left = (kGone - roots(squared_distances)) / (kGone - kHeld);
  return residuals * less(more(left, Floats{}), Floats{1, 1, 1, 1});
}

/// Equation (2) in each lane; a measured point's own residual where it lies.
WAFERWATT_INLINE Floats weighed(const Rows<Floats>& squared_distances, const Rows<Floats>& residuals) {
  Floats weights{}, sum{};
#pragma GCC unroll 6
  for (std::size_t k = 0; k < kLeast; ++k) {
    const Floats weight = 1 / (squared_distances[k] + kSoftening);
    weights += weight, sum += weight * residuals[k];
  }
  return squared_distances[0] < kSamePoint ? residuals[0] : sum / weights;
}

}  // namespace

/// Searches the lists of 1, 2 or 4 surfaces: what is near in each has lanes of its own.
template <std::size_t N, class Vectors>
struct ResidualSurface::Search {
  using Numbers = typename Vectors::Numbers;
  using Ordered = typename Vectors::Ordered;

  const ResidualSurface* const* surfaces;
  const Coordinates& at;
  std::array<const Column*, N> columns;
  alignas(32) std::array<std::array<float, kListed>, N> distances;  // squared

  WAFERWATT_INLINE Search(const ResidualSurface* const* s, const Coordinates& a, const std::array<const Column*, N>& lists)
      : surfaces(s), at(a), columns(lists) {}

  static constexpr std::size_t lane(std::size_t surface) { return surface * kLanes / N; }

  /// Distances of the points of two lists, in order in four lanes each. The last five bits of each tell its place, so
  /// that no two of a list are equal.
  WAFERWATT_INLINE Rows<Ordered> keys(std::size_t a, std::size_t b) {
    const std::array<const Column*, 2> first{columns[a], columns[b]};
    const std::size_t n_coordinates = surfaces[a]->n_coordinates_, n_lists = a == b ? 1 : 2;
    const auto squared = [&](std::size_t j, std::size_t list, std::size_t i) __attribute__((always_inline)) {
      const Numbers away = Vectors::difference(Vectors::load(&first[list][j].values[kEight * i]), at.x[j]);
      return away * away;
    };
    std::array<std::array<Numbers, kEights>, 2> d;
#pragma GCC unroll 2
    for (std::size_t list = 0; list < n_lists; ++list)
#pragma GCC unroll 4
      for (std::size_t i = 0; i < kEights; ++i) d[list][i] = squared(0, list, i);
    for (std::size_t j = 1; j < n_coordinates; ++j)
#pragma GCC unroll 2
      for (std::size_t list = 0; list < n_lists; ++list)
#pragma GCC unroll 4
        for (std::size_t i = 0; i < kEights; ++i) d[list][i] += squared(j, list, i);
    columns[a] = first[0] + n_coordinates, columns[b] = first[1] + n_coordinates;  // those of the residuals
    std::array<Ordered, kRows> rows;
#pragma GCC unroll 4
    for (std::size_t i = 0; i < kEights; ++i) {
      const auto place = static_cast<std::int32_t>(kEight * i);
      Vectors::store(&distances[a][kEight * i], d[0][i]);
      const Ordered x = Vectors::marked(d[0][i], place);
      Ordered y = x;
      if (n_lists == 2) {
        Vectors::store(&distances[b][kEight * i], d[1][i]);
        y = Vectors::marked(d[1][i], place);
      }
      rows[2 * i] = Vectors::first_halves(x, y), rows[2 * i + 1] = Vectors::second_halves(x, y);
    }
    return sorted(rows);
  }

  /// From the nearest on, a lane or more for each surface.
  struct Neighbours {
    Rows<Floats> distances, residuals;
  };
  WAFERWATT_INLINE Neighbours neighbours() {
    const Rows<Ordered> some = keys(0, N / 2);
    const auto nearest = least<Vectors>(some, N == 4 ? keys(1, N - 1) : some);
    Neighbours found;
#pragma GCC unroll 6
    for (std::size_t k = 0; k < kLeast; ++k) {
      const Keys places = (Keys)nearest[k] & 31;
      std::array<float, N> d, r;
#pragma GCC unroll 4
      for (std::size_t s = 0; s < N; ++s) {
        const std::size_t place = static_cast<std::uint32_t>(places[lane(s)]);
        d[s] = distances[s][place], r[s] = columns[s]->values[place];
      }
      found.distances[k] = Floats{d[0], d[N / 4], d[N / 2], d[N - 1]}, found.residuals[k] = Floats{r[0], r[N / 4], r[N / 2], r[N - 1]};
    }
    return found;
  }

  /// \param n of the surfaces; the last one may be there twice
  WAFERWATT_INLINE Sample sum(std::size_t n) {
    const Neighbours near = neighbours();
    const Floats closest = near.distances[0];
    Floats residual = weighed(near.distances, near.residuals);
    float nearest = closest[0], farthest = closest[0];
#pragma GCC unroll 4
    for (std::size_t s = 1; s < N; ++s) nearest = std::min(nearest, closest[lane(s)]), farthest = std::max(farthest, closest[lane(s)]);
    if (farthest > kHeld * kHeld) residual = faded(residual, closest);
    double total = residual[0];
#pragma GCC unroll 4
    for (std::size_t s = 1; s < N; ++s)
      if (s < n) total += residual[lane(s)];
    return {total, nearest < kSamePoint ? 0 : std::sqrt(nearest)};
  }
};

/// For every kind of processor. Results are the same: AVX2 alone does not fuse products with sums.
struct ResidualSurface::Searches {
  /// Where the ways down the trees end: they go side by side.
  /// \param eighth (node): the one that leads on
  template <std::size_t N, class Eighth>
  WAFERWATT_INLINE static std::array<const Column*, N> lists(const ResidualSurface* const* surfaces, const Eighth& eighth) {
    std::array<const Node*, N> nodes;
    std::uint32_t depth = 0;
    for (std::size_t s = 0; s < N; ++s) nodes[s] = surfaces[s]->nodes_.data(), depth = std::max(depth, surfaces[s]->depth_);
    for (std::uint32_t level = 0; level < depth; ++level)
#pragma GCC unroll 4
      for (std::size_t s = 0; s < N; ++s) nodes[s] = surfaces[s]->nodes_.data() + (nodes[s]->next + eighth(*nodes[s]));
    std::array<const Column*, N> columns;
    for (std::size_t s = 0; s < N; ++s) columns[s] = &surfaces[s]->columns_[nodes[s]->list];
    return columns;
  }

#if defined(__x86_64__)
  template <std::size_t N>
  [[gnu::target("avx2")]] static Sample sum_in_long_vectors(const ResidualSurface* const* s, const Coordinates& at, std::size_t n) {
    return Search<N, OneVector>(s, at, lists<N>(s, SplitsAtOnce(at))).sum(n);
  }
#endif
  template <std::size_t N>
  static Sample sum(const ResidualSurface* const* s, const Coordinates& at, std::size_t n) {
#if defined(__x86_64__)
    static const bool has_long_vectors = __builtin_cpu_supports("avx2");
    if (has_long_vectors) return sum_in_long_vectors<N>(s, at, n);
#endif
    return Search<N, TwoVectors>(s, at, lists<N>(s, SplitBySplit(at))).sum(n);
  }
};

ResidualSurface::Sample ResidualSurface::sum(std::span<const ResidualSurface* const> surfaces, const Coordinates& at) {
  const std::size_t n = surfaces.size();
  if (n == 1) return Searches::sum<1>(surfaces.data(), at, n);
  if (n == 2) return Searches::sum<2>(surfaces.data(), at, n);
  if (n == kAtOnce) return Searches::sum<4>(surfaces.data(), at, n);
  const std::array<const ResidualSurface*, kAtOnce> filled{surfaces[0], surfaces[1], surfaces[2], surfaces[2]};
  return Searches::sum<4>(filled.data(), at, n);
}

ResidualSurface::Sample ResidualSurface::at(const Coordinates& at) const {
  const ResidualSurface* const one = this;
  return sum({&one, 1}, at);
}

}  // namespace waferwatt::cost
