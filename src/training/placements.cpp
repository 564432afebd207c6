// SPDX-License-Identifier: Apache-2.0
#include "placements.hpp"

#include <algorithm>

#include "layer_cost.hpp"

namespace waferwatt::training {
namespace {

/// What a step's time depends on of a placement.
struct Shapes {
  LayerGroups layers;
  network::Group replicas, expert_copies;
  network::Group between, between_experts;  ///< a rank of each partition group that fills a domain
  bool sends_cross;

  Shapes(const Parallelism& p, const network::TwoLevelNetwork& network)
      : layers(p, network), sends_cross(network.group(p.layout(network::GroupKind::pipeline_stages)).spans_domains()) {
    const auto dense = p.layout(network::GroupKind::data), experts = p.layout(network::GroupKind::expert_data);
    replicas = network.group(dense), expert_copies = network.group(experts);
    between = network.group(dense.parted(replicas.per_domain).second);
    between_experts = network.group(experts.parted(std::min(replicas.per_domain, std::max<std::int64_t>(1, experts.n_ranks()))).second);
  }
  friend bool operator==(const Shapes&, const Shapes&) = default;
};

}  // namespace

std::vector<Parallelism> placed(Parallelism degrees, const network::TwoLevelNetwork& network, const SearchSpace& space) {
  if (space.placements.empty()) return {degrees};
  std::vector<Parallelism> found;
  std::vector<Shapes> seen;
  for (const auto& placement : space.placements) {
    degrees.placement = placement;
    const Shapes shapes(degrees, network);
    if (std::ranges::find(seen, shapes) != seen.end()) continue;
    seen.push_back(shapes);
    found.push_back(degrees);
  }
  return found;
}

}  // namespace waferwatt::training
