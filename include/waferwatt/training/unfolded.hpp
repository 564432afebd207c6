// SPDX-License-Identifier: Apache-2.0
#pragma once
// A step with every replica by itself, on the fabric as it is.
//
// The folded step takes one rank for all of a stage and an idle network. Here
//   contention  all groups of a kind of traffic send at once on the topology, sharing its links max-min; what they
//               then take over one group alone stretches that traffic in the step
//   stragglers  each accelerator has a speed of its own; a tensor- or context-parallel group goes at the pace of its
//               slowest, each replica of the pipeline runs its own timeline, and the step is that of
//               the slowest; that each stage's reduction waits for its own last replica is not followed
// With equal accelerators on a fabric without shared links both give the folded step (tested).
#include "waferwatt/core/random.hpp"
#include "waferwatt/network/topology.hpp"
#include "waferwatt/training/step.hpp"

namespace waferwatt::training {

/// How much each kind of traffic is stretched when all its groups send at once; 1 for groups inside a domain.
/// \throws InfeasibleError when failed links part ranks that must talk
Contention contention(const Plan&, network::Topology&);

struct UnfoldedStep {
  Step step;                      ///< of the slowest replica, its waits for others included
  Contention contention;
  Time fastest, mean, slowest;    ///< replicas' pipelines
  std::size_t n_passes = 0;       ///< of all replicas' timelines

  Time iteration_time() const { return step.iteration_time(); }
};

/// \param spread relative standard deviation of the accelerators' speeds; 0: equal
/// \param topology nothing: an idle network
UnfoldedStep unfolded_step(const catalog::LanguageModel&, const Plan&, Machine, double spread, RandomStream,
                           network::Topology* topology);

}  // namespace waferwatt::training
