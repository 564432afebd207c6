// SPDX-License-Identifier: Apache-2.0
// Processors with AVX2 compare all splits of a node at once, others one by one.
#pragma GCC diagnostic ignored "-Wpsabi"
#include "../../../src/cost/eighths.hpp"

#include <catch2/catch.hpp>

#include <cmath>

#include "waferwatt/core/random.hpp"

using namespace waferwatt;

namespace {

/// As a surface has them.
struct alignas(64) Node {
  std::array<std::int32_t, 7> splits;
  std::uint32_t next;
  std::array<std::uint32_t, 7> dimensions;
  std::uint32_t list;
};

/// Few values, so that some are equal, and both zeros.
float some_value(RandomStream& random) { return static_cast<float>(std::floor(random.uniform(-3, 3)) * (random.uniform(0, 1) < 0.5 ? -1 : 1)); }

/// The halves that three comparisons of floats lead to.
std::size_t walked(const std::array<float, 7>& splits, const Node& node, const cost::Coordinates& at) {
  std::size_t eighth = 0, split = 0;
  for (int level = 0; level < 3; ++level) {
    const bool is_above = at.x[node.dimensions[split]] > splits[split];
    eighth = 2 * eighth + is_above, split = 2 * split + 1 + is_above;
  }
  return eighth;
}

}  // namespace

TEST_CASE("the eighth of a node, split by split and all at once") {
  RandomStream random(23, "eighths");
  for (int round = 0; round < 2000; ++round) {
    cost::Coordinates at{.size = cost::kMaxCoordinates};
    for (float& x : at.x) x = some_value(random);
    std::array<float, 7> splits;
    Node node{.next = static_cast<std::uint32_t>(round), .list = static_cast<std::uint32_t>(round)};
    for (std::size_t i = 0; i < splits.size(); ++i) {
      splits[i] = some_value(random), node.splits[i] = cost::ordinal(splits[i]);
      node.dimensions[i] = static_cast<std::uint32_t>(random.uniform(0, cost::kMaxCoordinates));
    }
    CHECK(cost::SplitBySplit(at)(node) == walked(splits, node, at));
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) CHECK(cost::SplitsAtOnce(at)(node) == walked(splits, node, at));
#endif
  }
}
