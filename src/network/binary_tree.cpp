// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/binary_tree.hpp"

namespace waferwatt::network {

std::vector<std::size_t> heap_tree(std::size_t n) {
  std::vector<std::size_t> parents(n, kRoot);
  for (std::size_t i = 1; i < n; ++i) parents[i] = (i - 1) / 2;
  return parents;
}

std::vector<std::size_t> complementary_tree(std::size_t n, bool complement) {
  // Place p > 0 with lowest set bit b hangs on the place with that bit cleared and the next one set, or,
  // where that lies beyond n, on the place with the bit cleared. Place 0 is the root.
  const auto parent = [n](std::size_t p) {
    const std::size_t bit = p & (~p + 1);
    const std::size_t up = (p ^ bit) | (bit << 1);
    return up < n ? up : p ^ bit;
  };
  const bool mirror = n % 2 == 0;
  const auto place = [&](std::size_t p) {
    if (!complement) return p;
    return mirror ? n - 1 - p : (p + 1) % n;
  };
  std::vector<std::size_t> parents(n, kRoot);
  for (std::size_t p = 1; p < n; ++p) parents[place(p)] = place(parent(p));
  return parents;
}

}  // namespace waferwatt::network
