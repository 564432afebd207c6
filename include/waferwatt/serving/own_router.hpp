// SPDX-License-Identifier: Apache-2.0
#pragma once
// A deployment whose router is the caller's own function.
#include <functional>

#include "waferwatt/serving/routing.hpp"
#include "waferwatt/serving/simulation.hpp"

namespace waferwatt::serving {

/// The index of the candidate that takes the request.
using RouterFunction = std::function<std::size_t(RoutingView&, const RequestRecord&)>;

/// As simulate(), each request going where `router` says.
/// \throws InputError when it gives an index that no candidate has; what it throws
ServingOutcome simulate(engine::EventLoop& loop, const Deployment& deployment, RequestStream& requests, const catalog::Catalog& catalog,
                        const RandomStream& random, RequestSink& sink, RouterFunction router);

}  // namespace waferwatt::serving
