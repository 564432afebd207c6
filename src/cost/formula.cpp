// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/formula.hpp"

#include "waferwatt/cost/operator_model.hpp"

namespace waferwatt::cost {

Formula Formula::of(const catalog::OperatorFit& fit) {
  Formula formula{{fit.launch_time.in(second), fit.compute_efficiency, fit.memory_efficiency, fit.exponent}, {}};
  if (const auto& b = fit.other_branch)
    formula.other = FormulaCoefficients{b->launch_time.in(second), b->compute_efficiency, b->memory_efficiency, b->exponent};
  return formula;
}

Bound bound_of(const FormulaCoefficients& f, double work_s, double traffic_s) {
  if (f.launch_s > f.roof(work_s, traffic_s)) return Bound::launch;
  return work_s / f.compute_efficiency >= traffic_s / f.memory_efficiency ? Bound::compute : Bound::memory;
}

}  // namespace waferwatt::cost
