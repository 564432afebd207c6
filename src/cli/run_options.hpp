// SPDX-License-Identifier: Apache-2.0
#pragma once
// What `run` and `sweep` share.
#include <fmt/format.h>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/cli/terminal.hpp"
#include "waferwatt/report/results_folder.hpp"

namespace waferwatt::cli {

scenario::RunOptions run_options(const Arguments& arguments);
scenario::LoadOptions load_options(const Arguments& arguments);
std::filesystem::path results_folder(const Arguments& arguments, const scenario::Scenario& scenario);

/// Runs the points, writes the folder and prints the answer. \returns the exit status
int run_sweep(const Arguments& arguments, const scenario::Scenario& scenario);

}  // namespace waferwatt::cli
