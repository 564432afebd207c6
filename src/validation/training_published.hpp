// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "waferwatt/validation/training_cases.hpp"

namespace waferwatt::validation {

/// Megatron-Core on one server of eight B200 (training_b200.cpp).
void add_b200(TrainingCases&, const catalog::Catalog&);

}  // namespace waferwatt::validation
