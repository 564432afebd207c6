// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "waferwatt/core/random.hpp"
#include "waferwatt/fleet/placement.hpp"

using namespace waferwatt;
using namespace waferwatt::fleet;

namespace {
Nodes cluster(std::uint32_t n, std::uint32_t leaf) {
  Nodes nodes(n, 8, leaf);
  for (std::uint32_t i = 0; i < n; ++i) nodes.set_up(i, true);
  return nodes;
}
}  // namespace

TEST_CASE("small gangs fill the fullest node, large ones the tightest leaf") {
  auto nodes = cluster(8, 4);
  const auto a = nodes.place(3, PlacementPolicy::packed), b = nodes.place(2, PlacementPolicy::packed);
  REQUIRE(a);
  REQUIRE(b);
  CHECK(a->pieces[0].node == b->pieces[0].node);
  // Leaf 0 has three whole nodes left, leaf 1 four: a gang of three nodes goes to leaf 0.
  const auto c = nodes.place(24, PlacementPolicy::packed);
  REQUIRE(c);
  CHECK(c->n_leaves == 1);
  for (const auto& piece : c->pieces) CHECK(piece.node < 4);
}

TEST_CASE("a gang takes as few leaves as it can and says how many more than it needs") {
  auto nodes = cluster(8, 4);
  REQUIRE(nodes.place(8, PlacementPolicy::packed));
  const auto wide = nodes.place(32, PlacementPolicy::packed);
  REQUIRE(wide);
  CHECK(wide->n_leaves == 1);
  nodes.release(*wide);
  REQUIRE(nodes.place(8, PlacementPolicy::packed));  // joins the first on leaf 0
  auto other = cluster(8, 4);
  const auto one = other.place(8, PlacementPolicy::first_fit);
  const auto rest = other.place(32, PlacementPolicy::first_fit);
  REQUIRE(rest);
  CHECK(rest->n_leaves == 2);
  CHECK(rest->fewest_leaves == 1);
}

TEST_CASE("free counts are right after any sequence of takes, releases and failures") {
  auto nodes = cluster(37, 5);
  RandomStream random(1, "x");
  std::vector<Placement> held;
  std::vector<std::uint32_t> down;
  for (int i = 0; i < 5000; ++i) {
    const auto what = random.below(4);
    if (what < 2) {
      if (auto p = nodes.place(1 + static_cast<std::int64_t>(random.below(40)), what ? PlacementPolicy::packed : PlacementPolicy::first_fit)) held.push_back(*p);
    } else if (what == 2 && !held.empty()) {
      const auto k = random.below(held.size());
      nodes.release(held[k]);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(k));
    } else {
      const auto node = static_cast<std::uint32_t>(random.below(37));
      nodes.set_up(node, !nodes.is_up(node));
    }
  }
  for (std::uint32_t i = 0; i < 37; ++i) nodes.set_up(i, true);
  std::int64_t taken = 0;
  for (const auto& p : held)
    for (const auto& piece : p.pieces) taken += piece.n_accelerators;
  CHECK(nodes.n_free() == 37 * 8 - taken);
}
