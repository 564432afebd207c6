// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/fleet/placement.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

namespace waferwatt::fleet {

Nodes::Nodes(std::uint32_t n_nodes, std::uint32_t per_node, std::uint32_t nodes_per_leaf)
    : per_node_(per_node), nodes_per_leaf_(nodes_per_leaf), free_(n_nodes, per_node), up_(n_nodes, false),
      whole_of_leaf_((n_nodes + nodes_per_leaf - 1) / nodes_per_leaf, 0), by_free_(per_node + 1, std::vector<std::uint64_t>((n_nodes + 63) / 64, 0)),
      n_with_(per_node + 1, 0) {}

void Nodes::list(std::uint32_t node, bool in) {
  auto& word = by_free_[free_[node]][node / 64];
  const std::uint64_t bit = std::uint64_t{1} << (node % 64);
  word = in ? word | bit : word & ~bit;
  n_with_[free_[node]] += in ? 1 : -1;
  if (free_[node] == per_node_) whole_of_leaf_[leaf_of(node)] += in ? 1u : ~0u;
}

void Nodes::change(std::uint32_t node, std::int32_t by) {
  if (up_[node]) list(node, false), n_free_ += by;
  free_[node] = static_cast<std::uint32_t>(static_cast<std::int32_t>(free_[node]) + by);
  if (up_[node]) list(node, true);
}

void Nodes::set_up(std::uint32_t node, bool up) {
  if (up_[node] == up) return;
  up_[node] = up;
  list(node, up);
  n_free_ += up ? free_[node] : -static_cast<std::int64_t>(free_[node]);
}

std::optional<std::uint32_t> Nodes::first_with(std::uint32_t free) const {
  if (n_with_[free] == 0) return std::nullopt;
  const auto& words = by_free_[free];
  for (std::size_t w = 0; w < words.size(); ++w)
    if (words[w] != 0) return static_cast<std::uint32_t>(w * 64) + static_cast<std::uint32_t>(std::countr_zero(words[w]));
  return std::nullopt;
}

void Nodes::take(std::uint32_t node, std::uint32_t n, Placement& out) {
  change(node, -static_cast<std::int32_t>(n));
  out.pieces.push_back({node, n});
}

bool Nodes::place_part(std::uint32_t n, PlacementPolicy policy, Placement& out) {
  std::optional<std::uint32_t> best;
  for (std::uint32_t free = n; free <= per_node_; ++free) {
    const auto node = first_with(free);
    if (!node) continue;
    if (policy == PlacementPolicy::packed) return take(*node, n, out), true;
    if (!best || *node < *best) best = node;
  }
  if (best) take(*best, n, out);
  return best.has_value();
}

bool Nodes::place_nodes(std::uint32_t n, PlacementPolicy policy, Placement& out) {
  if (n == 0) return true;
  if (n_with_[per_node_] < n) return false;
  std::vector<std::uint32_t> leaves;
  for (std::uint32_t leaf = 0; leaf < whole_of_leaf_.size(); ++leaf)
    if (whole_of_leaf_[leaf] > 0) leaves.push_back(leaf);
  if (policy == PlacementPolicy::packed) {
    const auto whole = [&](std::uint32_t leaf) { return whole_of_leaf_[leaf]; };
    std::optional<std::uint32_t> tightest;
    for (const auto leaf : leaves)
      if (whole(leaf) >= n && (!tightest || whole(leaf) < whole(*tightest))) tightest = leaf;
    if (tightest) leaves = {*tightest};
    else std::ranges::stable_sort(leaves, std::greater{}, whole);
  }
  for (const auto leaf : leaves)
    for (std::uint32_t node = leaf * nodes_per_leaf_; node < std::min((leaf + 1) * nodes_per_leaf_, n_nodes()) && n > 0; ++node)
      if (up_[node] && free_[node] == per_node_) take(node, per_node_, out), --n;
  return true;
}

void Nodes::count_leaves(Placement& out) const {
  std::vector<std::uint32_t> leaves;
  for (const auto& piece : out.pieces) leaves.push_back(leaf_of(piece.node));
  std::ranges::sort(leaves);
  out.n_leaves = static_cast<std::uint32_t>(std::unique(leaves.begin(), leaves.end()) - leaves.begin());
  out.fewest_leaves = (static_cast<std::uint32_t>(out.pieces.size()) + nodes_per_leaf_ - 1) / nodes_per_leaf_;
}

std::optional<Placement> Nodes::place(std::int64_t n_accelerators, PlacementPolicy policy) {
  if (n_accelerators > n_free_) return std::nullopt;
  const auto n = static_cast<std::uint32_t>(n_accelerators);
  Placement out;
  const bool fits = place_nodes(n / per_node_, policy, out) && (n % per_node_ == 0 || place_part(n % per_node_, policy, out));
  if (!fits) {
    release(out);
    return std::nullopt;
  }
  count_leaves(out);
  return out;
}

void Nodes::release(const Placement& placement) {
  for (const auto& piece : placement.pieces) change(piece.node, static_cast<std::int32_t>(piece.n_accelerators));
}

}  // namespace waferwatt::fleet
