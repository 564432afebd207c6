// SPDX-License-Identifier: Apache-2.0
#pragma once
// Coefficients for accelerators that nobody measured.
#include <vector>

#include "waferwatt/catalog/calibration.hpp"

namespace waferwatt::cost {

/// The median of each coefficient.
catalog::OperatorFit median_fit(const std::vector<const catalog::OperatorFit*>& donors);

/// For a catalog without any calibration: medians over H100, H200 and B200 in bf16.
catalog::OperatorFit default_fit(catalog::OperatorKind op);

}  // namespace waferwatt::cost
