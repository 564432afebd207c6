// SPDX-License-Identifier: Apache-2.0
#include "default_fits.hpp"

#include <algorithm>

namespace waferwatt::cost {
namespace {

using catalog::OperatorFit;

template <class Member>
double median(const std::vector<const OperatorFit*>& donors, Member member) {
  std::vector<double> values;
  for (const auto* donor : donors) values.push_back(member(*donor));
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

template <class Member>
double median_of_other(const std::vector<const OperatorFit*>& donors, Member member) {
  return median(donors, [&](const OperatorFit& f) { return member(*f.other_branch); });
}

}  // namespace

OperatorFit median_fit(const std::vector<const OperatorFit*>& all) {
  // Coefficients of fits with one and with two branches do not mix: the larger party is taken.
  std::vector<const OperatorFit*> branched, plain;
  for (const auto* donor : all) (donor->other_branch ? branched : plain).push_back(donor);
  const auto& donors = branched.size() > plain.size() ? branched : plain;
  OperatorFit fit{.op = donors.front()->op,
                  .launch_time = median(donors, [](const auto& f) { return f.launch_time.in(second); }) * second,
                  .compute_efficiency = median(donors, [](const auto& f) { return f.compute_efficiency; }),
                  .memory_efficiency = median(donors, [](const auto& f) { return f.memory_efficiency; }),
                  .exponent = median(donors, [](const auto& f) { return f.exponent; }),
                  .error_median = median(donors, [](const auto& f) { return f.formula_error_median.value_or(f.error_median); }),
                  .error_p90 = median(donors, [](const auto& f) { return f.error_p90; })};
  if (&donors == &plain) return fit;
  fit.other_branch.emplace();
  fit.other_branch->launch_time = median_of_other(donors, [](const auto& b) { return b.launch_time.in(second); }) * second;
  fit.other_branch->compute_efficiency = median_of_other(donors, [](const auto& b) { return b.compute_efficiency; });
  fit.other_branch->memory_efficiency = median_of_other(donors, [](const auto& b) { return b.memory_efficiency; });
  fit.other_branch->exponent = median_of_other(donors, [](const auto& b) { return b.exponent; });
  return fit;
}

OperatorFit default_fit(catalog::OperatorKind op) {
  switch (op) {
    case catalog::OperatorKind::attention_prefill:
      return {.launch_time = 17.2 * micro * second,
              .compute_efficiency = 0.50,
              .memory_efficiency = 0.22,
              .exponent = 1.35,
              .error_median = 0.13};
    case catalog::OperatorKind::attention_decode:
      return {.launch_time = 11.7 * micro * second,
              .compute_efficiency = 0.03,
              .memory_efficiency = 0.71,
              .exponent = 7.3,
              .error_median = 0.25};
    case catalog::OperatorKind::moe:
      return {.launch_time = 29.9 * micro * second,
              .compute_efficiency = 0.80,
              .memory_efficiency = 0.81,
              .exponent = 1.0,
              .error_median = 0.15};
    default:
      return {.launch_time = 3.1 * micro * second,
              .compute_efficiency = 0.775,
              .memory_efficiency = 0.787,
              .exponent = 2.66,
              .error_median = 0.10};
  }
}

}  // namespace waferwatt::cost
