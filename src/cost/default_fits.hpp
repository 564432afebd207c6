// SPDX-License-Identifier: Apache-2.0
#pragma once
// Coefficients for accelerators that nobody measured.
#include <vector>

#include "waferwatt/catalog/accelerator.hpp"
#include "waferwatt/catalog/calibration.hpp"

namespace waferwatt::cost {

/// A fit and the accelerator it was measured on.
struct Donor {
  const catalog::OperatorFit* fit = nullptr;
  const catalog::Accelerator* accelerator = nullptr;
};

/// Both are made of the same die: what differs is memory, clocks and what is switched off.
bool same_die(const catalog::Accelerator& a, const catalog::Accelerator& b);

/// A donor's coefficients as they are expected of another accelerator. Blocks of attention are spread over the
/// multiprocessors. With each generation single kernels launch faster, blocks of decode attention pass faster, and less of
/// the peak rate is reached. Dies without instructions that scale blocks promote block-scaled sums. On one die what moves
/// within it does not follow the memory's bandwidth.
catalog::OperatorFit carried_over(const Donor& donor, const catalog::Accelerator& to);

/// The median of each coefficient of the donors, carried over.
catalog::OperatorFit median_fit(const std::vector<Donor>& donors, const catalog::Accelerator& to);

/// For a catalog without any calibration: medians over H100, H200 and B200 in bf16.
catalog::OperatorFit default_fit(catalog::OperatorKind op);

}  // namespace waferwatt::cost
