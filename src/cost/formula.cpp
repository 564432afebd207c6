// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/formula.hpp"

#include "waferwatt/cost/operator_model.hpp"

namespace waferwatt::cost {

Formula Formula::of(const catalog::OperatorFit& fit) {
  Formula formula{{fit.launch_time.in(second), fit.compute_efficiency, fit.memory_efficiency, fit.exponent, fit.serial_factor}, {}};
  if (const auto& b = fit.other_branch)
    formula.other = FormulaCoefficients{b->launch_time.in(second), b->compute_efficiency, b->memory_efficiency, b->exponent, b->serial_factor};
  return formula;
}

Bound bound_of(const FormulaCoefficients& f, const Load& load, double time_s) {
  if (const double overhead_s = f.overhead(load); overhead_s > time_s - overhead_s) return Bound::launch;
  return load.work_s / f.compute_efficiency >= load.traffic_s / f.memory_efficiency ? Bound::compute : Bound::memory;
}

}  // namespace waferwatt::cost
