// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which of the replicas that are up a request goes to.
#include "waferwatt/core/random.hpp"
#include "waferwatt/serving/operations.hpp"
#include "waferwatt/serving/replica.hpp"

namespace waferwatt::serving {

/// What a router sees.
struct RoutingView {
  std::vector<Replica*> candidates;  ///< never empty
  std::uint64_t n_routed = 0;
  double now_s = 0;
  const ServiceLevel* level = nullptr;
  RandomStream* random = nullptr;
};

/// The index of the candidate that takes the request.
std::size_t choose_replica(Router router, RoutingView& view, const RequestRecord& request);

}  // namespace waferwatt::serving
