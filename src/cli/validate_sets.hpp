// SPDX-License-Identifier: Apache-2.0
#pragma once
// The sets of `waferwatt validate`, one function each. \returns the exit status
#include "waferwatt/cli/command.hpp"

namespace waferwatt::cli {

int validate_kernels(const Arguments& arguments);
int validate_network(const Arguments& arguments);
int validate_power(const Arguments& arguments);
int validate_supply(const Arguments& arguments);
int validate_serving(const Arguments& arguments);
int validate_training(const Arguments& arguments);

}  // namespace waferwatt::cli
