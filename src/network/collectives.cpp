// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/collectives.hpp"

#include <algorithm>
#include <bit>

namespace waferwatt::network {
namespace {

/// For accelerators whose fabrics are not in the catalog: what large NCCL messages reach on NVLink 4, and
/// usual figures of 400 Gbit/s InfiniBand.
constexpr Time kScaleUpLatency = 1 * micro * second, kScaleOutLatency = 4 * micro * second;
constexpr double kScaleUpEfficiency = 0.75, kScaleOutEfficiency = 0.85;

const catalog::Fabric* scale_up_fabric(const catalog::System* system, const catalog::Catalog& catalog) {
  return system && system->fabric ? catalog.fabrics.find(*system->fabric) : nullptr;
}

LinkSpec link_of(const catalog::Fabric& fabric) {
  return {fabric.bandwidth.value, fabric.latency.value, fabric.efficiency.value};
}

std::int64_t divided(std::int64_t n, std::int64_t by) { return (n + by - 1) / by; }

}  // namespace

Time send_time(const LinkSpec& link, DataSize size) { return link.latency + size / link.effective_bandwidth(); }

Time ring_all_gather_time(const LinkSpec& link, std::int64_t n_ranks, DataSize gathered) {
  if (n_ranks <= 1) return {};
  const double n = static_cast<double>(n_ranks);
  return (n - 1) * (link.latency + gathered / n / link.effective_bandwidth());
}

Time ring_all_reduce_time(const LinkSpec& link, std::int64_t n_ranks, DataSize size) {
  return 2 * ring_all_gather_time(link, n_ranks, size);
}

Time tree_all_reduce_time(const LinkSpec& link, std::int64_t n_ranks, DataSize size) {
  if (n_ranks <= 1) return {};
  const double depth = static_cast<double>(std::bit_width(static_cast<std::uint64_t>(n_ranks - 1)));
  return 2 * depth * link.latency + 2 * (size / link.effective_bandwidth());
}

TwoLevelNetwork::TwoLevelNetwork(LinkSpec scale_up, std::int64_t domain_size, LinkSpec scale_out, Time launch)
    : scale_up_(scale_up),
      scale_out_(scale_out),
      domain_size_(std::max<std::int64_t>(domain_size, 1)),
      launch_(launch) {}

Group TwoLevelNetwork::group(std::int64_t n_ranks, std::int64_t stride) const {
  return {n_ranks, std::clamp<std::int64_t>(domain_size_ / std::max<std::int64_t>(stride, 1), 1,
                                            std::max<std::int64_t>(n_ranks, 1))};
}

std::optional<Time> TwoLevelNetwork::measured(const char* operation, Group group, DataSize size) const {
  if (!calibration_ || group.spans_domains()) return std::nullopt;
  return calibration_->time(operation, "nccl", group.n_ranks, 1, size.in(byte));
}

Time TwoLevelNetwork::all_reduce_time(Group group, DataSize size) const {
  if (group.n_ranks <= 1) return {};
  if (const auto time = measured("all-reduce", group, size)) return *time;
  if (!group.spans_domains())
    return launch_ + std::min(ring_all_reduce_time(scale_up_, group.n_ranks, size),
                              tree_all_reduce_time(scale_up_, group.n_ranks, size));
  const std::int64_t n_domains = divided(group.n_ranks, group.per_domain);
  const DataSize slice = size / static_cast<double>(group.per_domain);
  const Time across =
      std::min(ring_all_reduce_time(scale_out_, n_domains, slice), tree_all_reduce_time(scale_out_, n_domains, slice));
  return launch_ + 2 * ring_all_gather_time(scale_up_, group.per_domain, size) + across;
}

Time TwoLevelNetwork::all_gather_time(Group group, DataSize gathered) const {
  if (group.n_ranks <= 1) return {};
  if (const auto time = measured("all-gather", group, gathered)) return *time;
  if (!group.spans_domains()) return launch_ + ring_all_gather_time(scale_up_, group.n_ranks, gathered);
  const std::int64_t n_domains = divided(group.n_ranks, group.per_domain);
  const DataSize slice = gathered / static_cast<double>(group.per_domain);
  return launch_ + ring_all_gather_time(scale_out_, n_domains, slice) +
         ring_all_gather_time(scale_up_, group.per_domain, gathered);
}

Time TwoLevelNetwork::reduce_scatter_time(Group group, DataSize size) const {
  if (group.n_ranks <= 1) return {};
  if (const auto time = measured("reduce-scatter", group, size)) return *time;
  return all_gather_time(group, size);
}

Time TwoLevelNetwork::all_to_all_time(Group group, DataSize size) const {
  if (group.n_ranks <= 1) return {};
  if (const auto time = measured("all-to-all", group, size)) return *time;
  const DataSize piece = size / static_cast<double>(group.n_ranks);
  const Time inside = static_cast<double>(group.per_domain - 1) * piece / scale_up_.effective_bandwidth();
  if (!group.spans_domains()) return launch_ + scale_up_.latency + inside;
  const Time across = static_cast<double>(group.n_ranks - group.per_domain) * piece / scale_out_.effective_bandwidth();
  return launch_ + scale_out_.latency + std::max(inside, across);
}

Time TwoLevelNetwork::send_time(bool across_domains, DataSize size) const {
  return launch_ + network::send_time(across_domains ? scale_out_ : scale_up_, size);
}

std::int64_t scale_up_domain(const catalog::Accelerator& accelerator, const catalog::System* system,
                             const catalog::Catalog& catalog) {
  if (const auto* fabric = scale_up_fabric(system, catalog); fabric && fabric->domain_size)
    return fabric->domain_size->value;
  if (accelerator.scale_up_domain) return accelerator.scale_up_domain->value;
  return system ? system->n_accelerators.value : 1;
}

std::optional<TwoLevelNetwork> network_of(const catalog::Accelerator& accelerator, const catalog::System* system,
                                          const catalog::Fabric* scale_out, std::int64_t n_accelerators,
                                          const catalog::Catalog& catalog) {
  std::optional<LinkSpec> bottom, top;
  if (const auto* fabric = scale_up_fabric(system, catalog))
    bottom = link_of(*fabric);
  else if (accelerator.scale_up_bandwidth)  // vendors quote both directions summed
    bottom = {accelerator.scale_up_bandwidth->value / 2, kScaleUpLatency, kScaleUpEfficiency};
  const std::int64_t domain = bottom ? scale_up_domain(accelerator, system, catalog) : 1;

  if (scale_out)
    top = link_of(*scale_out);
  else if (accelerator.nic_bandwidth)
    top = {accelerator.nic_bandwidth->value, kScaleOutLatency, kScaleOutEfficiency};
  else if (n_accelerators <= domain)
    top = bottom;             // never used
  if (!bottom) bottom = top;  // never used: a domain of one
  if (n_accelerators > 1 && !top) return std::nullopt;
  if (!top)
    return TwoLevelNetwork({1 * byte / second, {}, 1}, 1, {1 * byte / second, {}, 1});  // one accelerator sends nothing
  return TwoLevelNetwork(*bottom, domain, *top);
}

}  // namespace waferwatt::network
