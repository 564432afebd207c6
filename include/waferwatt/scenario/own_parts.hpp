// SPDX-License-Identifier: Apache-2.0
#pragma once
// A serving scenario with requests, a router and a scheduler's policy of the caller's own.
#include "waferwatt/scenario/serving_scenario.hpp"
#include "waferwatt/serving/own_router.hpp"

namespace waferwatt::scenario {

struct OwnParts {
  serving::RequestStream* requests = nullptr;  ///< in place of the workload
  serving::RouterFunction router;              ///< in place of the scenario's router
  serving::PolicyFunction policy = {};         ///< in place of the engines' scheduler.policy
};

Result run(const ServingScenario& scenario, const catalog::Catalog& catalog, const RunContext& context, engine::EventLoop& loop,
           const OwnParts& own);

}  // namespace waferwatt::scenario
