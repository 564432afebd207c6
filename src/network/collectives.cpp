// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/collectives.hpp"

#include <algorithm>
#include <bit>

#include "waferwatt/network/placement.hpp"

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
  stride = std::max<std::int64_t>(stride, 1);
  const std::int64_t per_domain = std::clamp<std::int64_t>(domain_size_ / stride, 1, std::max<std::int64_t>(n_ranks, 1));
  return {n_ranks, per_domain, accelerators_per_adapter_ > 1 && per_domain > 1 && stride >= accelerators_per_adapter_};
}

Group TwoLevelNetwork::group(const Layout& layout) const {
  Group found{layout.n_ranks()};
  for (const Span& span : layout.spans()) {
    const Group part = group(span.n_ranks, span.stride);
    // Ranks of an outer span are further apart than those of the inner ones.
    if (found.per_domain == 1) found.adapters_apart = part.adapters_apart;
    found.per_domain *= part.per_domain;
  }
  found.per_domain = std::min(found.per_domain, layout.n_ranks());
  return found;
}

TwoLevelNetwork TwoLevelNetwork::with_scale_out(LinkSpec scale_out) const {
  TwoLevelNetwork other = *this;
  other.scale_out_ = scale_out;
  return other;
}

TwoLevelNetwork TwoLevelNetwork::with_shared_adapters(std::int64_t accelerators_per_adapter) const {
  TwoLevelNetwork other = *this;
  other.accelerators_per_adapter_ = std::max<std::int64_t>(accelerators_per_adapter, 1);
  return other;
}

LinkSpec TwoLevelNetwork::scale_out_of_ring(Group group) const {
  LinkSpec link = scale_out_;
  if (group.adapters_apart) link.bandwidth *= 0.5;
  return link;
}

Time TwoLevelNetwork::inside_formula(Inside operation, std::int64_t n_ranks, DataSize size) const {
  const double n = static_cast<double>(n_ranks);
  switch (operation) {
    case Inside::all_reduce:
      return std::min(ring_all_reduce_time(scale_up_, n_ranks, size), tree_all_reduce_time(scale_up_, n_ranks, size));
    case Inside::all_to_all:
      return scale_up_.latency + (n - 1) / n * size / scale_up_.effective_bandwidth();
    default:
      return ring_all_gather_time(scale_up_, n_ranks, size);
  }
}

// Launch included.
Time TwoLevelNetwork::inside_time(Inside operation, std::int64_t n_ranks, DataSize size, std::string_view library) const {
  static constexpr std::string_view kNames[] = {"all-reduce", "all-gather", "reduce-scatter", "all-to-all"};
  const std::string_view name = kNames[static_cast<std::size_t>(operation)];
  const Time formula = launch_ + inside_formula(operation, n_ranks, size);
  if (!measured_) return formula;
  if (measured_->most_ranks(name, library) == 0) library = "nccl";
  const std::int64_t most = measured_->most_ranks(name, library), n = std::min(n_ranks, most);
  const auto time = measured_->time(name, library, n, size);
  if (!time) return formula;
  return n == n_ranks ? *time : *time * (formula / (launch_ + inside_formula(operation, n, size)));
}

// What it adds to a larger collective, without a launch of its own.
Time TwoLevelNetwork::inside_part(Inside operation, std::int64_t n_ranks, DataSize size) const {
  if (n_ranks <= 1) return {};
  return std::max(inside_time(operation, n_ranks, size, "nccl") - launch_, static_cast<double>(n_ranks - 1) * scale_up_.latency);
}

Time TwoLevelNetwork::ring_through_domains(double passes, Group group, DataSize size) const {
  const double n = static_cast<double>(group.n_ranks), g = static_cast<double>(group.per_domain), m = n / g;
  const LinkSpec out = scale_out_of_ring(group);
  const Time around = m * (g * scale_up_.latency + out.latency);
  const Time moving = std::max(size / scale_up_.effective_bandwidth(), size / g / out.effective_bandwidth());
  return passes * (n - 1) / n * (around + moving);
}

Time TwoLevelNetwork::all_reduce_time(Group group, DataSize size, std::string_view library) const {
  if (group.n_ranks <= 1) return {};
  if (!group.spans_domains()) return inside_time(Inside::all_reduce, group.n_ranks, size, library);
  const std::int64_t g = group.per_domain, n_domains = divided(group.n_ranks, g);
  const DataSize slice = size / static_cast<double>(g);
  const LinkSpec out = scale_out_of_ring(group);
  const Time across = std::min(ring_all_reduce_time(out, n_domains, slice), tree_all_reduce_time(out, n_domains, slice));
  if (g == 1) return launch_ + across;
  const Time in_turn = inside_part(Inside::reduce_scatter, g, size) + across + inside_part(Inside::all_gather, g, size);
  const double others = static_cast<double>(g - 1), levels = static_cast<double>(std::bit_width(static_cast<std::uint64_t>(n_domains - 1)));
  const Time chains = 2 * (levels * out.latency + others * scale_up_.latency) +
                      2 * std::max(others * (slice / scale_up_.effective_bandwidth()), slice / out.effective_bandwidth());
  return launch_ + std::min({in_turn, ring_through_domains(2, group, size), chains});
}

Time TwoLevelNetwork::all_gather_time(Group group, DataSize gathered) const {
  if (group.n_ranks <= 1) return {};
  if (!group.spans_domains()) return inside_time(Inside::all_gather, group.n_ranks, gathered, "nccl");
  const std::int64_t g = group.per_domain, n_domains = divided(group.n_ranks, g);
  const Time across = ring_all_gather_time(scale_out_of_ring(group), n_domains, gathered / static_cast<double>(g));
  if (g == 1) return launch_ + across;
  return launch_ + std::min(across + inside_part(Inside::all_gather, g, gathered), ring_through_domains(1, group, gathered));
}

Time TwoLevelNetwork::reduce_scatter_time(Group group, DataSize size) const {
  if (group.n_ranks <= 1) return {};
  if (!group.spans_domains()) return inside_time(Inside::reduce_scatter, group.n_ranks, size, "nccl");
  return all_gather_time(group, size);
}

Time TwoLevelNetwork::all_to_all_time(Group group, DataSize size) const {
  if (group.n_ranks <= 1) return {};
  if (!group.spans_domains()) return inside_time(Inside::all_to_all, group.n_ranks, size, "nccl");
  const DataSize piece = size / static_cast<double>(group.n_ranks);
  const Time inside = static_cast<double>(group.per_domain - 1) * piece / scale_up_.effective_bandwidth();
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
  TwoLevelNetwork network(*bottom, domain, *top);
  if (domain > 1)
    if (auto measured = MeasuredCollectives::of(accelerator, system, bottom->bandwidth, catalog)) network.calibrate(std::move(*measured));
  return network;
}

}  // namespace waferwatt::network
