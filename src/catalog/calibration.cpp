// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/catalog/calibration.hpp"

namespace waferwatt::catalog {

const OperatorFit* Calibration::find(OperatorKind op, std::string_view format, std::string_view distribution) const {
  const OperatorFit* other_distribution = nullptr;
  for (const auto& fit : fits) {
    if (fit.op != op || fit.format != format) continue;
    if (!fit.distribution || *fit.distribution == distribution) return &fit;
    if (!other_distribution) other_distribution = &fit;
  }
  return other_distribution;
}

const io::Record<OperatorFit>& OperatorFit::record() {
  using F = OperatorFit;
  static const auto record =
      io::Record<F>("operator_fit", "Fitted time of one operator in one number format.")
          .required("operator", &F::op, {.doc = "The operator."})
          .required("format", &F::format, {.doc = "Number format of its inputs."})
          .optional("distribution", &F::distribution, {.doc = "Routing of tokens to experts."})
          .required("launch_time", &F::launch_time, {.doc = "Time of an empty operator.", .at_least = 0 * second, .at_most = second})
          .required("compute_efficiency", &F::compute_efficiency, {.doc = "Fraction of the peak rate reached.", .above = 0.0, .at_most = 2.0})
          .required("memory_efficiency", &F::memory_efficiency, {.doc = "Fraction of the peak bandwidth reached.", .above = 0.0, .at_most = 2.0})
          .required("exponent", &F::exponent, {.doc = "Sharpness of the change from memory to compute bound.", .at_least = 1.0, .at_most = 1000.0})
          .required("n_points", &F::n_points, {.doc = "Measured points of the fit.", .at_least = 1, .at_most = 100000000})
          .required("error_median", &F::error_median, {.doc = "Median held-out error.", .at_least = 0.0, .at_most = 10.0})
          .required("error_mean", &F::error_mean, {.doc = "Mean held-out error.", .at_least = 0.0, .at_most = 10.0})
          .required("error_p90", &F::error_p90, {.doc = "90th percentile of the held-out error.", .at_least = 0.0, .at_most = 10.0});
  return record;
}

const io::Record<Calibration>& Calibration::record() {
  using C = Calibration;
  static const auto record = io::Record<C>("calibration", "Fitted operator times of one accelerator.")
                                 .required("id", &C::id, {.doc = "Id; the file's name."})
                                 .required("accelerator", &C::accelerator, {.doc = "Accelerator id."})
                                 .required("fits", &C::fits, {.doc = "One entry per operator, format and distribution."})
                                 .required("source", &C::source, {.doc = "Source id of the measurements."})
                                 .required("quality", &C::quality, {.doc = "How the fit is known."})
                                 .optional("note", &C::note, {.doc = "How it was fitted."});
  return record;
}

}  // namespace waferwatt::catalog
