// SPDX-License-Identifier: Apache-2.0
#include "default_fits.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::cost {
namespace {

using catalog::OperatorFit;

/// How many watts a TFLOP/s needs tells generations apart: 1.28 on an A100, 0.71 on an H100, 0.44 on a B200. With
/// them fall the time of an empty bf16 GEMM, 3.7, 2.5 and 1.8 us, and what is reached of the peak, 0.85, 0.78 and 0.68.
/// Operators of several kernels wait for the host as long on all.
constexpr double kLaunchPerWatt = 0.6, kEfficiencyPerWatt = 0.2, kLeastChange = 0.7, kMostChange = 1.4;
/// A block of decode attention takes 4.8 us on a multiprocessor of an A100, 3.4 on an H100's, 2.1 on a B200's.
constexpr double kBlocksPerWatt = 0.7;
/// Prefill's keys, decode's short caches and experts' activations stay in the L2: an H200 moves them 1.1 times as fast as an
/// H100, with 1.43 times the bandwidth of memory.
constexpr double kWithinDie = 0.7;

/// Sums of 128 products with block scales are promoted to fp32 one by one: a Hopper's multiprocessor does 4,096 products of fp8 and 128
/// multiply-adds of fp32 in a cycle. Instructions that scale blocks themselves came with fp4.
constexpr double kPromotion = 4096.0 / (128 * 128);

double promotion(const catalog::Accelerator& a) { return a.peak_fp4 ? 0 : kPromotion; }

double watts_per_rate(const catalog::Accelerator& a) { return a.tdp->in(watt) / a.peak_bf16->in(tera * flop / second); }

/// Of an even number the upper of the middle two, but of experts' donors their geometric mean: an A100's library launches them in
/// 64 us, later ones of Hopper and Blackwell in 31, and between two such generations neither is the typical one.
template <class Member>
double typical(const std::vector<OperatorFit>& donors, Member member) {
  std::vector<double> values;
  for (const auto& donor : donors) values.push_back(member(donor));
  std::ranges::sort(values);
  const double upper = values[values.size() / 2], lower = values[(values.size() - 1) / 2];
  return donors.front().op == catalog::OperatorKind::moe && lower != upper ? std::sqrt(lower * upper) : upper;
}

template <class Member>
double median_of_other(const std::vector<OperatorFit>& donors, Member member) {
  return typical(donors, [&](const OperatorFit& f) { return member(*f.other_branch); });
}

}  // namespace

bool same_die(const catalog::Accelerator& a, const catalog::Accelerator& b) {
  return a.vendor == b.vendor && a.die_area && b.die_area && a.die_area->value == b.die_area->value;
}

OperatorFit carried_over(const Donor& donor, const catalog::Accelerator& to) {
  using catalog::OperatorKind;
  OperatorFit fit = *donor.fit;
  const auto& from = *donor.accelerator;
  const bool is_decode = fit.op == OperatorKind::attention_decode, is_attention = is_decode || fit.op == OperatorKind::attention_prefill;
  double blocks = is_attention && from.n_sm && to.n_sm ? static_cast<double>(from.n_sm->value) / static_cast<double>(to.n_sm->value) : 1;
  double launch = 1, efficiency = 1;
  if (same_die(from, to)) {
    const double memory = std::pow(*to.memory_bandwidth / *from.memory_bandwidth, kWithinDie);
    if (is_attention) fit.memory_efficiency /= memory;
    if (fit.op == OperatorKind::moe) fit.serial_factor *= memory;
  } else {
    const double watts = watts_per_rate(to) / watts_per_rate(from);
    const auto change = [&](double power) { return std::clamp(std::pow(watts, power), kLeastChange, kMostChange); };
    if (fit.op == OperatorKind::gemm && fit.format == "bf16") launch = change(kLaunchPerWatt);
    if (is_decode) blocks *= std::pow(watts, kBlocksPerWatt);
    efficiency = change(kEfficiencyPerWatt);
  }
  fit.launch_time *= launch, fit.compute_efficiency *= efficiency, fit.serial_factor *= blocks;
  if (fit.format == "fp8_block") {
    const double per_work = 1 / fit.compute_efficiency;  // of which promotion is no more than half
    fit.compute_efficiency = 1 / std::max(per_work / 2, per_work + promotion(to) - promotion(from));
  }
  if (auto& other = fit.other_branch) other->launch_time *= launch, other->compute_efficiency *= efficiency, other->serial_factor *= blocks;
  return fit;
}

OperatorFit median_fit(const std::vector<Donor>& all, const catalog::Accelerator& to) {
  // Coefficients of fits with one and with two branches do not mix: the larger party is taken.
  std::vector<OperatorFit> branched, plain;
  for (const auto& donor : all) (donor.fit->other_branch ? branched : plain).push_back(carried_over(donor, to));
  const auto& donors = branched.size() > plain.size() ? branched : plain;
  OperatorFit fit{.op = donors.front().op,
                  .launch_time = typical(donors, [](const auto& f) { return f.launch_time.in(second); }) * second,
                  .compute_efficiency = typical(donors, [](const auto& f) { return f.compute_efficiency; }),
                  .memory_efficiency = typical(donors, [](const auto& f) { return f.memory_efficiency; }),
                  .exponent = typical(donors, [](const auto& f) { return f.exponent; }),
                  .serial_factor = typical(donors, [](const auto& f) { return f.serial_factor; }),
                  .error_median = typical(donors, [](const auto& f) { return f.formula_error_median.value_or(f.error_median); }),
                  .error_p90 = typical(donors, [](const auto& f) { return f.error_p90; })};
  if (&donors == &plain) return fit;
  fit.other_branch.emplace();
  fit.other_branch->launch_time = median_of_other(donors, [](const auto& b) { return b.launch_time.in(second); }) * second;
  fit.other_branch->compute_efficiency = median_of_other(donors, [](const auto& b) { return b.compute_efficiency; });
  fit.other_branch->memory_efficiency = median_of_other(donors, [](const auto& b) { return b.memory_efficiency; });
  fit.other_branch->exponent = median_of_other(donors, [](const auto& b) { return b.exponent; });
  fit.other_branch->serial_factor = median_of_other(donors, [](const auto& b) { return b.serial_factor; });
  return fit;
}

OperatorFit default_fit(catalog::OperatorKind op) {
  switch (op) {
    case catalog::OperatorKind::attention_prefill:
      return {.launch_time = 15.2 * micro * second,
              .compute_efficiency = 0.62,
              .memory_efficiency = 0.32,
              .exponent = 1.0,
              .serial_factor = 26,
              .error_median = 0.11};
    case catalog::OperatorKind::attention_decode:
      return {.launch_time = 9.2 * micro * second,
              .compute_efficiency = 0.035,
              .memory_efficiency = 0.85,
              .exponent = 1.0,
              .serial_factor = 26,
              .error_median = 0.14};
    case catalog::OperatorKind::moe:
      return {.launch_time = 32 * micro * second,
              .compute_efficiency = 1.2,
              .memory_efficiency = 0.855,
              .exponent = 1.0,
              .serial_factor = 2.2,
              .error_median = 0.12};
    default:
      return {.launch_time = 2.5 * micro * second,
              .compute_efficiency = 0.778,
              .memory_efficiency = 0.837,
              .exponent = 2.45,
              .serial_factor = 1.07,
              .error_median = 0.07};
  }
}

}  // namespace waferwatt::cost
