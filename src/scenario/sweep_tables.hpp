// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "waferwatt/scenario/sweep_run.hpp"

namespace waferwatt::scenario {

/// The records of a sweep's points as one result.
Result sweep_result(const Sweep& sweep, const std::vector<SweepPoint>& points, const std::vector<PointRecord>& records);

}  // namespace waferwatt::scenario
