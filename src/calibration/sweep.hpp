// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which points are measured.
#include <cstdint>
#include <vector>

#include "calibration/point.hpp"

namespace waferwatt::calibration {

enum class Profile { quick, full };

/// Every point of the full profile, operator after operator.
std::vector<Point> full_sweep();

/// The full sweep, or every fourth point of each operator and format with those that gates need.
std::vector<Point> sweep(Profile profile);

/// A permutation of 0 ... n - 1 that depends on the seed and the pass only: drift becomes noise, not bias.
std::vector<std::size_t> shuffled_order(std::size_t n, std::uint64_t seed, int pass);

/// A copy on the device.
Point copy_point(std::int64_t bytes);
Point gemm_point(std::string format, std::int64_t m, std::int64_t n, std::int64_t k, std::string layout = "TN");

}  // namespace waferwatt::calibration
