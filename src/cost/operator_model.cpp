// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/operator_model.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "default_fits.hpp"
#include "measured_points.hpp"
#include "waferwatt/cost/measured_surfaces.hpp"

namespace waferwatt::cost {
namespace {

/// Fits are of kernels that run up to 128 query heads per key-value head, but few above 48 FLOP/byte. Latent
/// attention does hundreds and has kernels of its own: FlashMLA reaches 660 of 989 TFLOP/s and 3.0 of
/// 3.35 TB/s on an H800.
constexpr auto kGroupedQueryIntensity = 160 * flop / byte;
constexpr double kWidestGroupedHead = 256;  ///< wider ones are latent vectors
constexpr FormulaCoefficients kLatent{.compute_efficiency = 0.60, .memory_efficiency = 0.80, .exponent = 2};
constexpr double kLatentError = 0.20, kLatentErrorP90 = 0.40;

/// The least error of what was not measured. Between accelerators of one die GEMMs miss 4 %, attention and experts 7
/// to 10; between generations of one vendor GEMMs miss 7 to 10 %; other vendors' best GEMMs (MI300X, MI325X, Gaudi 3)
/// lie 5 to 40 % off; and held-out errors are about 1.5 times larger without own points.
struct Band {
  double median, p90;
};
constexpr Band kSameDie{0.08, 0.25}, kSameVendor{0.15, 0.40}, kOtherVendor{0.25, 0.60}, kNoHbm{0.35, 1.2}, kSpecOnly{0.30, 0.75};
constexpr double kTransferErrorFactor = 1.5;
/// Another format's kernel stands in.
constexpr double kOtherFormat = 1.5;
/// Decode attention and experts differ more between generations than GEMMs and prefill: half of their times are missed by
/// 15 to 32 % and 9 to 42 % when a generation is left out, nine tenths by 40 to 80 % and 35 to 90 %.
double spread(OperatorKind op) {
  return op == OperatorKind::attention_decode || op == OperatorKind::moe ? 2 : 1;
}

/// Two collections of the same kernel on the same model of accelerator differ by this much in the median.
constexpr double kRepeatability = 0.03, kRepeatabilityP90 = 0.12;
/// Beyond this distance from measured points (octaves) the formula's own error counts.
constexpr double kNear = 1, kFar = 4;

/// Backward takes 2.9 to 3.3 times forward (cuDNN 9.19 on an H200) for 2.5 times its work.
constexpr double kBackwardEfficiency = 2.5 / 3.0;

/// Sustained GEMMs of 0.1 to 5 TFLOP take 9 to 16 % longer than in bursts on H200 and B200.
constexpr double kSustainedSlowdown = 1.12;

/// A die at its power limit whose own rate nobody measured: watts go with the clock's cube near the top (power_cap.hpp), so
/// that the rate it holds goes with the cube root of its watts, whatever its data sheet's peak.
double sustained_slowdown(const std::vector<Donor>& siblings, const catalog::Accelerator& accelerator) {
  if (siblings.empty()) return kSustainedSlowdown;
  double sum = 0;
  for (const auto& [fit, donor] : siblings)
    sum += (*accelerator.peak_bf16 / *donor->peak_bf16) / std::cbrt(*accelerator.tdp / *donor->tdp);
  return std::max(1.0, kSustainedSlowdown * sum / static_cast<double>(siblings.size()));
}

/// Formats whose fits stand in for a format, the nearest first; its own is always the first.
std::span<const std::string_view> fit_formats(std::size_t format) {
  static constexpr std::array<std::string_view, 4> kSixteenBit{"bf16", "fp8_block", "fp8", "nvfp4"};
  static constexpr std::array<std::string_view, 4> kEightBit{"fp8", "fp8_block", "bf16", "nvfp4"};
  static constexpr std::array<std::string_view, 4> kEightBitBlock{"fp8_block", "fp8", "bf16", "nvfp4"};
  static constexpr std::array<std::string_view, 4> kInteger{"int8", "fp8", "bf16", "fp8_block"};
  static constexpr std::array<std::string_view, 4> kFourBit{"nvfp4", "fp8_block", "fp8", "bf16"};
  static constexpr std::array<std::string_view, 4> kFourBitFast{"nvfp4_low_latency", "nvfp4", "fp8_block", "bf16"};
  static constexpr std::array<std::string_view, 4> kEightBitWeights{"int8_wo", "int4_wo", "w4a16_mxfp4", "bf16"};
  static constexpr std::array<std::string_view, 4> kFourBitWeights{"int4_wo", "w4a16_mxfp4", "int8_wo", "bf16"};
  static constexpr std::array<std::string_view, 4> kMxWeights{"w4a16_mxfp4", "int4_wo", "int8_wo", "bf16"};
  static constexpr std::array<std::string_view, 4> kMxEight{"w4a8_mxfp4", "fp8", "fp8_block", "bf16"};
  static constexpr std::array<std::span<const std::string_view>, kKernelFormats.size()> kOrder{
      kSixteenBit, kEightBit,    kEightBitBlock,   kInteger,        kFourBit,
      kFourBitFast, kEightBitWeights, kFourBitWeights, kMxWeights, kMxEight};
  return kOrder[format];
}

/// The operator whose fit stands in when nobody measured one of this kind.
OperatorKind stand_in(OperatorKind kind) {
  return kind == OperatorKind::attention_backward ? OperatorKind::attention_prefill : OperatorKind::gemm;
}

bool is_basic(OperatorKind kind) {
  return kind == OperatorKind::gemm || kind == OperatorKind::attention_prefill || kind == OperatorKind::attention_decode ||
         kind == OperatorKind::moe;
}

}  // namespace

/// Chooses the fit of every operator and format.
struct OperatorModel::Maker {
  const catalog::Accelerator& accelerator;
  const catalog::Catalog& catalog;
  MeasuredSurfaces& surfaces;
  Mode mode;
  const catalog::Calibration* own = nullptr;

  Maker(const catalog::Accelerator& a, const catalog::Catalog& c, MeasuredSurfaces& s, Mode m) : accelerator(a), catalog(c), surfaces(s), mode(m) {
    for (const auto& [id, calibration] : catalog.calibrations.all())
      if (calibration.accelerator == accelerator.id) own = &calibration;
  }

  Fit made(const catalog::OperatorFit& f, const std::vector<const catalog::OperatorFit*>& donors, Provenance provenance) {
    Fit fit{Formula::of(f), f.error_median, std::max(f.error_p90, f.error_median), f.formula_error_median.value_or(f.error_median),
            provenance, {}};
    if (provenance == Provenance::transferred) widen(fit, f, kSameVendor);
    if (provenance == Provenance::spec_only) widen(fit, f, kSpecOnly);
    if (mode == Mode::physics) {
      fit.error = std::max(fit.error, fit.formula_error);
      return fit;
    }
    for (const auto* donor : donors) {
      if (donor->grid && donor->grid->n_points() > 0) fit.surfaces.push_back(surfaces.of(*donor));
    }
    return fit;
  }

  /// Fits of accelerators with HBM; or, with measured points only, of those of the same die.
  std::vector<Donor> donors(OperatorKind op, std::string_view format, bool siblings) const {
    std::vector<Donor> found;
    for (const auto& [id, calibration] : catalog.calibrations.all()) {
      const auto* donor = catalog.accelerators.find(calibration.accelerator);
      const auto* f = calibration.find(op, format);
      if (calibration.quality == catalog::Quality::guess) continue;
      if (f && donor && (siblings ? f->grid && same_die(*donor, accelerator) : donor->memory.has_value())) found.push_back({f, donor});
    }
    // Who has a die's points speaks for it: the others' coefficients were found with them.
    const auto is_spoken_for = [&](const Donor& donor) {
      return !donor.fit->grid && std::ranges::any_of(found, [&](const Donor& d) { return d.fit->grid && same_die(*d.accelerator, *donor.accelerator); });
    };
    std::vector<Donor> speakers;
    std::ranges::remove_copy_if(found, std::back_inserter(speakers), is_spoken_for);
    return speakers;
  }

  static std::vector<const catalog::OperatorFit*> fits_of(const std::vector<Donor>& donors) {
    std::vector<const catalog::OperatorFit*> fits;
    for (const auto& donor : donors) fits.push_back(donor.fit);
    return fits;
  }

  /// Own coefficients, and points of the same die: a higher power limit, or units that were added, change rates but
  /// not how a kernel's time follows its shape.
  Fit shared(const catalog::OperatorFit& own_fit, const std::vector<Donor>& siblings) {
    Fit fit = made(own_fit, fits_of(siblings), Provenance::transferred);
    widen(fit, own_fit, kSameDie);
    return fit;
  }
  Fit transferred(const std::vector<Donor>& donors, Band band) {
    const auto f = median_fit(donors, accelerator);
    Fit fit = made(f, fits_of(donors), Provenance::transferred);
    widen(fit, f, band);
    return fit;
  }
  /// What accelerators without a die in common may be off by.
  Band band_of(const std::vector<Donor>& donors, OperatorKind op, bool is_own_format) const {
    if (!accelerator.memory) return kNoHbm;
    const bool is_kin = std::ranges::any_of(donors, [&](const Donor& d) { return d.accelerator->vendor == accelerator.vendor; });
    const Band band = is_kin ? kSameVendor : kOtherVendor;
    const double wider = std::max(spread(op), is_own_format ? 1 : kOtherFormat);
    return {wider * band.median, wider * band.p90};
  }
  static void widen(Fit& fit, const catalog::OperatorFit& f, Band band) {
    fit.error = std::max(band.median, kTransferErrorFactor * f.error_median);
    fit.error_p90 = std::max(band.p90, kTransferErrorFactor * f.error_p90);
    fit.formula_error = std::max(fit.error, f.formula_error_median.value_or(f.error_median));
  }

  /// The best that is known: own points, points of the same die, own coefficients, another format of its own,
  /// the median of others.
  Fit chosen(OperatorKind op, std::size_t format) {
    const auto formats = fit_formats(format);
    const auto* exact = own ? own->find(op, formats[0]) : nullptr;
    if (exact && exact->grid) return made(*exact, {exact}, Provenance::fitted);
    if (const auto siblings = donors(op, formats[0], true); !siblings.empty()) return exact ? shared(*exact, siblings) : transferred(siblings, kSameDie);
    if (exact) return made(*exact, {}, own->quality == catalog::Quality::guess ? Provenance::transferred : Provenance::fitted);
    if (own)
      for (const auto name : formats)
        if (const auto* f = own->find(op, name)) return made(*f, {}, Provenance::transferred);
    for (const bool siblings : {true, false})
      for (const auto name : formats)
        if (const auto found = donors(op, name, siblings); !found.empty()) return transferred(found, siblings ? kSameVendor : band_of(found, op, name == formats[0]));
    if (is_basic(op)) return made(default_fit(op), {}, Provenance::spec_only);
    Fit fit = chosen(stand_in(op), format);
    if (op == OperatorKind::attention_backward) {
      fit.formula.first.compute_efficiency *= kBackwardEfficiency;
      if (fit.formula.other) fit.formula.other->compute_efficiency *= kBackwardEfficiency;
    } else {
      fit.surfaces.clear();  // a GEMM's shapes are not theirs
    }
    if (fit.provenance == Provenance::fitted) fit.provenance = Provenance::transferred;
    fit.error = std::max(fit.error, kSameVendor.median), fit.error_p90 = std::max(fit.error_p90, kSameVendor.p90);
    return fit;
  }
};

OperatorModel::OperatorModel(const catalog::Accelerator& accelerator, const catalog::Catalog& catalog, Mode mode)
    : OperatorModel(accelerator, catalog, *std::make_unique<MeasuredSurfaces>(), mode) {}

OperatorModel::OperatorModel(const catalog::Accelerator& accelerator, const catalog::Catalog& catalog, MeasuredSurfaces& surfaces, Mode mode)
    : accelerator_(accelerator), sustained_slowdown_(kSustainedSlowdown) {
  Maker maker(accelerator, catalog, surfaces, mode);
  for (std::size_t format = 0; format < kKernelFormats.size(); ++format) {
    for (std::size_t kind = 0; kind < kNumberOfKinds; ++kind)
      fits_[kind][format] = maker.chosen(static_cast<OperatorKind>(kind), format);
    peaks_[format] = accelerator.peak(kKernelFormats[format].arithmetic);
    if (const auto* f = maker.own ? maker.own->find(OperatorKind::gemm, kKernelFormats[format].name, "balanced", true) : nullptr)
      sustained_[format] = maker.made(*f, {f}, Provenance::fitted);
  }
  const bool has_own_rate = maker.own && maker.own->find(OperatorKind::gemm, "bf16");
  if (!has_own_rate) sustained_slowdown_ = sustained_slowdown(maker.donors(OperatorKind::gemm, "bf16", true), accelerator);
  if (maker.own && maker.own->power) power_ = *maker.own->power;
}

void OperatorModel::refuse(NumberFormat format) const {
  throw InputError(accelerator_.name + " does not compute in " + io::enum_text(format) +
                   "; use bf16 or another format it has");
}

Estimate OperatorModel::evaluate(const Fit& f, const Demand& demand, FlopRate peak) const {
  const Load load = demand.load(peak, *accelerator_.memory_bandwidth);
  // Before the formula: a processor computes its powers while it waits for the last steps of the search.
  const auto [residual, nearest] = mean_of(f.surfaces, demand.at);
  const auto [branch, time_s] = f.formula.fastest(load);
  Estimate estimate{.time = time_s * second,
                    .work = demand.work,
                    .traffic = demand.traffic,
                    .bound = bound_of(*branch, load, time_s),
                    .provenance = f.provenance,
                    .error = f.error,
                    .error_p90 = f.error_p90};
  if (f.surfaces.empty()) return estimate;

  estimate.time *= std::exp(static_cast<float>(residual));
  if (nearest == 0 && f.provenance == Provenance::fitted) {
    estimate.provenance = Provenance::measured;
    estimate.error = std::min(kRepeatability, f.error), estimate.error_p90 = std::min(kRepeatabilityP90, f.error_p90);
  } else if (nearest > kNear) {
    const double away = std::min(1.0, (nearest - kNear) / (kFar - kNear));
    estimate.error += away * std::max(f.formula_error - f.error, 0.5 * f.error);
    estimate.error_p90 *= 1 + away;
  }
  return estimate;
}

Estimate OperatorModel::estimate(const Demand& demand) const {
  const auto& rate = peaks_[demand.format];
  const bool needs_rate = demand.work > FlopCount{};
  if (!rate && needs_rate) refuse(kKernelFormats[demand.format].arithmetic);
  return evaluate(fit(demand.kind, demand.format), demand, rate ? *rate : *accelerator_.peak_bf16);
}

Estimate OperatorModel::estimate(const DecodeAttention& op) const {
  Demand d = demand(op);
  // The format is that of the cache; without such arithmetic the kernel computes in bf16.
  const FlopRate rate = peaks_[d.format].value_or(*accelerator_.peak_bf16);
  const Fit& grouped = fit(OperatorKind::attention_decode, d.format);
  if (op.qk_dim <= kWidestGroupedHead && d.work <= kGroupedQueryIntensity * d.traffic) return evaluate(grouped, d, rate);
  Fit latent{.formula = {kLatent, {}}, .error = kLatentError, .error_p90 = kLatentErrorP90, .provenance = Provenance::transferred};
  latent.formula.first.launch_s = grouped.formula.first.launch_s;
  d.reread = {}, d.serial = {};  // its kernels read the cache once for all heads
  return evaluate(latent, d, rate);
}

Estimate OperatorModel::sustained(const Gemm& op) const {
  const Demand d = demand(op);
  const auto& rate = peaks_[d.format];
  if (!rate) refuse(op.format);
  if (const auto& f = sustained_[d.format]) return evaluate(*f, d, *rate);
  Estimate estimate = evaluate(fit(OperatorKind::gemm, d.format), d, *rate);
  if (estimate.bound == Bound::compute) estimate.time *= sustained_slowdown_;
  return estimate;
}

// H200: 2.5 us for each small kernel in a stream; a graph costs about 6 us to start and 1.3 us a node.
Time OperatorModel::launch_time(double n_kernels, LaunchMode mode) {
  constexpr double kStream = 2.5, kGraph = 6.0, kNode = 1.3;
  const double us = mode == LaunchMode::stream ? kStream * n_kernels : n_kernels > 0 ? kGraph + kNode * n_kernels : 0;
  return us * micro * second;
}

// Copies of 1 GiB reach 26 GB/s on PCIe 4 x16 and 55 GB/s on PCIe 5 x16; small ones take about 8 us.
Time OperatorModel::host_copy_time(DataSize size, HostLink link) {
  const auto rate = (link == HostLink::pcie4 ? 26 : 55) * giga * byte / second;
  return 8 * micro * second + size / rate;
}

Power OperatorModel::idle_power() const { return power_.idle_fraction * *accelerator_.tdp; }

Power OperatorModel::power(const Estimate& estimate) const {
  if (estimate.time <= Time{}) return idle_power();
  // Work in any format is counted against the bf16 rate: fast narrow formats draw TDP, and their saving of
  // energy is their shorter time.
  const double compute = estimate.work / (*accelerator_.peak_bf16 * estimate.time);
  const double memory = estimate.traffic / (*accelerator_.memory_bandwidth * estimate.time);
  const double share = std::min(1.0, power_.compute_share * compute + power_.memory_share * memory);
  return idle_power() + share * (*accelerator_.tdp - idle_power());
}

Energy OperatorModel::energy_per_flop() const {
  return power_.compute_share * (*accelerator_.tdp - idle_power()) * (flop / *accelerator_.peak_bf16);
}

Energy OperatorModel::energy_per_byte() const {
  return power_.memory_share * (*accelerator_.tdp - idle_power()) * (byte / *accelerator_.memory_bandwidth);
}

}  // namespace waferwatt::cost
