// SPDX-License-Identifier: Apache-2.0
// Domains of accelerators, each with a NIC, under leaves, pods and sites.
#include <algorithm>
#include <unordered_map>

#include "waferwatt/network/topologies.hpp"

namespace waferwatt::network {
namespace {

std::uint32_t divided_up(std::uint32_t n, std::uint32_t by) { return (n + by - 1) / by; }

class Cluster final : public Topology {
 public:
  Cluster(std::uint32_t n_ranks, const std::optional<ScaleUpSpec>& scale_up, const std::optional<ScaleOutSpec>& scale_out)
      : Topology(n_ranks, scale_up ? std::max(1u, scale_up->domain_size) : 1u), up_(scale_up), out_(scale_out) {
    if (up_ && domain_size() == 1) up_.reset();
    n_domains_ = divided_up(n_ranks, domain_size());
    add_vertices("gpu", n_ranks);
    reserve_links((up_ ? 2 : 0) * n_ranks + (out_ ? 3 : 0) * n_ranks);
    if (up_) up_->per_pcie_switch ? add_pcie() : add_switched_domains();
    if (out_) add_scale_out();
  }

  std::vector<LinkLoad> exchange_loads(std::span<const Rank> ranks, std::span<const double> popularity) const override;

 protected:
  bool find_route(Rank from, Rank to, std::vector<LinkIndex>& into) const override {
    const std::size_t before = into.size();
    if (up_ && domain_of(from) == domain_of(to)) {
      inside(from, to, into);
      if (alive(into, before)) return true;
      into.resize(before);
    }
    if (!out_) return false;
    outside(from, to, into);
    if (alive(into, before)) return true;
    into.resize(before);
    return up_ && through_neighbours(from, to, into);
  }

 private:
  // --- building ---

  void add_switched_domains() {
    const Vertex first = add_vertices("nvswitch", n_domains_);
    up_first_ = static_cast<LinkIndex>(links().size());
    for (Rank r = 0; r < n_ranks(); ++r) add_pair(r, first + domain_of(r), up_->port.capacity, up_->port.latency / 2);
  }

  void add_pcie() {
    const std::uint32_t per_switch = *up_->per_pcie_switch, n_switches = divided_up(domain_size(), per_switch);
    const Vertex switches = add_vertices("pcie switch", n_domains_ * n_switches);
    const Vertex roots = add_vertices("root", n_domains_ * n_switches);
    up_first_ = static_cast<LinkIndex>(links().size());
    for (Rank r = 0; r < n_ranks(); ++r)
      add_pair(r, switches + pcie_switch_of(r), up_->port.capacity, up_->port.latency / 2);
    roots_first_ = static_cast<LinkIndex>(links().size());
    for (std::uint32_t s = 0; s < n_domains_ * n_switches; ++s)
      add_pair(switches + s, roots + s, up_->port.capacity, up_->port.latency / 4);
    sockets_first_ = static_cast<LinkIndex>(links().size());
    for (std::uint32_t d = 0; d < n_domains_; ++d)
      for (std::uint32_t i = 0; i < n_switches; ++i)
        for (std::uint32_t j = 0; j < n_switches; ++j)
          if (i != j) add_link(roots + d * n_switches + i, roots + d * n_switches + j, up_->port.capacity, up_->port.latency / 4);
  }

  void add_scale_out() {
    per_site_ = divided_up(n_ranks(), out_->n_sites);
    const std::uint32_t rails = out_->rail_optimised ? domain_size() : 1;
    leaves_per_site_ = divided_up(per_site_, out_->ranks_per_leaf * rails) * rails;
    leaves_per_pod_ = out_->leaves_per_pod == 0 ? leaves_per_site_ : out_->leaves_per_pod;
    pods_per_site_ = divided_up(leaves_per_site_, leaves_per_pod_);
    const std::uint32_t n_leaves = leaves_per_site_ * out_->n_sites, n_pods = pods_per_site_ * out_->n_sites;
    const Vertex leaves = add_vertices("leaf", n_leaves);
    nic_first_ = static_cast<LinkIndex>(links().size());
    for (Rank r = 0; r < n_ranks(); ++r) add_pair(r, leaves + leaf_of(r), out_->port.capacity, out_->port.latency / 2);
    if (n_leaves == 1) return;

    const Bandwidth leaf_trunk = out_->ranks_per_leaf * out_->port.capacity / out_->oversubscription;
    const Vertex pods = add_vertices(out_->pods_joined_directly ? "group" : "spine", n_pods);
    leaf_first_ = static_cast<LinkIndex>(links().size());
    for (std::uint32_t l = 0; l < n_leaves; ++l) add_pair(leaves + l, pods + pod_of_leaf(l), leaf_trunk, out_->hop_latency / 2);
    if (n_pods == 1) return;

    pod_first_ = static_cast<LinkIndex>(links().size());
    const Bandwidth pod_trunk = std::min(leaves_per_pod_, leaves_per_site_) * leaf_trunk;
    if (out_->pods_joined_directly) {
      for (std::uint32_t p = 0; p < n_pods; ++p)
        for (std::uint32_t q = 0; q < n_pods; ++q)
          if (p != q) add_link(pods + p, pods + q, pod_trunk / (n_pods - 1), out_->hop_latency);
      return;
    }
    const Vertex cores = add_vertices("core", out_->n_sites);
    for (std::uint32_t p = 0; p < n_pods; ++p)
      add_pair(pods + p, cores + p / pods_per_site_, pod_trunk, out_->hop_latency / 2);
    site_first_ = static_cast<LinkIndex>(links().size());
    for (std::uint32_t s = 0; s < out_->n_sites; ++s)
      for (std::uint32_t t = 0; t < out_->n_sites; ++t)
        if (s != t) add_link(cores + s, cores + t, out_->site_bandwidth, out_->site_latency);
  }

  void add_pair(Vertex low, Vertex high, Bandwidth capacity, Time latency) {
    add_link(low, high, capacity, latency);
    add_link(high, low, capacity, latency);
  }

  // --- places ---

  std::uint32_t domain_of(Rank r) const { return r / domain_size(); }
  std::uint32_t site_of(Rank r) const { return r / per_site_; }
  std::uint32_t pcie_switch_of(Rank r) const {
    const std::uint32_t per_switch = *up_->per_pcie_switch;
    return domain_of(r) * divided_up(domain_size(), per_switch) + r % domain_size() / per_switch;
  }
  std::uint32_t leaf_of(Rank r) const {
    const std::uint32_t site = site_of(r), at = r - site * per_site_;
    if (!out_->rail_optimised) return site * leaves_per_site_ + at / out_->ranks_per_leaf;
    const std::uint32_t unit = at / domain_size() / out_->ranks_per_leaf;
    return site * leaves_per_site_ + unit * domain_size() + at % domain_size();
  }
  std::uint32_t pod_of_leaf(std::uint32_t leaf) const {
    return leaf / leaves_per_site_ * pods_per_site_ + leaf % leaves_per_site_ / leaves_per_pod_;
  }
  bool has_pods() const { return leaf_first_ != kNone; }

  // Upward links are even, downward links odd offsets from the first of their kind.
  LinkIndex up_link(LinkIndex first, std::uint32_t i) const { return first + 2 * i; }
  LinkIndex down_link(LinkIndex first, std::uint32_t i) const { return first + 2 * i + 1; }
  /// Index of (i, j), i != j, among the pairs of n.
  static std::uint32_t pair_index(std::uint32_t i, std::uint32_t j, std::uint32_t n) { return i * (n - 1) + (j < i ? j : j - 1); }

  // --- routes ---

  bool alive(const std::vector<LinkIndex>& links, std::size_t first) const {
    return !any_failed() || std::none_of(links.begin() + static_cast<std::ptrdiff_t>(first), links.end(), [&](LinkIndex l) { return failed(l); });
  }

  void inside(Rank from, Rank to, std::vector<LinkIndex>& into) const {
    into.push_back(up_link(up_first_, from));
    if (up_->per_pcie_switch) {
      const std::uint32_t a = pcie_switch_of(from), b = pcie_switch_of(to);
      if (a != b) {
        const std::uint32_t n = divided_up(domain_size(), *up_->per_pcie_switch), d = domain_of(from);
        into.insert(into.end(), {up_link(roots_first_, a),
                                 sockets_first_ + d * n * (n - 1) + pair_index(a - d * n, b - d * n, n),
                                 down_link(roots_first_, b)});
      }
    }
    into.push_back(down_link(up_first_, to));
  }

  void outside(Rank from, Rank to, std::vector<LinkIndex>& into) const {
    into.push_back(up_link(nic_first_, from));
    const std::uint32_t a = leaf_of(from), b = leaf_of(to);
    if (a != b) {
      into.push_back(up_link(leaf_first_, a));
      pod_to_pod(pod_of_leaf(a), pod_of_leaf(b), into);
      into.push_back(down_link(leaf_first_, b));
    }
    into.push_back(down_link(nic_first_, to));
  }

  void pod_to_pod(std::uint32_t p, std::uint32_t q, std::vector<LinkIndex>& into) const {
    if (p == q) return;
    if (out_->pods_joined_directly) return into.push_back(pod_first_ + pair_index(p, q, pods_per_site_));
    into.push_back(up_link(pod_first_, p));
    const std::uint32_t s = p / pods_per_site_, t = q / pods_per_site_;
    if (s != t) into.push_back(site_first_ + pair_index(s, t, out_->n_sites));
    into.push_back(down_link(pod_first_, q));
  }

  // Around failures: over the scale-up network to a neighbour's NIC, at either end, the same place first.
  bool through_neighbours(Rank from, Rank to, std::vector<LinkIndex>& into) const {
    const std::uint32_t g = domain_size();
    const std::size_t before = into.size();
    const auto neighbour = [&](Rank r, std::uint32_t step) { return domain_of(r) * g + (r % g + step) % g; };
    for (std::uint32_t apart = 0; apart < g; ++apart)
      for (std::uint32_t step = 0; step < g; ++step) {
        const Rank a = neighbour(from, step), b = neighbour(to, (step + apart) % g);
        if (a >= n_ranks() || b >= n_ranks()) continue;
        if (a != from) inside(from, a, into);
        outside(a, b, into);
        if (b != to) inside(b, to, into);
        if (alive(into, before)) return true;
        into.resize(before);
      }
    return false;
  }

  static constexpr LinkIndex kNone = 0xffffffff;
  std::optional<ScaleUpSpec> up_;
  std::optional<ScaleOutSpec> out_;
  std::uint32_t n_domains_ = 0, per_site_ = 1, leaves_per_site_ = 1, leaves_per_pod_ = 1, pods_per_site_ = 1;
  LinkIndex up_first_ = kNone, roots_first_ = kNone, sockets_first_ = kNone, nic_first_ = kNone, leaf_first_ = kNone,
            pod_first_ = kNone, site_first_ = kNone;
};

/// Ranks and their popularity in one place (domain, leaf, pod, or domain within leaf).
struct Crowd {
  double ranks = 0, popularity = 0;
};
using Crowds = std::unordered_map<std::uint64_t, Crowd>;

// By counting: a message leaves a place when its end is in another one and not in the same domain.
std::vector<LinkLoad> Cluster::exchange_loads(std::span<const Rank> ranks, std::span<const double> popularity) const {
  if (any_failed() || (up_ && up_->per_pcie_switch) || (out_ && out_->pods_joined_directly && has_pods()))
    return Topology::exchange_loads(ranks, popularity);
  const auto weight = [&](std::size_t i) { return popularity.empty() ? 1.0 : popularity[i]; };
  enum Level : std::uint64_t { kAll, kDomain, kLeaf, kPod, kSite, kDomainLeaf, kDomainPod };
  Crowds crowds;
  const auto place = [&](Level level, Rank r) -> std::uint64_t {
    const std::uint64_t d = domain_of(r), leaf = out_ ? leaf_of(r) : 0, pod = out_ ? pod_of_leaf(leaf_of(r)) : 0;
    const std::uint64_t at[] = {0, d, leaf, pod, out_ ? site_of(r) : 0, (d << 28) | leaf, (d << 28) | pod};
    return (std::uint64_t{level} << 60) | at[level];
  };
  for (std::size_t i = 0; i < ranks.size(); ++i)
    for (const Level level : {kAll, kDomain, kLeaf, kPod, kSite, kDomainLeaf, kDomainPod}) {
      Crowd& crowd = crowds[place(level, ranks[i])];
      crowd.ranks += 1;
      crowd.popularity += weight(i);
    }
  std::unordered_map<LinkIndex, double> times;
  const auto count = [&](LinkIndex link, double n) {
    if (n > 0.5 * 1e-9) times[link] += n;
  };
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const Rank r = ranks[i];
    const auto at = [&](Level level) { return crowds[place(level, r)]; };
    const Crowd all = at(kAll), domain = up_ ? at(kDomain) : Crowd{1, weight(i)};
    if (up_) {
      count(up_link(up_first_, r), domain.popularity - weight(i));
      count(down_link(up_first_, r), (domain.ranks - 1) * weight(i));
    }
    if (!out_) continue;
    count(up_link(nic_first_, r), all.popularity - domain.popularity);
    count(down_link(nic_first_, r), (all.ranks - domain.ranks) * weight(i));
    if (!has_pods()) continue;
    const auto leaving = [&](const Crowd& crowd, const Crowd& shared) {
      return Crowd{all.ranks - domain.ranks - crowd.ranks + shared.ranks, all.popularity - domain.popularity - crowd.popularity + shared.popularity};
    };
    const Crowd own{1, weight(i)};
    const Crowd leaf = leaving(at(kLeaf), up_ ? at(kDomainLeaf) : own), pod = leaving(at(kPod), up_ ? at(kDomainPod) : own);
    count(up_link(leaf_first_, leaf_of(r)), leaf.popularity);
    count(down_link(leaf_first_, leaf_of(r)), leaf.ranks * weight(i));
    if (pod_first_ == kNone) continue;
    count(up_link(pod_first_, pod_of_leaf(leaf_of(r))), pod.popularity);
    count(down_link(pod_first_, pod_of_leaf(leaf_of(r))), pod.ranks * weight(i));
    for (std::uint32_t t = 0; t < out_->n_sites; ++t)
      if (t != site_of(r))
        count(site_first_ + pair_index(site_of(r), t, out_->n_sites), crowds[(std::uint64_t{kSite} << 60) | t].popularity);
  }
  std::vector<LinkLoad> loads;
  for (const auto& [link, n] : times) loads.push_back({link, n});
  std::ranges::sort(loads, {}, &LinkLoad::link);
  return loads;
}

}  // namespace

std::unique_ptr<Topology> make_cluster(std::uint32_t n_ranks, const std::optional<ScaleUpSpec>& scale_up,
                                       const std::optional<ScaleOutSpec>& scale_out) {
  return std::make_unique<Cluster>(n_ranks, scale_up, scale_out);
}

}  // namespace waferwatt::network
