// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/fabric_design.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/network/topologies.hpp"

namespace waferwatt::network {
namespace {

constexpr std::int64_t kManyRanks = 1'000'000;

Port port_of(const catalog::Fabric& fabric) {
  return {fabric.bandwidth.value * fabric.efficiency.value, fabric.latency.value};
}

[[noreturn]] void refuse(const char* member, std::string message) {
  throw InputError(fmt::format("{}: {}", member, message));
}

std::uint32_t narrow(std::int64_t n) { return static_cast<std::uint32_t>(n); }

std::unique_ptr<Topology> torus(const FabricDesign& design, const FabricParts& parts) {
  if (!parts.scale_up) refuse("torus", "a torus needs \"scale_up\", the fabric of its links");
  std::int64_t product = 1;
  std::vector<std::uint32_t> sizes;
  for (const std::int64_t size : design.torus) {
    product *= size;
    if (product > kManyRanks) refuse("torus", fmt::format("more than {} accelerators", kManyRanks));
    sizes.push_back(narrow(size));
  }
  if (design.n_accelerators != 0 && product != design.n_accelerators)
    refuse("torus", fmt::format("{} has {} accelerators, n_accelerators says {}", fmt::join(design.torus, " x "), product,
                                design.n_accelerators));
  Port port = port_of(*parts.scale_up);
  port.capacity = port.capacity / (2.0 * static_cast<double>(sizes.size()));  // one accelerator's six links, or four
  return make_torus(std::move(sizes), design.wraparound, port);
}

std::unique_ptr<Topology> from_cables(const FabricDesign& design, const FabricParts& parts) {
  std::vector<NamedCable> cables;
  for (const auto& cable : design.cables) cables.push_back({cable.from, cable.to, cable.bandwidth, cable.latency});
  return make_from_cables(narrow(design.n_accelerators), domain_size(design, parts), cables);
}

/// Splits the ports of a leaf by its oversubscription: d down and radix - d up with d / up = oversubscription.
std::uint32_t down_ports(const FabricDesign& design) {
  const double radix = static_cast<double>(design.radix), down = radix * design.oversubscription / (1 + design.oversubscription);
  return std::max(1u, static_cast<std::uint32_t>(std::floor(down + 1e-9)));
}

void choose_levels(const FabricDesign& design, std::uint32_t per_site, std::uint32_t rails, ScaleOutSpec& spec) {
  const std::uint32_t radix = narrow(design.radix);
  if (design.topology == ScaleOutKind::dragonfly_plus) {
    if (design.sites) refuse("sites", "sites join fat trees; a dragonfly+ stands alone");
    if (design.levels) refuse("levels", "a dragonfly+ has no levels; give accelerators_per_group");
    const std::int64_t unit = std::int64_t{spec.ranks_per_leaf} * rails;
    const std::int64_t size = design.accelerators_per_group.value_or(unit * std::max(1u, radix / 2 / rails));
    if (size % unit != 0)
      refuse("accelerators_per_group", fmt::format("{} is no multiple of {}, the accelerators of {}", size, unit, rails == 1 ? "a leaf" : fmt::format("{} leaves", rails)));
    spec.leaves_per_pod = narrow(size / spec.ranks_per_leaf);
    spec.pods_joined_directly = true;
    return;
  }
  const auto leaves = [&] { return (per_site + spec.ranks_per_leaf * rails - 1) / (spec.ranks_per_leaf * rails) * rails; };
  if (design.levels.value_or(1) == 1 && rails == 1 && per_site <= radix && !design.sites) {
    spec.ranks_per_leaf = radix;  // one switch, no uplinks
    return;
  }
  if (design.levels == 1)
    refuse("levels", fmt::format("one switch of {} ports does not hold {} accelerators", radix, per_site));
  if (design.levels.value_or(2) == 2 && leaves() <= radix) return;
  if (design.levels == 2)
    refuse("levels", fmt::format("{} leaves need spines of as many ports, which have {}; two levels hold {} accelerators",
                                 leaves(), radix, radix / rails * rails * spec.ranks_per_leaf));
  spec.leaves_per_pod = std::max(rails, radix / 2 / rails * rails);
  const std::uint32_t n_pods = (leaves() + spec.leaves_per_pod - 1) / spec.leaves_per_pod;
  if (n_pods > radix)
    refuse("n_accelerators", fmt::format("{} accelerators need {} pods; three levels of {}-port switches join {}", per_site,
                                         n_pods, radix, radix));
}

ScaleOutSpec scale_out_of(const FabricDesign& design, const FabricParts& parts, std::uint32_t domain) {
  ScaleOutSpec spec;
  spec.port = port_of(*parts.scale_out);
  spec.rail_optimised = design.rail_optimised && domain > 1;
  spec.oversubscription = design.oversubscription;
  spec.hop_latency = design.hop_latency;
  spec.ranks_per_leaf = down_ports(design);
  if (!spec.rail_optimised && design.rail_optimised == false && spec.ranks_per_leaf > domain)
    spec.ranks_per_leaf -= spec.ranks_per_leaf % domain;  // a host's NICs share a leaf
  std::int64_t per_site = design.n_accelerators;
  if (design.sites) {
    const std::int64_t n = design.sites->n_sites;
    if (per_site % (n * domain) != 0)
      refuse("sites", fmt::format("{} accelerators do not make {} equal sites of whole domains of {}", per_site, n, domain));
    per_site /= n;
    spec.n_sites = narrow(n);
    spec.site_bandwidth = design.sites->bandwidth;
    spec.site_latency = design.sites->latency;
  }
  choose_levels(design, narrow(per_site), spec.rail_optimised ? domain : 1, spec);
  return spec;
}

const catalog::Accelerator* measured_with(const catalog::Fabric& fabric, const catalog::Catalog& catalog) {
  for (const auto& [id, calibration] : catalog.collectives.all()) {
    const catalog::System* const system = catalog.system_of(calibration.accelerator);
    if (system && system->fabric == fabric.id) return catalog.accelerators.find(calibration.accelerator);
  }
  return nullptr;
}

}  // namespace

FabricParts resolve(const FabricDesign& design, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  FabricParts parts;
  if (design.scale_up) parts.scale_up = design.scale_up->resolve(catalog.fabrics, diagnostics);
  if (design.scale_out) parts.scale_out = design.scale_out->resolve(catalog.fabrics, diagnostics);
  const catalog::Accelerator* const accelerator =
      design.accelerator ? design.accelerator->resolve(catalog.accelerators, diagnostics) : parts.scale_up ? measured_with(*parts.scale_up, catalog) : nullptr;
  if (accelerator && parts.scale_up)
    parts.measured = MeasuredCollectives::of(*accelerator, catalog.system_of(accelerator->id), parts.scale_up->bandwidth.value, catalog);
  return parts;
}

std::uint32_t domain_size(const FabricDesign& design, const FabricParts& parts) {
  if (!design.torus.empty()) return 1;
  if (design.domain_size) return narrow(*design.domain_size);
  if (!parts.scale_up) return 1;
  if (parts.scale_up->domain_size) return narrow(parts.scale_up->domain_size->value);
  return 8;  // a PCIe host
}

std::unique_ptr<Topology> make_topology(const FabricDesign& design, const FabricParts& parts) {
  if (!design.torus.empty()) return torus(design, parts);
  if (design.n_accelerators < 1) refuse("n_accelerators", "a fabric needs a number of accelerators, or a torus");
  if (!design.cables.empty()) return from_cables(design, parts);
  if (!parts.scale_up && !parts.scale_out)
    refuse("n_accelerators", "a fabric needs scale_up, scale_out, torus or cables: nothing joins the accelerators");
  const std::uint32_t domain = domain_size(design, parts), n = narrow(design.n_accelerators);
  std::optional<ScaleUpSpec> scale_up;
  if (parts.scale_up) {
    scale_up = ScaleUpSpec{.domain_size = domain, .port = port_of(*parts.scale_up)};
    if (parts.scale_up->kind == catalog::FabricKind::pcie) scale_up->per_pcie_switch = std::max(1u, domain / 2);
  }
  if (!parts.scale_out) {
    if (n > domain)
      refuse("n_accelerators", fmt::format("{} accelerators are more than one domain of {}, and there is no scale_out", n, domain));
    return make_cluster(n, scale_up, std::nullopt);
  }
  return make_cluster(n, scale_up, scale_out_of(design, parts, domain));
}

const io::Record<CableDesign>& CableDesign::record() {
  using C = CableDesign;
  static const auto record =
      io::Record<C>("cable", "A cable between two ends, the same in both directions.")
          .required("from", &C::from, {.doc = "One end: \"gpu 3\", \"switch 0\"."})
          .required("to", &C::to, {.doc = "The other end."})
          .required("bandwidth", &C::bandwidth, {.doc = "What large messages reach, one direction.", .above = 0 * byte / second, .at_most = 1000 * tera * byte / second})
          .optional("latency", &C::latency, {.doc = "Of one message.", .at_least = 0 * second, .at_most = second});
  return record;
}

const io::Record<SitesDesign>& SitesDesign::record() {
  using S = SitesDesign;
  static const auto record =
      io::Record<S>("sites", "Several datacenters with an equal share of the accelerators each.")
          .required("n_sites", &S::n_sites, {.doc = "Number of datacenters.", .at_least = 2, .at_most = 64})
          .required("bandwidth", &S::bandwidth, {.doc = "Between each two sites, one direction.", .above = 0 * byte / second, .at_most = 1000 * tera * byte / second})
          .required("latency", &S::latency, {.doc = "Between each two sites, one way.", .at_least = 0 * second, .at_most = second});
  return record;
}

const io::Record<FabricDesign>& FabricDesign::record() {
  using D = FabricDesign;
  static const auto record =
      io::Record<D>("fabric_design", "How accelerators are joined.")
          .optional("n_accelerators", &D::n_accelerators, {.doc = "Accelerators; of a torus, the product of its sizes.", .at_least = 1, .at_most = kManyRanks})
          .optional("accelerator", &D::accelerator, {.doc = "Whose measured collectives count in a domain; absent: a measured one with this scale_up."})
          .optional("scale_up", &D::scale_up, {.doc = "Fabric inside a domain, or of a torus's links."})
          .optional("domain_size", &D::domain_size, {.doc = "Accelerators of a domain; absent: the scale-up fabric's.", .at_least = 1, .at_most = 100'000})
          .optional("scale_out", &D::scale_out, {.doc = "Fabric of the NICs, one for each accelerator."})
          .optional("topology", &D::topology, {.doc = "How the switches of scale_out are joined."})
          .optional("rail_optimised", &D::rail_optimised, {.doc = "Accelerators of the same place in their domain share a leaf; else those of a domain do."})
          .optional("radix", &D::radix, {.doc = "Ports of a switch.", .at_least = 2, .at_most = 1024})
          .optional("levels", &D::levels, {.doc = "Levels of switches in a fat tree; absent: as few as hold the accelerators.", .at_least = 1, .at_most = 3})
          .optional("oversubscription", &D::oversubscription, {.doc = "Bandwidth of a leaf's accelerators over that of its uplinks.", .at_least = 1.0, .at_most = 64.0})
          .optional("accelerators_per_group", &D::accelerators_per_group, {.doc = "Of a dragonfly+.", .at_least = 1, .at_most = kManyRanks})
          .optional("hop_latency", &D::hop_latency, {.doc = "Of each switch beyond the first.", .at_least = 0 * second, .at_most = second})
          .optional("torus", &D::torus, {.doc = "Sizes of a torus's dimensions.", .at_least = 1, .at_most = kManyRanks})
          .optional("wraparound", &D::wraparound, {.doc = "A torus; else a mesh."})
          .optional("sites", &D::sites, {.doc = "Several datacenters, joined all to all."})
          .optional("cables", &D::cables, {.doc = "The whole fabric, written out; routes are the shortest."});
  return record;
}

}  // namespace waferwatt::network
