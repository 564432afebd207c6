// SPDX-License-Identifier: Apache-2.0
#pragma once
// Collectives and their algorithms, and the flows that each causes in a topology.
//
// Size S of a collective: the buffer of one rank for all-reduce, reduce-scatter (its input) and broadcast,
// the gathered buffer for all-gather, what one rank sends (its own share included) for all-to-all, the
// message for send.
#include <optional>
#include <span>
#include <vector>

#include "waferwatt/engine/flow_network.hpp"
#include "waferwatt/io/codec.hpp"
#include "waferwatt/network/topology.hpp"

namespace waferwatt::network {

enum class Collective { all_reduce, all_gather, reduce_scatter, broadcast, all_to_all, send };

enum class Algorithm {
  ring,                ///< one ring per place in the domain, each leaving through its own NIC
  tree,                ///< one binary tree, up and down pipelined
  double_binary_tree,  ///< two trees of half the data; who forwards in one is a leaf of the other
  halving_doubling,    ///< recursive halving, then doubling (Rabenseifner)
  hierarchical,        ///< rings inside the domains, rings across them
  hierarchical_tree,   ///< rings inside the domains, double binary trees across them
  tree_of_chains,      ///< chains inside the domains whose heads are in two trees across them, all pipelined: NCCL's tree
  in_network,          ///< the switches reduce and multicast: inside one domain (NVLS), else across (SHARP)
  torus_rings,         ///< on a torus, a box of ranks: rings both ways round in all dimensions at once
  pairwise,            ///< every pair exchanges directly
  direct               ///< one message
};

struct CollectiveSpec {
  Collective collective = Collective::all_reduce;
  Algorithm algorithm = Algorithm::ring;
  std::vector<Rank> ranks;
  DataSize size;
  /// All-to-all: what the most popular rank receives over the mean (its traffic binds). At least 1.
  double imbalance = 1;
  /// All-to-all(v): what the i-th rank sends to the j-th, row by row, in place of size and imbalance.
  std::vector<DataSize> pair_bytes = {};
  /// All-to-all, pairwise: every message is a flow of its own and ends when it does, instead of all together.
  bool every_message = false;
};

/// What flows at once in one piece: one flow of the engine.
struct Transfer {
  std::vector<engine::LinkUse> uses;  ///< a multiset
  DataSize bytes;                     ///< per unit of weight
  Time latency;
};

/// Phases follow each other; the transfers of one run side by side.
struct CollectivePlan {
  std::vector<std::vector<Transfer>> phases;
};

/// The algorithms that a collective has. Hierarchical ones and those in the network need `spans_domains`
/// or not as their definition says; the plan refuses what does not fit.
std::span<const Algorithm> algorithms_of(Collective collective);

/// The flows of a collective on a topology as it is now, around failed links.
/// \throws InputError when a rank stands twice or is beyond the fabric, when the algorithm is not one of
///         the collective or does not fit the group; InfeasibleError when there is no way
CollectivePlan plan_of(const Topology& topology, const CollectiveSpec& spec);

/// How a group lies in the domains.
struct GroupShape {
  std::uint32_t n_ranks = 0, n_domains = 0;
  std::uint32_t per_domain = 0;  ///< 0 when domains hold different numbers
  bool spans_domains() const { return n_domains > 1; }
  friend bool operator==(const GroupShape&, const GroupShape&) = default;
};
GroupShape shape_of(const Topology& topology, std::span<const Rank> ranks);

/// Time of a plan when nobody else sends: per phase latency and the most loaded link.
Time idle_time(const Topology& topology, const CollectivePlan& plan);

}  // namespace waferwatt::network

namespace waferwatt::io {
template <>
struct EnumTexts<network::Collective> {
  static constexpr std::array values{std::pair{network::Collective::all_reduce, "all-reduce"},
                                     std::pair{network::Collective::all_gather, "all-gather"},
                                     std::pair{network::Collective::reduce_scatter, "reduce-scatter"},
                                     std::pair{network::Collective::broadcast, "broadcast"},
                                     std::pair{network::Collective::all_to_all, "all-to-all"},
                                     std::pair{network::Collective::send, "send"}};
};
template <>
struct EnumTexts<network::Algorithm> {
  static constexpr std::array values{std::pair{network::Algorithm::ring, "ring"},
                                     std::pair{network::Algorithm::tree, "tree"},
                                     std::pair{network::Algorithm::double_binary_tree, "double-binary-tree"},
                                     std::pair{network::Algorithm::halving_doubling, "halving-doubling"},
                                     std::pair{network::Algorithm::hierarchical, "hierarchical"},
                                     std::pair{network::Algorithm::hierarchical_tree, "hierarchical-tree"},
                                     std::pair{network::Algorithm::tree_of_chains, "tree-of-chains"},
                                     std::pair{network::Algorithm::in_network, "in-network"},
                                     std::pair{network::Algorithm::torus_rings, "torus-rings"},
                                     std::pair{network::Algorithm::pairwise, "pairwise"},
                                     std::pair{network::Algorithm::direct, "direct"}};
};
}  // namespace waferwatt::io
