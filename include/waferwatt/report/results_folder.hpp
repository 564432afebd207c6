// SPDX-License-Identifier: Apache-2.0
#pragma once
// The folder a run leaves behind: summary.json, resolved.json, inputs.csv, tables/*.csv, ledger.csv, trace.json, report.html.
#include <filesystem>

#include "waferwatt/report/comparison.hpp"
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

/// Writes the page of a results folder. \throws InputError when there is none, or the file cannot be written
void write_report(const std::filesystem::path& file, const std::filesystem::path& folder);

/// Writes the page of a comparison. \throws InputError when the file cannot be written
void write_comparison(const std::filesystem::path& file, const Comparison& comparison);

}  // namespace waferwatt::report
