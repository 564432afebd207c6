// SPDX-License-Identifier: Apache-2.0
#pragma once
// A calibration from measured times.
#include "waferwatt/validation/measurement_file.hpp"

namespace waferwatt::validation {

/// A calibration, and the rows that were not used.
struct CalibrationFit {
  catalog::Calibration calibration;
  std::vector<Skipped> skipped;
};

/// Fits every operator and format that has enough rows, and power where watts were measured.
/// \throws InputError when nothing can be trusted: too few rows, most rows faster than the accelerator can be
///         (wrong unit, wrong accelerator), efficiencies no accelerator has
CalibrationFit fit_calibration(const catalog::Catalog& catalog, const std::string& accelerator, const Measurements& measurements);

/// The file of a calibration; every list of the grid on one line.
std::string calibration_text(const catalog::Calibration& calibration);

}  // namespace waferwatt::validation
