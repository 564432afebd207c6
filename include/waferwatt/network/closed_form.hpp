// SPDX-License-Identifier: Apache-2.0
#pragma once
// Times of each algorithm on an idle two-level network, in closed form, and the choice among them.
//
// On top of the formulas of collectives.hpp, with n ranks in m domains of g, S bytes, and for a link level
// latency a and bandwidth b (u: scale-up, o: scale-out); K = 2 for an all-reduce, 1 for a gather or scatter:
//
//   (5)  ring through the domains, one per NIC     K (n-1)/n (m (g a_u + a_o) + max(S/b_u, S/(g b_o)))
//   (8)  binary tree                               K depth a + c S/b, c = 3 (n >= 5), 2 (3, 4), 1 (2)
//   (9)  double binary tree                        2 ceil(log2 n) a + c S/b, c = 2 (n >= 4), 1.5 (3), 1 (2)
//   (10) halving-doubling, n a power of two        sum over rounds i = 1 .. log2 n of a + (S/2^i)/b, twice
//        for an all-reduce; a round is on the level on which its partners lie
//   (11) in-network                                2 a_u + (1 + 1/n) S/b_u in a domain (NVLS); across domains
//        a_o + S/(g b_o) between reduce-scatter and all-gather inside (SHARP)
//   (12) broadcast by ring, by trees               (n-1) a + S/b, depth a + {2, 1} S/b
//   (13) tree of chains                            2 ceil(log2 m) a_o + 2 (g-1) a_u + max(2 (g-1) S/(g b_u), c S/(g b_o)),
//        c as in (9) of m
//
// Latency is that of one step between neighbours; switches beyond the first are left out.
#include "waferwatt/network/collective.hpp"
#include "waferwatt/network/collectives.hpp"

namespace waferwatt::network {

/// Without launch. \returns nothing where there is no closed form: use the flows
std::optional<Time> closed_form_time(const TwoLevelNetwork& network, Collective collective, Algorithm algorithm,
                                     Group group, DataSize size, double imbalance = 1);

struct AlgorithmTime {
  Algorithm algorithm;
  Time time;
};

/// The fastest algorithm by closed form, as NCCL's tuning does, by size and group.
/// \param in_network whether the switches can reduce
AlgorithmTime fastest_algorithm(const TwoLevelNetwork& network, Collective collective, Group group, DataSize size,
                                bool in_network);

}  // namespace waferwatt::network
