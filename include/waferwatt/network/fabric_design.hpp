// SPDX-License-Identifier: Apache-2.0
#pragma once
// A fabric in a few lines of JSON, and the topology that they mean.
#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/network/measured_collectives.hpp"
#include "waferwatt/network/topology.hpp"

namespace waferwatt::network {

enum class ScaleOutKind { fat_tree, dragonfly_plus };

/// A cable of a fabric that is written out link by link; both directions.
struct CableDesign {
  std::string from, to;  ///< "gpu 3", "switch 0"
  Bandwidth bandwidth;
  Time latency;

  static const io::Record<CableDesign>& record();
};

/// Several datacenters, each with the same fabric and an equal share of the accelerators.
struct SitesDesign {
  std::int64_t n_sites = 2;
  Bandwidth bandwidth;  ///< between each two sites, one direction
  Time latency;         ///< one way

  static const io::Record<SitesDesign>& record();
};

struct FabricDesign {
  std::int64_t n_accelerators = 0;
  std::optional<catalog::Reference<catalog::Accelerator>> accelerator;  ///< whose measured collectives count
  std::optional<catalog::Reference<catalog::Fabric>> scale_up;
  std::optional<std::int64_t> domain_size;  ///< absent: the scale-up fabric's
  std::optional<catalog::Reference<catalog::Fabric>> scale_out;
  ScaleOutKind topology = ScaleOutKind::fat_tree;
  bool rail_optimised = true;
  std::int64_t radix = 64;
  std::optional<std::int64_t> levels;  ///< of switches in a fat tree; absent: as few as hold the ranks
  double oversubscription = 1;         ///< down over up bandwidth of a leaf
  std::optional<std::int64_t> accelerators_per_group;  ///< of a dragonfly+
  Time hop_latency = 300 * nano * second;              ///< of each switch beyond the first
  std::vector<std::int64_t> torus;                     ///< sizes of the dimensions
  bool wraparound = true;
  std::optional<SitesDesign> sites;
  std::vector<CableDesign> cables;  ///< the whole fabric, written out

  static const io::Record<FabricDesign>& record();
};

/// What a design refers to.
struct FabricParts {
  const catalog::Fabric* scale_up = nullptr;
  const catalog::Fabric* scale_out = nullptr;
  std::optional<MeasuredCollectives> measured = {};  ///< inside a domain
};

/// Unknown ids are diagnostics where they were written. The measured collectives are those of the design's
/// accelerator, else of the first one of the catalog whose scale-up fabric it names and that was measured.
FabricParts resolve(const FabricDesign& design, const catalog::Catalog& catalog, Diagnostics& diagnostics);

/// \throws InputError naming the member, when the parts do not make a fabric: no way between ranks, more
///         ranks than ports, sizes that do not multiply to the ranks
std::unique_ptr<Topology> make_topology(const FabricDesign& design, const FabricParts& parts);

/// Accelerators that share the scale-up fabric.
std::uint32_t domain_size(const FabricDesign& design, const FabricParts& parts);

}  // namespace waferwatt::network

namespace waferwatt::io {
template <>
struct EnumTexts<network::ScaleOutKind> {
  static constexpr std::array values{std::pair{network::ScaleOutKind::fat_tree, "fat-tree"},
                                     std::pair{network::ScaleOutKind::dragonfly_plus, "dragonfly+"}};
};
}  // namespace waferwatt::io
