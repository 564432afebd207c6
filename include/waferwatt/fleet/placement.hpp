// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which accelerators a gang gets. Nodes hang on leaves of the fabric; a gang of a node or more takes whole nodes and a
// rest on one node, a smaller one fits into one node.
#include <cstdint>
#include <optional>
#include <vector>

namespace waferwatt::fleet {

enum class PlacementPolicy {
  packed,     ///< the fullest node that fits; the fullest leaf that holds all, else as few leaves as possible
  first_fit,  ///< the first nodes, whatever their leaf
};

struct Piece {
  std::uint32_t node;
  std::uint32_t n_accelerators;
};

struct Placement {
  std::vector<Piece> pieces;
  std::uint32_t n_leaves = 0, fewest_leaves = 0;  ///< used, and what an empty cluster would need
};

class Nodes {
 public:
  Nodes(std::uint32_t n_nodes, std::uint32_t per_node, std::uint32_t nodes_per_leaf);

  std::uint32_t n_nodes() const { return static_cast<std::uint32_t>(free_.size()); }
  std::uint32_t per_node() const { return per_node_; }
  std::int64_t n_free() const { return n_free_; }  ///< on nodes that are up

  /// \returns nothing where it does not fit; never takes anything then
  std::optional<Placement> place(std::int64_t n_accelerators, PlacementPolicy policy);
  void release(const Placement& placement);

  bool is_up(std::uint32_t node) const { return up_[node]; }
  void set_up(std::uint32_t node, bool up);

 private:
  bool place_part(std::uint32_t n, PlacementPolicy policy, Placement& out);
  bool place_nodes(std::uint32_t n, PlacementPolicy policy, Placement& out);
  void take(std::uint32_t node, std::uint32_t n, Placement& out);
  void change(std::uint32_t node, std::int32_t by);
  void list(std::uint32_t node, bool in);
  std::optional<std::uint32_t> first_with(std::uint32_t free) const;
  std::uint32_t leaf_of(std::uint32_t node) const { return node / nodes_per_leaf_; }
  void count_leaves(Placement& out) const;

  std::uint32_t per_node_, nodes_per_leaf_;
  std::vector<std::uint32_t> free_;
  std::vector<bool> up_;
  std::vector<std::uint32_t> whole_of_leaf_;           // nodes up and wholly free
  std::vector<std::vector<std::uint64_t>> by_free_;    // bits of the nodes that are up, by free accelerators
  std::vector<std::int64_t> n_with_;                   // how many nodes are up with so many free
  std::int64_t n_free_ = 0;
};

}  // namespace waferwatt::fleet
