// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "waferwatt/network/evaluation.hpp"

namespace waferwatt::network {

/// Fabrics of round numbers: 100 GB/s and 1 us inside, 10 GB/s and 4 us across, 1 us for each more switch.
struct TestFabrics {
  catalog::Fabric up, out;
  TestFabrics() {
    up.kind = catalog::FabricKind::nvlink_switch;
    up.bandwidth.value = 100 * giga * byte / second;
    up.latency.value = 1 * micro * second;
    up.efficiency.value = 1;
    up.domain_size.emplace().value = 8;
    out.kind = catalog::FabricKind::infiniband;
    out.bandwidth.value = 10 * giga * byte / second;
    out.latency.value = 4 * micro * second;
    out.efficiency.value = 1;
  }
  FabricParts parts() const { return {&up, &out}; }
  FabricParts only_up() const { return {&up, nullptr}; }
  FabricParts only_out() const { return {nullptr, &out}; }
};

inline FabricDesign fat_tree(std::int64_t n, std::int64_t radix = 64) {
  FabricDesign design;
  design.n_accelerators = n;
  design.radix = radix;
  design.hop_latency = 1 * micro * second;
  return design;
}

inline std::string names(const Topology& topology, Rank from, Rank to) {
  std::string text;
  for (const LinkIndex link : topology.route(from, to)) text += (text.empty() ? "" : ", ") + topology.link_name(link);
  return text;
}

}  // namespace waferwatt::network
