// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "waferwatt/validation/measurement_file.hpp"

namespace waferwatt::validation {

/// Shares of work and traffic in the power of rows with watts; nothing with fewer than 100 of them.
std::optional<catalog::PowerFit> fit_power(const catalog::Accelerator& accelerator, const std::vector<Measurement>& rows);

}  // namespace waferwatt::validation
