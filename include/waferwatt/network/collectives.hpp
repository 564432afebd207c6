// SPDX-License-Identifier: Apache-2.0
#pragma once
// Times of collectives on an idle two-level network: measured inside a domain, in closed form beyond it.
//
// The bottom level is the scale-up domain (NVLink), the top level the scale-out network; every
// accelerator has a link of its own into each. With n ranks in m domains of g, S bytes, latency a of one
// step, and b = bandwidth * efficiency in one direction (u: scale-up, o: scale-out); K = 2 for an
// all-reduce, 1 for an all-gather (S: the gathered size) or reduce-scatter (S: the size to reduce):
//
//   (1) send                        a + S/b
//   (2) ring                        K (n-1) (a + S/(n b))
//   (3) double binary tree          2 ceil(log2 n) a + 2 S/b  (Sanders, Speck, Traff 2009)
//   (4) hierarchical, in turn       reduce-scatter inside, (2) or (3) of S/g across, all-gather inside
//   (5) ring through the domains    K (n-1)/n (m (g a_u + a_o) + max(S/b_u, S/(g b_o)))
//   (6) tree of chains              2 ceil(log2 m) a_o + 2 (g-1) a_u + 2 max((g-1)/g S/b_u, S/(g b_o))
//   (7) all-to-all                  a + max(inside (g-1) S/(n b_u), across (n-g) S/(n b_o))
//
// Where adapters serve several accelerators each (with_shared_adapters) and no two of a group's g > 1 ranks have one in
// common, a ring comes in by one adapter and leaves by another: of each only one direction works, so that (4) to (6)
// have half of b_o. Where two ranks share one, or a domain has one rank, rings come and leave by the same.
//
// and a fixed launch time for each collective. Across domains the fastest of (4) to (6) is taken: as NCCL,
// which sends in small pieces over both levels at once, (5) when large and (6) when small. Inside a domain
// and for the inner parts of (4) measured curves take the formulas' place where there are some. Between
// more ranks than were measured, the time grows as the formula does. Traffic of others is left out.
#include <compare>

#include "waferwatt/network/measured_collectives.hpp"

namespace waferwatt::network {

/// One accelerator's link into a network, one direction.
struct LinkSpec {
  Bandwidth bandwidth;
  Time latency;           ///< of one step between neighbours
  double efficiency = 1;  ///< fraction of the bandwidth that large messages reach

  Bandwidth effective_bandwidth() const { return bandwidth * efficiency; }
};

/// (1) to (3) on one link level, without the launch.
Time send_time(const LinkSpec& link, DataSize size);
Time ring_all_gather_time(const LinkSpec& link, std::int64_t n_ranks, DataSize gathered);
Time ring_all_reduce_time(const LinkSpec& link, std::int64_t n_ranks, DataSize size);
Time tree_all_reduce_time(const LinkSpec& link, std::int64_t n_ranks, DataSize size);

class Layout;

/// Ranks of one collective: `per_domain` of them share a scale-up domain.
struct Group {
  std::int64_t n_ranks = 1;
  std::int64_t per_domain = 1;
  bool adapters_apart = false;  ///< several accelerators share an adapter, but no two of these ranks

  bool spans_domains() const { return n_ranks > per_domain; }
  friend auto operator<=>(const Group&, const Group&) = default;
};

class TwoLevelNetwork {
 public:
  /// \param launch start of a collective's kernel on all ranks (NCCL on 2 to 8 A100 to B200: 5 to 12 us)
  TwoLevelNetwork(LinkSpec scale_up, std::int64_t domain_size, LinkSpec scale_out, Time launch = 8 * micro * second);

  /// Ranks `stride` accelerators apart, in order, so that a domain holds domain_size / stride of them.
  Group group(std::int64_t n_ranks, std::int64_t stride = 1) const;
  /// The same of ranks that lie in several spans, the first at the start of a domain.
  Group group(const Layout& layout) const;

  /// \param library whose all-reduce inside a domain: "nccl", or an engine's own, "vllm graph", "trtllm";
  ///        one that was not measured counts as NCCL
  Time all_reduce_time(Group group, DataSize size, std::string_view library = "nccl") const;
  Time all_gather_time(Group group, DataSize gathered) const;
  Time reduce_scatter_time(Group group, DataSize size) const;
  /// \param size what one rank sends, its own share included
  Time all_to_all_time(Group group, DataSize size) const;
  Time send_time(bool across_domains, DataSize size) const;

  /// Inside a domain collectives then take their measured times, launch included.
  void calibrate(MeasuredCollectives measured) { measured_ = std::move(measured); }
  const std::optional<MeasuredCollectives>& measured() const { return measured_; }
  /// The same domains on another network.
  TwoLevelNetwork with_scale_out(LinkSpec scale_out) const;
  /// The same with neighbours of each domain on adapters of the scale-out network that they share, each accelerator's
  /// link being its part of one.
  TwoLevelNetwork with_shared_adapters(std::int64_t accelerators_per_adapter) const;

  std::int64_t domain_size() const { return domain_size_; }
  const LinkSpec& scale_up() const { return scale_up_; }
  const LinkSpec& scale_out() const { return scale_out_; }
  Time launch() const { return launch_; }

 private:
  enum class Inside { all_reduce, all_gather, reduce_scatter, all_to_all };
  Time inside_formula(Inside operation, std::int64_t n_ranks, DataSize size) const;
  Time inside_time(Inside operation, std::int64_t n_ranks, DataSize size, std::string_view library) const;
  Time inside_part(Inside operation, std::int64_t n_ranks, DataSize size) const;
  Time ring_through_domains(double passes, Group group, DataSize size) const;
  LinkSpec scale_out_of_ring(Group group) const;

  LinkSpec scale_up_, scale_out_;
  std::int64_t domain_size_, accelerators_per_adapter_ = 1;
  Time launch_;
  std::optional<MeasuredCollectives> measured_;
};

/// The network of a cluster from the catalog: the scale-up fabric of the accelerator's system (else the
/// accelerator's own figures), and `scale_out` (else the accelerator's NIC). Measured collectives are taken
/// where MeasuredCollectives::of finds some; `catalog` must then live as long as the network.
/// \returns nothing when the cluster is larger than a domain and nothing is known of the network beyond it
std::optional<TwoLevelNetwork> network_of(const catalog::Accelerator&, const catalog::System*,
                                          const catalog::Fabric* scale_out, std::int64_t n_accelerators,
                                          const catalog::Catalog&);

/// Accelerators in one scale-up domain.
std::int64_t scale_up_domain(const catalog::Accelerator&, const catalog::System*, const catalog::Catalog&);

}  // namespace waferwatt::network
