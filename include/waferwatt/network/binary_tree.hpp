// SPDX-License-Identifier: Apache-2.0
#pragma once
// Trees over places 0 .. n-1, as each place's parent.
#include <cstddef>
#include <vector>

namespace waferwatt::network {

inline constexpr std::size_t kRoot = static_cast<std::size_t>(-1);

/// Place i hangs on (i - 1) / 2.
std::vector<std::size_t> heap_tree(std::size_t n);

/// A tree whose odd places are leaves, or its complement, in which the even ones are (but for the roots):
/// no place forwards in both (Sanders, Speck, Traff 2009). The complement is the mirror image of the tree
/// for even n, else the tree shifted by one.
std::vector<std::size_t> complementary_tree(std::size_t n, bool complement);

}  // namespace waferwatt::network
