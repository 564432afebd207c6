// SPDX-License-Identifier: Apache-2.0
#pragma once
// GEMMs whose inputs are in the narrow format already.
//
// The collection that calibrations are fitted to times narrow GEMMs from bf16 inputs: a pass that finds scales and one that
// writes the narrow numbers come first. A product of 128 columns does little else, so that the passes take what it takes
// over the product itself, which moves as many bytes as a bf16 one of fewer steps:
//
//   passes(m, k) = t(m, 128, k) - t_bf16(m, 128, k a / 2)      a bytes of an activation
//   t_quantised(m, n, k) = t(m, n, k) - passes(m, k)
//
// Libraries whose operators begin with narrow numbers are met so: cuBLASLt with given scales, DeepGEMM.
#include "waferwatt/cost/operator_model.hpp"

namespace waferwatt::cost {

/// passes(m, k) above; nothing for formats whose activations have 16 bits.
Time quantisation_passes(const OperatorModel& model, double rows, double k, NumberFormat format, Recipe recipe);

/// Time of a GEMM on inputs in its format; of bf16 and fp16 GEMMs the same as the model's.
/// \throws InputError as OperatorModel::estimate()
Estimate on_quantised_inputs(const OperatorModel& model, const Gemm& op);
Estimate on_quantised_inputs(const OperatorModel& model, const GroupedGemm& op);

}  // namespace waferwatt::cost
