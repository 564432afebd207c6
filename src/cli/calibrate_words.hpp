// SPDX-License-Identifier: Apache-2.0
#pragma once
// What `waferwatt calibrate` does by its first word. \returns the exit status
#include "waferwatt/cli/command.hpp"

namespace waferwatt::cli {

int calibrate_collectives(const Arguments& arguments);
/// A training stack's numbers from measured iterations.
int calibrate_software(const Arguments& arguments);

}  // namespace waferwatt::cli
