// SPDX-License-Identifier: Apache-2.0
#pragma once
// The folder a run leaves behind: summary.json, resolved.json, tables/*.csv, ledger.csv, report.html.
#include <filesystem>

#include "waferwatt/scenario/runner.hpp"

namespace waferwatt::report {

enum class IfPresent { refuse, replace };

/// Says whether a folder may be written, before any work is done for it.
/// \throws InputError when it exists and may not be replaced, or holds other files than results
void check_results_folder(const std::filesystem::path& folder, IfPresent if_present);

/// Writes everything beside the folder and renames it into place: it is there complete or not at all.
/// \throws InputError as check_results_folder, or when the files cannot be written
void write_results_folder(const std::filesystem::path& folder, const scenario::Scenario& scenario,
                          const scenario::Outcome& outcome, IfPresent if_present);

}  // namespace waferwatt::report
