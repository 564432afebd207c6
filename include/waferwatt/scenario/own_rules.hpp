// SPDX-License-Identifier: Apache-2.0
#pragma once
// Supply and world scenarios with rules of the caller's own. They are members of the scenario that no file sets, and hold in
// every run that the scenario takes: the run itself, marginal values, draws, and what it is compared with.
#include "waferwatt/scenario/world_scenario.hpp"

namespace waferwatt::scenario {

/// As run() in a child of its own, on the given loop: in this process, where the rules can be called. With more than one
/// job in the context the rules are called from several threads.
Result run(const SupplyScenario& scenario, const catalog::Catalog& catalog, const RunContext& context, engine::EventLoop& loop);
Result run(const WorldScenario& scenario, const catalog::Catalog& catalog, const RunContext& context, engine::EventLoop& loop);

}  // namespace waferwatt::scenario
