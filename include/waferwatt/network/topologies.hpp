// SPDX-License-Identifier: Apache-2.0
#pragma once
// The kinds of topologies. A fabric design (fabric_design.hpp) chooses among them.
#include <optional>

#include "waferwatt/network/topology.hpp"

namespace waferwatt::network {

/// One accelerator's port, one direction.
struct Port {
  Bandwidth capacity;  ///< what large messages reach
  Time latency;        ///< between two accelerators through one switch
};

struct ScaleUpSpec {
  std::uint32_t domain_size = 1;
  Port port;
  /// PCIe: accelerators hang on switches of this many, the switches on one root per socket.
  std::optional<std::uint32_t> per_pcie_switch;
};

/// The network of NICs: leaves, then pods of leaves (fat tree) or groups of leaves joined all to all
/// (dragonfly+), then sites joined all to all.
struct ScaleOutSpec {
  Port port;
  bool rail_optimised = true;       ///< leaf by place in the domain
  std::uint32_t ranks_per_leaf = 32;
  std::uint32_t leaves_per_pod = 0;  ///< 0: no level above the spine
  bool pods_joined_directly = false;  ///< dragonfly+
  double oversubscription = 1;
  Time hop_latency;
  std::uint32_t n_sites = 1;
  Bandwidth site_bandwidth;
  Time site_latency;
};

/// Domains of accelerators (NVLink, PCIe) with a NIC each. Either network may be absent.
std::unique_ptr<Topology> make_cluster(std::uint32_t n_ranks, const std::optional<ScaleUpSpec>& scale_up,
                                       const std::optional<ScaleOutSpec>& scale_out);

/// A torus: neighbours in each dimension, routes dimension by dimension the shorter way, the upward one of
/// two equal ones, the other way where a link has failed.
/// \param port of one neighbour: a chip has one up and one down in each dimension
std::unique_ptr<Topology> make_torus(std::vector<std::uint32_t> sizes, bool wraparound, const Port& port);

/// A fabric written out, with shortest routes (least latency, then fewest links, then lowest link).
struct NamedCable {
  std::string from, to;
  Bandwidth capacity;
  Time latency;
};
/// Vertices "gpu 0" to "gpu n-1" are the ranks. \throws InputError for a cable that ends nowhere
std::unique_ptr<Topology> make_from_cables(std::uint32_t n_ranks, std::uint32_t domain_size,
                                           const std::vector<NamedCable>& cables);

}  // namespace waferwatt::network
