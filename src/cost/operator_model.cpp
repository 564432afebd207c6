// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/operator_model.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace waferwatt::cost {
namespace {

using catalog::OperatorKind;

constexpr std::array kKinds{OperatorKind::gemm, OperatorKind::attention_prefill, OperatorKind::attention_decode,
                            OperatorKind::moe};
constexpr std::array kFormats{NumberFormat::bf16, NumberFormat::fp16, NumberFormat::fp8, NumberFormat::fp4,
                              NumberFormat::int8};

/// Outputs and activations are bf16 whatever the inputs are.
constexpr double kOutputBytes = 2;

/// Idle draw over TDP. A guess: an H100 with a context idles at 70 to 120 W of 700 W.
constexpr double kIdleFraction = 0.12;
/// Share of the range from idle to TDP per unit of peak rate and of peak bandwidth used. Fitted to 14,000
/// bf16 GEMMs with measured power on an H200 (aiconfigurator, vLLM 0.22.0): mean error 10 %. A GEMM at
/// 71 % of the peak rate reaches TDP, pure streaming at 80 % of the bandwidth draws 530 W of 700 W.
constexpr double kComputePowerShare = 1.4, kMemoryPowerShare = 0.9;

/// Fits are of kernels that run up to 16 query heads per key-value head, at most 32 FLOP/byte. Latent
/// attention does hundreds and has kernels of its own: FlashMLA reaches 660 of 989 TFLOP/s and 3.0 of
/// 3.35 TB/s on an H800.
constexpr auto kGroupedQueryIntensity = 48 * flop / byte;
constexpr double kLatentComputeEfficiency = 0.60, kLatentMemoryEfficiency = 0.80, kLatentExponent = 2,
                 kLatentError = 0.20;

/// Held-out error of parameters taken from other accelerators is about 1.5 times that of own ones, and
/// for GEMMs 11 to 18 % when each calibrated family is predicted from the others.
constexpr double kTransferErrorFactor = 1.5, kTransferErrorFloor = 0.15;

/// Formats of fits that stand in for a number format, the nearest first.
std::span<const std::string_view> fit_formats(NumberFormat format) {
  static constexpr std::array<std::string_view, 4> kSixteenBit{"bf16", "fp8_block", "fp8", "nvfp4"};
  static constexpr std::array<std::string_view, 4> kEightBit{"fp8", "fp8_block", "bf16", "nvfp4"};
  static constexpr std::array<std::string_view, 4> kFourBit{"nvfp4", "fp8_block", "fp8", "bf16"};
  switch (format) {
    case NumberFormat::bf16:
    case NumberFormat::fp16:
      return kSixteenBit;
    case NumberFormat::fp8:
    case NumberFormat::int8:
      return kEightBit;
    case NumberFormat::fp4:
      return kFourBit;
  }
  return kSixteenBit;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The median of the fits of calibrated accelerators with HBM, or nothing if there are none.
std::optional<catalog::OperatorFit> median_fit(const catalog::Catalog& catalog, OperatorKind op,
                                               std::string_view format) {
  std::vector<double> launch, compute, memory, exponent, error;
  for (const auto& [id, calibration] : catalog.calibrations.all()) {
    const auto* accelerator = catalog.accelerators.find(calibration.accelerator);
    const auto* fit = calibration.find(op, format);
    if (!fit || !accelerator || !accelerator->memory) continue;
    launch.push_back(fit->launch_time.in(second));
    compute.push_back(fit->compute_efficiency);
    memory.push_back(fit->memory_efficiency);
    exponent.push_back(fit->exponent);
    error.push_back(fit->error_median);
  }
  if (launch.empty()) return std::nullopt;
  return catalog::OperatorFit{.op = op,
                              .launch_time = median(launch) * second,
                              .compute_efficiency = median(compute),
                              .memory_efficiency = median(memory),
                              .exponent = median(exponent),
                              .error_median = median(error)};
}

/// Used when no calibration of the catalog has the operator: medians over H100, H200 and B200 in bf16.
catalog::OperatorFit default_fit(OperatorKind op) {
  switch (op) {
    case OperatorKind::gemm:
      return {.launch_time = 3.1 * micro * second,
              .compute_efficiency = 0.775,
              .memory_efficiency = 0.787,
              .exponent = 2.66,
              .error_median = 0.10};
    case OperatorKind::attention_prefill:
      return {.launch_time = 17.2 * micro * second,
              .compute_efficiency = 0.50,
              .memory_efficiency = 0.22,
              .exponent = 1.35,
              .error_median = 0.13};
    case OperatorKind::attention_decode:
      return {.launch_time = 11.7 * micro * second,
              .compute_efficiency = 0.03,
              .memory_efficiency = 0.71,
              .exponent = 7.3,
              .error_median = 0.25};
    case OperatorKind::moe:
      return {.launch_time = 29.9 * micro * second,
              .compute_efficiency = 0.80,
              .memory_efficiency = 0.81,
              .exponent = 1.0,
              .error_median = 0.15};
  }
  return {};
}

/// (a^p + b^p)^(1/p) without overflow for large p.
double smooth_maximum(double a, double b, double p) {
  const double larger = std::max(a, b), smaller = std::min(a, b);
  if (smaller <= 0) return larger;
  if (p == 1) return a + b;
  return larger * std::pow(1 + std::pow(smaller / larger, p), 1 / p);
}

}  // namespace

OperatorModel::OperatorModel(const catalog::Accelerator& accelerator, const catalog::Catalog& catalog)
    : accelerator_(accelerator) {
  const catalog::Calibration* own = nullptr;
  for (const auto& [id, calibration] : catalog.calibrations.all())
    if (calibration.accelerator == accelerator.id) own = &calibration;

  const auto choose = [&](OperatorKind op, NumberFormat format) -> Fit {
    const auto make = [](const catalog::OperatorFit& f, double error, Provenance provenance) {
      return Fit{f.launch_time, f.compute_efficiency, f.memory_efficiency, f.exponent, error, provenance};
    };
    const auto transferred = [&](const catalog::OperatorFit& f) {
      return make(f, std::max(kTransferErrorFloor, kTransferErrorFactor * f.error_median), Provenance::transferred);
    };
    const auto formats = fit_formats(format);
    if (own)
      for (const auto name : formats)
        if (const auto* f = own->find(op, name))
          return name == formats[0] ? make(*f, f->error_median, Provenance::fitted) : transferred(*f);
    for (const auto name : formats)
      if (const auto f = median_fit(catalog, op, name)) return transferred(*f);
    return transferred(default_fit(op));
  };
  for (const auto op : kKinds)
    for (const auto format : kFormats) fits_.emplace(std::pair{op, format}, choose(op, format));
}

const OperatorModel::Fit& OperatorModel::fit(OperatorKind op, NumberFormat format) const {
  return fits_.find({op, format})->second;
}

FlopRate OperatorModel::peak(NumberFormat format) const {
  if (const auto rate = accelerator_.peak(format)) return *rate;
  throw InputError(accelerator_.name + " does not compute in " + io::enum_text(format) +
                   "; use bf16 or another format it has");
}

Estimate OperatorModel::evaluate(const Fit& f, FlopCount work, DataSize traffic, FlopRate peak) const {
  const Time compute = work / (peak * f.compute_efficiency);
  const Time memory = traffic / (*accelerator_.memory_bandwidth * f.memory_efficiency);
  const Time roof = smooth_maximum(compute.base(), memory.base(), f.exponent) * second;
  Estimate estimate{
      .time = f.launch_time + roof, .work = work, .traffic = traffic, .provenance = f.provenance, .error = f.error};
  estimate.bound = f.launch_time > roof ? Bound::launch : compute >= memory ? Bound::compute : Bound::memory;
  return estimate;
}

Estimate OperatorModel::estimate(const Gemm& op) const {
  const double inputs = op.m * op.k + op.n * op.k;
  return evaluate(fit(OperatorKind::gemm, op.format), 2 * op.m * op.n * op.k * flop,
                  inputs * size_of(op.format) + kOutputBytes * op.m * op.n * byte, peak(op.format));
}

Estimate OperatorModel::estimate(const PrefillAttention& op) const {
  // A new token at position i sees the context and i tokens: pairs = s (c + (s + 1) / 2).
  const double pairs = op.new_tokens * (op.context_tokens + (op.new_tokens + 1) / 2);
  const FlopCount work = 2 * op.n_sequences * op.n_heads * (op.qk_dim + op.v_dim) * pairs * flop;
  const double queries_and_outputs =
      op.n_heads * op.new_tokens * (op.qk_dim * size_of(op.format).in(byte) + op.v_dim * kOutputBytes);
  const double keys_and_values =
      op.n_kv_heads * (op.new_tokens + op.context_tokens) * (op.qk_dim + op.v_dim) * size_of(op.format).in(byte);
  return evaluate(fit(OperatorKind::attention_prefill, op.format), work,
                  op.n_sequences * (queries_and_outputs + keys_and_values) * byte, peak(op.format));
}

Estimate OperatorModel::estimate(const DecodeAttention& op) const {
  const FlopCount work = 2 * op.n_heads * (op.qk_dim + op.v_dim) * op.total_context_tokens * flop;
  const DataSize cache = op.total_context_tokens * op.kv_bytes_per_token;
  const DataSize traffic = cache + kOutputBytes * op.n_sequences * op.n_heads * (op.qk_dim + op.v_dim) * byte;
  // The format is that of the cache; without such arithmetic the kernel computes in bf16.
  const FlopRate rate = accelerator_.peak(op.format).value_or(*accelerator_.peak_bf16);
  const Fit& grouped = fit(OperatorKind::attention_decode, op.format);
  if (work > kGroupedQueryIntensity * cache)
    return evaluate({grouped.launch_time, kLatentComputeEfficiency, kLatentMemoryEfficiency, kLatentExponent,
                     kLatentError, Provenance::transferred},
                    work, traffic, rate);
  return evaluate(grouped, work, traffic, rate);
}

Estimate OperatorModel::estimate(const Experts& op) const {
  const double pairs = op.n_tokens * op.experts_per_token / op.expert_parallel;  // (token, expert) pairs here
  const double local = op.n_experts / op.expert_parallel;
  // Experts that get a token at all when every pair picks one of n_experts at random.
  const double hit =
      local * -std::expm1(op.n_tokens * op.experts_per_token * std::log1p(-1 / std::max(op.n_experts, 1 + 1e-9)));
  const double active = std::min(hit, pairs), matrices = op.gated ? 3 : 2;
  const double weights = matrices * active * op.hidden_size * op.ffn_size;
  const double rows = std::min(op.n_tokens, pairs);  // read and written once, as the fits count them
  return evaluate(fit(OperatorKind::moe, op.format), 2 * matrices * pairs * op.hidden_size * op.ffn_size * flop,
                  weights * size_of(op.format) + 2 * kOutputBytes * rows * op.hidden_size * byte, peak(op.format));
}

Estimate OperatorModel::stream(DataSize traffic) const {
  return evaluate(fit(OperatorKind::gemm, NumberFormat::bf16), FlopCount{}, traffic, *accelerator_.peak_bf16);
}

Power OperatorModel::idle_power() const { return kIdleFraction * *accelerator_.tdp; }

Power OperatorModel::power(const Estimate& estimate) const {
  if (estimate.time <= Time{}) return idle_power();
  // Work in any format is counted against the bf16 rate: fast narrow formats draw TDP, and their saving of
  // energy is their shorter time.
  const double compute = estimate.work / (*accelerator_.peak_bf16 * estimate.time);
  const double memory = estimate.traffic / (*accelerator_.memory_bandwidth * estimate.time);
  const double share = std::min(1.0, kComputePowerShare * compute + kMemoryPowerShare * memory);
  return idle_power() + share * (*accelerator_.tdp - idle_power());
}

}  // namespace waferwatt::cost
