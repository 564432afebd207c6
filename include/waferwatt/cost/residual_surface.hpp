// SPDX-License-Identifier: Apache-2.0
#pragma once
// log(measured / formula) between measured points, in the space of log2 of the dimensions.
//
// (2)  r(x) = sum_i w_i r_i / sum_i w_i over the 6 nearest points, w_i = 1 / (d_i^2 + 1e-3)
//
// A measured point gives its own residual back. Farther than 2 octaves from all points the residual fades,
// to nothing at 4 octaves.
#include <vector>

#include "waferwatt/cost/operators.hpp"

namespace waferwatt::cost {

class ResidualSurface {
 public:
  struct Sample {
    double residual = 0;
    double distance = 0;  ///< octaves to the nearest point
    double spread = 0;    ///< standard deviation of the residuals of the neighbours
  };

  ResidualSurface() = default;
  explicit ResidualSurface(std::size_t n_coordinates) : n_coordinates_(n_coordinates), columns_(n_coordinates) {}
  void add(const Coordinates& at, double residual);

  /// Asked again at a site (all coordinates but the first the same), it keeps the few points that can be
  /// among the nearest for each half octave of the first. Not for use from several threads at once.
  Sample at(const Coordinates& at) const;
  std::size_t size() const { return residuals_.size(); }

 private:
  struct Neighbours;
  struct Candidate {
    float site_distance;  ///< squared, without the first coordinate
    float first;
    std::uint32_t point;
  };
  struct Site {
    std::array<float, kMaxCoordinates> x{};
    bool is_seen = false;
    std::vector<std::vector<Candidate>> buckets;  ///< by half octaves of the first coordinate
  };
  void fill(const Site& site, std::size_t bucket, std::vector<Candidate>& candidates) const;
  void distances(const std::array<float, kMaxCoordinates>& x, std::size_t from) const;

  std::size_t n_coordinates_ = 0;
  std::vector<std::vector<float>> columns_;
  std::vector<float> residuals_;
  mutable std::vector<Site> sites_;
  mutable std::vector<float> scratch_;  // a distance per point
};

}  // namespace waferwatt::cost
