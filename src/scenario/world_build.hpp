// SPDX-License-Identifier: Apache-2.0
#pragma once
// From the record of a world to the simulation's input.
#include "waferwatt/scenario/capability_store.hpp"
#include "waferwatt/scenario/world_scenario.hpp"
#include "waferwatt/world/views.hpp"
#include "world_draw.hpp"

namespace waferwatt::scenario {

/// What accelerators do, in the order of the scenario's products. It does not depend on draws.
struct WorldCapabilities {
  std::vector<std::string> tiers;
  std::vector<std::vector<serving::ServingCapability>> serving;  ///< by product and tier
  std::vector<TrainingCapability> training;                      ///< by product; empty without a training model
};
WorldCapabilities capabilities(const WorldScenario&, const catalog::Catalog&, const RunContext&);

/// The chain's part of a world as a supply scenario.
SupplyScenario supply_part(const WorldScenario&);

/// The shelves that the chain reads, for draws.
catalog::Catalog chain_shelves(const WorldScenario&, const catalog::Catalog&);

/// \param shelves those of the chain; moved by the draw
world::WorldSpec world_spec(const WorldScenario&, const catalog::Catalog&, const catalog::Catalog& shelves, const WorldCapabilities&, const WorldDraw&, std::uint64_t seed);

/// Names of the inputs that draws move.
std::vector<std::string> uncertain_inputs(const WorldScenario&, const catalog::Catalog&, const catalog::Catalog& shelves, const WorldCapabilities&, std::uint64_t seed);

}  // namespace waferwatt::scenario
