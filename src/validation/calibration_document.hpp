// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "waferwatt/validation/measurement_file.hpp"

namespace waferwatt::validation {

/// Adds the points of a document "gpu-calibration/1", as waferwatt-calibrate writes it.
void read_calibration_document(const std::string& path, std::string_view text, const catalog::Catalog& catalog,
                               const std::optional<std::string>& asked, Measurements& out);

}  // namespace waferwatt::validation
