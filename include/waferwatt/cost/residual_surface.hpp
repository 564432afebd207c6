// SPDX-License-Identifier: Apache-2.0
#pragma once
// log(measured / formula) between measured points, in the space of log2 of the dimensions.
//
// (2)  r(x) = sum_i w_i r_i / sum_i w_i over the 6 nearest points, w_i = 1 / (d_i^2 + 1e-3)
//
// A measured point gives its own residual back. Farther than 2 octaves from all points the residual fades,
// to nothing at 4 octaves. The points lie in a tree that halves the widest dimension (k-d tree); each of its
// leaves lists the 32 points nearest to its own, and the neighbours are sought among them: one way down and
// one short list, wherever one asks. A surface does not change after it is made, and may be asked from many threads.
#include <array>
#include <limits>
#include <span>
#include <vector>

#include "waferwatt/cost/operators.hpp"

namespace waferwatt::cost {

class ResidualSurface {
 public:
  struct Point {
    Coordinates at;
    double residual = 0;
  };
  struct Sample {
    double residual = 0;
    double distance = 0;  ///< octaves to the nearest point
  };

  ResidualSurface() : ResidualSurface(std::span<const Point>()) {}
  /// All points have the same number of coordinates.
  explicit ResidualSurface(std::span<const Point> points);

  Sample at(const Coordinates& at) const;
  /// The sum of the residuals of one surface or up to kAtOnce, and the distance to the nearest point of any: what they
  /// say one by one, but searched side by side, which takes half as long.
  /// \param surfaces with points, all in the same coordinates
  static Sample sum(std::span<const ResidualSurface* const> surfaces, const Coordinates& at);
  std::size_t size() const { return n_points_; }

  static constexpr std::uint32_t kListed = 32;  ///< points that a leaf lists
  static constexpr std::size_t kAtOnce = 4;

 private:
  /// Three levels of the tree, one cache line: a coordinate above splits[0] is in the second half; those after splits[i] are
  /// splits[2 i + 1] of its first half and splits[2 i + 2] of its second. The eighths are at `next` and after it. A leaf
  /// leads to itself, whatever is asked. Splits are ordinals of floats (ordinal.hpp).
  struct alignas(64) Node {
    static constexpr std::uint32_t kSplits = 7;
    static constexpr auto kNone = std::numeric_limits<std::int32_t>::max();
    std::array<std::int32_t, kSplits> splits{kNone, kNone, kNone, kNone, kNone, kNone, kNone};
    std::uint32_t next = 0;
    std::array<std::uint32_t, kSplits> dimensions{};
    std::uint32_t list = 0;  // first column of a leaf's list
  };
  /// Whole cache lines: vectors that straddle two take twice as long.
  struct alignas(64) Column {
    std::array<float, kListed> values;
  };
  struct Tree;
  template <std::size_t N, class Vectors>
  struct Search;
  struct Searches;

  std::size_t n_coordinates_ = 1, n_points_ = 0;
  std::uint32_t depth_ = 0;  // nodes on the longest way from the root to a leaf
  std::vector<Node> nodes_;
  std::vector<Column> columns_;  // of each list one for every coordinate, and one of residuals
};

}  // namespace waferwatt::cost
