// SPDX-License-Identifier: Apache-2.0
#pragma once
// The calibration file: schema "gpu-calibration/1", described in docs/models/calibration-tool.md.
#include <string>

#include "calibration/measurement.hpp"
#include "waferwatt/io/value.hpp"

namespace waferwatt::calibration {

/// The whole document, gates and flags worked out.
io::Value document(const Run& run);

/// What the run found, for the console: peaks, burst over sustained, flags, gates, gaps.
std::string console_summary(const Run& run);

/// "fnv1a64:..." of a text that identifies a card: says whether two files are of the same card, not which.
std::string hashed(const std::string& text);

}  // namespace waferwatt::calibration
