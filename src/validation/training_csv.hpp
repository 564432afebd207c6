// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "waferwatt/validation/training_cases.hpp"

namespace waferwatt::validation {

/// \throws InputError when the file cannot be read or lacks columns
TrainingCases read_training_csv(const std::string& file, const catalog::Catalog&);

}  // namespace waferwatt::validation
