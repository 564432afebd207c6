// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which program made a result, and at what cost.
#include <string>

#include "waferwatt/io/value.hpp"
#include "waferwatt/scenario/runner.hpp"

namespace waferwatt::report {

/// "0.1.0"
std::string version();

/// The state of the sources the program was built from: "a1b2c3d", with "-dirty" if they were changed.
std::string revision();

/// Version, revision, seed, wall time and peak memory of a run.
io::Value provenance(const scenario::Scenario& scenario, const scenario::Outcome& outcome);

}  // namespace waferwatt::report
