// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/quantised_gemm.hpp"

#include <algorithm>

namespace waferwatt::cost {
namespace {

constexpr double kNarrow = 128;  // columns of a product that takes next to nothing

/// \param passes taken off, yet no more than leaves the product at the peaks of its work and traffic
Estimate without(const OperatorModel& model, Estimate estimate, Time passes, NumberFormat format) {
  if (passes <= Time{}) return estimate;
  const auto& accelerator = model.accelerator();
  const Time least = std::max(estimate.work / *accelerator.peak(format), estimate.traffic / *accelerator.memory_bandwidth);
  const Time time = std::max(estimate.time - passes, least);
  // The passes' errors stay with a shorter time.
  const double grown = estimate.time / time;
  estimate.error *= grown, estimate.error_p90 *= grown;
  estimate.time = time;
  if (estimate.provenance == Provenance::measured) estimate.provenance = Provenance::fitted;
  return estimate;
}

}  // namespace

Time quantisation_passes(const OperatorModel& model, double rows, double k, NumberFormat format, Recipe recipe) {
  const double bytes = kKernelFormats[kernel_format(format, recipe)].activation_bytes;
  if (bytes >= 2) return {};
  const Time passes = model.estimate(Gemm{rows, kNarrow, k, format, recipe}).time - model.estimate(Gemm{rows, kNarrow, k * bytes / 2}).time;
  return std::max(passes, Time{});
}

Estimate on_quantised_inputs(const OperatorModel& model, const Gemm& op) {
  return without(model, model.estimate(op), quantisation_passes(model, op.m, op.k, op.format, op.recipe), op.format);
}

Estimate on_quantised_inputs(const OperatorModel& model, const GroupedGemm& op) {
  return without(model, model.estimate(op), quantisation_passes(model, op.rows * op.n_groups, op.k, op.format, op.recipe), op.format);
}

}  // namespace waferwatt::cost
