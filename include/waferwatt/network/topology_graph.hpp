// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a topology is worth as a graph (Boost.Graph): pieces, distances, cuts, parts, a drawing.
#include <map>
#include <string>

#include "waferwatt/network/topology.hpp"

namespace waferwatt::network {

/// Failed links, and links without capacity, are not there.
struct GraphMeasures {
  std::uint32_t n_pieces = 0;        ///< sets of ranks that cannot reach each other
  std::uint32_t diameter_links = 0;  ///< longest of the shortest ways between ranks; of one piece
  Bandwidth bisection;               ///< least capacity from the lower half of the ranks to the upper half
};

GraphMeasures graph_measures(const Topology& topology);

/// Least capacity that cuts one set of ranks off from another (max-flow by push-relabel).
Bandwidth cut(const Topology& topology, std::span<const Rank> from, std::span<const Rank> to);

/// Switches and cables by kind: {"leaf": 16, "gpu -> leaf": 512, ...}; a trunk counts once.
std::map<std::string, std::uint32_t> parts(const Topology& topology);

/// A drawing in Graphviz's DOT language: one edge for both directions, trunks labelled with their capacity.
std::string drawing(const Topology& topology);

}  // namespace waferwatt::network
