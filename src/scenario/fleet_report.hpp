// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a fleet run says: headline, metrics, tables, ledger.
#include "waferwatt/scenario/fleet_scenario.hpp"

namespace waferwatt::scenario {

Result fleet_result(const FleetScenario&, const fleet::FleetSpec&, const std::vector<fleet::Job>&, const fleet::FleetOutcome&, const std::vector<std::string>& notes);

}  // namespace waferwatt::scenario
