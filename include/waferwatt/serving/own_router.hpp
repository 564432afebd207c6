// SPDX-License-Identifier: Apache-2.0
#pragma once
// A deployment whose router, scheduler's policy, or both are the caller's own functions.
#include <functional>

#include "waferwatt/serving/routing.hpp"
#include "waferwatt/serving/simulation.hpp"

namespace waferwatt::serving {

/// The index of the candidate that takes the request.
using RouterFunction = std::function<std::size_t(RoutingView&, const RequestRecord&)>;

/// As simulate(), each request going where `router` says, every replica scheduled by `policy` (scheduling.hpp); empty
/// ones: as the deployment says.
/// \throws InputError when the router gives an index that no candidate has, or the policy names a request that it may
/// not, or leaves some waiting for ever; what they throw
ServingOutcome simulate(engine::EventLoop& loop, const Deployment& deployment, RequestStream& requests, const catalog::Catalog& catalog,
                        const RandomStream& random, RequestSink& sink, RouterFunction router, PolicyFunction policy = {});

}  // namespace waferwatt::serving
