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

  ResidualSurface() = default;
  /// All points have the same number of coordinates.
  explicit ResidualSurface(std::span<const Point> points);

  Sample at(const Coordinates& at) const;
  std::size_t size() const { return n_points_; }

  static constexpr std::uint32_t kListed = 32;  ///< points that a leaf lists

 private:
  static constexpr std::uint32_t kLeafSize = 6;
  /// An inner node's children are at `next` and `next + 1`; a leaf's list is the one with the number `next`.
  struct Node {
    float split = 0;
    std::uint32_t next = 0;
    std::uint32_t dimension = kLeaf;
    static constexpr std::uint32_t kLeaf = ~0u;
  };
  void grow(std::uint32_t node, std::span<const Point> points, std::span<std::uint32_t> order, std::span<const std::uint32_t> around);
  void make_list(Node& node, std::span<const Point> points, std::span<const std::uint32_t> own, std::span<const std::uint32_t> around);
  std::vector<std::uint32_t> nearest(std::span<const Point> points, std::span<const std::uint32_t> own,
                                     std::span<const std::uint32_t> some, std::size_t most) const;
  std::uint32_t list_of(const Coordinates& at) const;

  std::size_t n_coordinates_ = 0, n_points_ = 0;
  std::vector<Node> nodes_;
  std::vector<float> coordinates_;  // of each list a column of kListed per coordinate
  std::vector<float> residuals_;    // of each list kListed
};

}  // namespace waferwatt::cost
