// SPDX-License-Identifier: Apache-2.0
#pragma once
// Times of collectives on an idle two-level network, in closed form.
//
// The bottom level is the scale-up domain (NVLink), the top level the scale-out network; every
// accelerator has a link of its own into each. With n ranks, S bytes, latency a of one step, and
// b = bandwidth * efficiency in one direction:
//
//   (1) send                        a + S/b
//   (2) ring all-gather             (n-1) (a + S/(n b))       S: the gathered size
//       ring reduce-scatter         the same                  S: the size to reduce
//   (3) ring all-reduce             2 (n-1) (a + S/(n b))
//   (4) double binary tree          2 ceil(log2 n) a + 2 S/b  (Sanders, Speck, Traff 2009)
//   (5) hierarchical                reduce-scatter inside, (3) or (4) of S/g across, all-gather inside,
//                                   for g ranks in each domain
//   (6) all-to-all                  a + max(inside (g-1) S/(n b_up), across (n-g) S/(n b_out))
//
// and a fixed launch time for each collective. Traffic of others and in-network reduction are left out.
// Against NCCL 2.29 on 2 to 8 GPUs, 512 B to 512 MiB, the median error is 19 to 24 % on H100 and H200, 18
// to 33 % on A100, 20 to 32 % on B200. All-reduces above 100 MB come out a third too long where the
// switch reduces.
#include "waferwatt/catalog/catalog.hpp"

namespace waferwatt::network {

/// One accelerator's link into a network, one direction.
struct LinkSpec {
  Bandwidth bandwidth;
  Time latency;           ///< of one step between neighbours
  double efficiency = 1;  ///< fraction of the bandwidth that large messages reach

  Bandwidth effective_bandwidth() const { return bandwidth * efficiency; }
};

/// (1) to (3) and (4) on one link level, without the launch.
Time send_time(const LinkSpec& link, DataSize size);
Time ring_all_gather_time(const LinkSpec& link, std::int64_t n_ranks, DataSize gathered);
Time ring_all_reduce_time(const LinkSpec& link, std::int64_t n_ranks, DataSize size);
Time tree_all_reduce_time(const LinkSpec& link, std::int64_t n_ranks, DataSize size);

/// Ranks of one collective: `per_domain` of them share a scale-up domain.
struct Group {
  std::int64_t n_ranks = 1;
  std::int64_t per_domain = 1;

  bool spans_domains() const { return n_ranks > per_domain; }
};

class TwoLevelNetwork {
 public:
  /// \param launch start of a collective's kernel on all ranks (NCCL on 2 to 8 A100 to B200: 5 to 12 us)
  TwoLevelNetwork(LinkSpec scale_up, std::int64_t domain_size, LinkSpec scale_out, Time launch = 8 * micro * second);

  /// Ranks `stride` accelerators apart, in order, so that a domain holds domain_size / stride of them.
  Group group(std::int64_t n_ranks, std::int64_t stride = 1) const;

  Time all_reduce_time(Group group, DataSize size) const;
  Time all_gather_time(Group group, DataSize gathered) const;
  Time reduce_scatter_time(Group group, DataSize size) const;
  /// \param size what one rank sends, its own share included
  Time all_to_all_time(Group group, DataSize size) const;
  Time send_time(bool across_domains, DataSize size) const;

  /// Inside a domain the collectives of NCCL then take their measured times, launch included.
  /// \param calibration must live as long as this
  void calibrate(const catalog::CollectiveCalibration& calibration) { calibration_ = &calibration; }

  std::int64_t domain_size() const { return domain_size_; }
  const LinkSpec& scale_up() const { return scale_up_; }
  const LinkSpec& scale_out() const { return scale_out_; }

 private:
  LinkSpec scale_up_, scale_out_;
  std::int64_t domain_size_;
  std::optional<Time> measured(const char* operation, Group group, DataSize size) const;
  Time launch_;
  const catalog::CollectiveCalibration* calibration_ = nullptr;
};

/// The network of a cluster from the catalog: the scale-up fabric of the accelerator's system (else the
/// accelerator's own figures), and `scale_out` (else the accelerator's NIC).
/// \returns nothing when the cluster is larger than a domain and nothing is known of the network beyond it
std::optional<TwoLevelNetwork> network_of(const catalog::Accelerator&, const catalog::System*,
                                          const catalog::Fabric* scale_out, std::int64_t n_accelerators,
                                          const catalog::Catalog&);

/// Accelerators in one scale-up domain.
std::int64_t scale_up_domain(const catalog::Accelerator&, const catalog::System*, const catalog::Catalog&);

}  // namespace waferwatt::network
