// SPDX-License-Identifier: Apache-2.0
#pragma once
// What an operator draws, for core/power_cap.hpp.
#include "waferwatt/core/power_cap.hpp"
#include "waferwatt/cost/operator_model.hpp"

namespace waferwatt::cost {

/// The draw of one operator: arithmetic and memory by their shares of its energy above idle.
core::Draw draw_of(const OperatorModel& model, const Estimate& estimate);

}  // namespace waferwatt::cost
