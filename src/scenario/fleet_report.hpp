// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a fleet run says: headline, metrics, tables, ledger.
#include "fleet_jobs.hpp"

namespace waferwatt::scenario {

Result fleet_result(const FleetScenario&, const fleet::FleetSpec&, FleetJobs&, const fleet::FleetOutcome&, const std::vector<std::string>& notes);

}  // namespace waferwatt::scenario
