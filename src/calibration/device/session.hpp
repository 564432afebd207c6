// SPDX-License-Identifier: Apache-2.0
#pragma once
// One calibration from start to file.
#include "calibration/arguments.hpp"

namespace waferwatt::calibration {

/// Measures, writes the file, prints the summary.
/// \return exit status: 0, or 4 if a gate failed or the device stopped working
int calibrate(const Arguments& arguments, const std::vector<std::string>& words);

}  // namespace waferwatt::calibration
