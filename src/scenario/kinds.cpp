// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/kinds.hpp"

#include "waferwatt/scenario/fabric_scenario.hpp"
#include "waferwatt/scenario/fleet_scenario.hpp"
#include "waferwatt/scenario/header.hpp"
#include "waferwatt/scenario/power_scenario.hpp"
#include "waferwatt/scenario/serving_scenario.hpp"
#include "waferwatt/scenario/supply_scenario.hpp"
#include "waferwatt/scenario/training_scenario.hpp"
#include "waferwatt/scenario/world_scenario.hpp"

namespace waferwatt::scenario {

std::span<const Kind> kinds() {
  static const Kind table[] = {
      kind_of<TrainingScenario>("training"),
      kind_of<ServingScenario>("serving"),
      kind_of<SupplyScenario>("supply", true),
      kind_of<WorldScenario>("world", true),
      kind_of<FleetScenario>("fleet"),
      kind_of<PowerScenario>("power"),
      kind_of<FabricScenario>("fabric"),
  };
  return table;
}

}  // namespace waferwatt::scenario
