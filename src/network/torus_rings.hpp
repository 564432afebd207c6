// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>

#include "waferwatt/network/collective.hpp"

namespace waferwatt::network {

/// Ranks that fill a box of a torus.
struct Box {
  struct Side {
    std::uint32_t dimension, first, count;
    bool closed;  ///< all the way round
  };
  std::vector<Side> sides;  ///< those longer than one
};

/// Nothing when the topology is no torus or the ranks fill no box.
std::optional<Box> box_of(const Topology& torus, std::span<const Rank> ranks);

/// All-reduce, all-gather, reduce-scatter over a box of D dimensions. The data is cut in D parts; the k-th is
/// scattered along dimension k, k+1, ... in turn, so that at each step all dimensions are in use, and half of
/// each part goes either way round. On sides n_1 .. n_D of a closed box with S bytes and links of bandwidth b
/// and latency a, the step in which a part is in dimension d after dimensions p takes
///
///   (n_d - 1) a + S/D (n_d - 1)/n_d / (2 b prod n_p)
///
/// and D of them follow each other, twice for an all-reduce. A side that is not closed has no second way: the
/// links at its ends carry everything, twice as much.
/// \pre box_of(topology, spec.ranks)
CollectivePlan torus_rings(const Topology& topology, const CollectiveSpec& spec);

}  // namespace waferwatt::network
