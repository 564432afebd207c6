// SPDX-License-Identifier: Apache-2.0
#include "torus_rings.hpp"

#include <algorithm>

#include "transfer_builder.hpp"

namespace waferwatt::network {
namespace {

std::uint32_t stride_of(const Topology& torus, std::uint32_t dimension) {
  std::uint32_t stride = 1;
  for (std::uint32_t d = 0; d < dimension; ++d) stride *= torus.torus_sizes()[d];
  return stride;
}

std::uint32_t coordinate(const Topology& torus, Rank rank, std::uint32_t dimension) {
  return rank / stride_of(torus, dimension) % torus.torus_sizes()[dimension];
}

/// One part on its way along one side, both ways, on all lines of the box.
Transfer along(const Topology& torus, const CollectiveSpec& spec, const Box::Side& side, DataSize part) {
  TransferBuilder builder(torus);
  const std::uint32_t stride = stride_of(torus, side.dimension), size = torus.torus_sizes()[side.dimension];
  const double n = side.count;
  Time hop;
  for (const Rank rank : spec.ranks) {
    const std::uint32_t at = coordinate(torus, rank, side.dimension), place = at - side.first;
    if (!side.closed && place + 1 == side.count) continue;
    const Rank next = at + 1 == size ? rank - at * stride : rank + stride;
    // Closed: half of every other rank's piece each way. Else what lies on one side goes to the other.
    hop = std::max(hop, builder.add(rank, next, side.closed ? (n - 1) / 2 : place + 1.0));
    builder.add(next, rank, side.closed ? (n - 1) / 2 : n - 1 - place);
  }
  return builder.transfer(part / n, (n - 1) * hop);
}

}  // namespace

std::optional<Box> box_of(const Topology& torus, std::span<const Rank> ranks) {
  const auto& sizes = torus.torus_sizes();
  if (sizes.empty() || ranks.empty()) return std::nullopt;
  Box box;
  std::uint64_t volume = 1;
  for (std::uint32_t d = 0; d < sizes.size(); ++d) {
    std::uint32_t least = sizes[d], most = 0;
    for (const Rank rank : ranks) {
      least = std::min(least, coordinate(torus, rank, d));
      most = std::max(most, coordinate(torus, rank, d));
    }
    volume *= most - least + 1;
    // A ring of two would go over the same pair of links both ways.
    if (most > least) box.sides.push_back({d, least, most - least + 1, torus.wraps_around() && most - least + 1 == sizes[d] && sizes[d] > 2});
  }
  if (volume != ranks.size()) return std::nullopt;  // ranks are distinct
  return box;
}

CollectivePlan torus_rings(const Topology& topology, const CollectiveSpec& spec) {
  const Box box = *box_of(topology, spec.ranks);
  const std::size_t n = box.sides.size();
  std::vector<std::vector<Transfer>> steps;  // of a reduce-scatter
  for (std::size_t step = 0; step < n; ++step) {
    auto& phase = steps.emplace_back();
    for (std::size_t k = 0; k < n; ++k) {
      DataSize part = spec.size / static_cast<double>(n);
      for (std::size_t before = 0; before < step; ++before) part = part / static_cast<double>(box.sides[(k + before) % n].count);
      phase.push_back(along(topology, spec, box.sides[(k + step) % n], part));
    }
  }
  CollectivePlan plan;
  if (spec.collective != Collective::all_gather) plan.phases = steps;
  if (spec.collective != Collective::reduce_scatter) plan.phases.insert(plan.phases.end(), steps.rbegin(), steps.rend());
  return plan;
}

}  // namespace waferwatt::network
