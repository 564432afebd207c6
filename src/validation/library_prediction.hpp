// SPDX-License-Identifier: Apache-2.0
#pragma once
// Measured kernels of libraries that calibrations are not of.
#include "waferwatt/cost/operator_model.hpp"
#include "waferwatt/validation/measurement_file.hpp"

namespace waferwatt::validation {

/// What the model tells of the library's kernel; nothing where it tells libraries not apart.
/// \throws InputError as cost::OperatorModel::estimate(), and for a pass or format that is not known of the library
std::optional<cost::Estimate> library_estimate(const cost::OperatorModel& model, const Measurement& row);

}  // namespace waferwatt::validation
