// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/formula.hpp"

namespace waferwatt::cost {

Formula Formula::of(const catalog::OperatorFit& fit) {
  Formula formula{{fit.launch_time.in(second), fit.compute_efficiency, fit.memory_efficiency, fit.exponent, fit.serial_factor}, {}};
  if (const auto& b = fit.other_branch)
    formula.other = FormulaCoefficients{b->launch_time.in(second), b->compute_efficiency, b->memory_efficiency, b->exponent, b->serial_factor};
  return formula;
}

}  // namespace waferwatt::cost
