// SPDX-License-Identifier: Apache-2.0
#pragma once
// Time and power of one operator on one accelerator.
//
// (1)  t = t0 + s S + ((F / (P ec))^p + (B / (W em))^p)^(1/p)  (formula.hpp)
// (2)  t exp(r(x))                                            (residual_surface.hpp)
//
// F work, B bytes moved, S serial time, P and W peak rate and bandwidth of the accelerator; t0 launch time,
// ec and em efficiencies, p sharpness, s factor of S, from the accelerator's calibration; r what the formula misses at
// measured points near by. An accelerator without a calibration uses medians of the calibrated ones
// (transferred). Work and bytes of each operator: operators.hpp.
//
// Times are of short bursts: under sustained load GEMMs of an accelerator at its power limit take longer,
// see sustained().
#include <memory>

#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/cost/formula.hpp"
#include "waferwatt/cost/operators.hpp"

namespace waferwatt::cost {

class MeasuredPoints;
class MeasuredSurfaces;

/// Where an estimate comes from: a measured point, between measured points of this accelerator, other
/// accelerators or formats, data sheets.
enum class Provenance { measured, fitted, transferred, spec_only };

struct Estimate {
  Time time;
  FlopCount work;
  DataSize traffic;  ///< bytes moved to and from memory
  Bound bound = Bound::launch;
  Provenance provenance = Provenance::transferred;
  double error = 0;      ///< median relative error expected of `time`
  double error_p90 = 0;  ///< nine of ten times are off by less

  Time low() const { return time * (1 / (1 + error_p90)); }
  Time high() const { return time * (1 + error_p90); }
};

/// How kernels are put on the accelerator.
enum class LaunchMode { stream, graph };
enum class HostLink { pcie4, pcie5 };

class OperatorModel {
 public:
  /// calibrated: with the residuals of measured points; physics: the formula alone, whose times never fall
  /// when work or traffic grow.
  enum class Mode { calibrated, physics };

  /// Fits of the accelerator's calibration; for an operator or format it lacks, its nearest format, else
  /// the median over calibrated accelerators with HBM (transferred, with a wider error).
  OperatorModel(const catalog::Accelerator& accelerator, const catalog::Catalog& catalog, Mode mode = Mode::calibrated);
  /// The same with surfaces that models of other accelerators use, too.
  OperatorModel(const catalog::Accelerator& accelerator, const catalog::Catalog& catalog, MeasuredSurfaces& surfaces, Mode mode = Mode::calibrated);

  /// \throws InputError (all of them) when the accelerator does not compute in the operator's format;
  ///         decoding falls back to bf16 arithmetic
  Estimate estimate(const Gemm& op) const { return estimate(demand(op)); }
  Estimate estimate(const GroupedGemm& op) const { return estimate(demand(op)); }
  Estimate estimate(const PrefillAttention& op) const { return estimate(demand(op)); }
  Estimate estimate(const DecodeAttention&) const;
  Estimate estimate(const Experts& op) const { return estimate(demand(op)); }
  Estimate estimate(const RowOperation& op) const { return estimate(demand(op)); }
  Estimate estimate(const Sampling& op) const { return estimate(demand(op)); }
  Estimate estimate(const GatherRows& op) const { return estimate(demand(op)); }
  Estimate estimate(const OptimizerStep& op) const { return estimate(demand(op)); }
  Estimate estimate(const Quantise& op) const { return estimate(demand(op)); }
  Estimate estimate(const Demand& demand) const;
  /// Gradients of the attention's inputs; scores are computed again.
  Estimate backward(const PrefillAttention& op) const { return estimate(backward_demand(op)); }
  /// Reading and writing `traffic` bytes with little work: norms, copies, residual additions.
  Estimate stream(DataSize traffic) const { return estimate(demand(Stream{traffic})); }
  /// A GEMM repeated for seconds, at the accelerator's power limit.
  Estimate sustained(const Gemm&) const;

  /// Starting `n_kernels` that do nothing, one after the other: what launching alone costs the accelerator.
  static Time launch_time(double n_kernels, LaunchMode mode);
  /// Moving bytes between host and accelerator over PCI Express, from pinned memory.
  static Time host_copy_time(DataSize size, HostLink link);

  /// True if the accelerator computes in the format.
  bool supports(NumberFormat format) const { return accelerator_.peak(format).has_value(); }

  /// Mean power while an operator runs: idle power and shares for work and traffic, at most TDP.
  Power power(const Estimate& estimate) const;
  Power idle_power() const;
  Energy energy(const Estimate& estimate) const { return power(estimate) * estimate.time; }
  /// The same shares as energies: what one operation and one byte add to the idle draw.
  Energy energy_per_flop() const;
  Energy energy_per_byte() const;

  const catalog::Accelerator& accelerator() const { return accelerator_; }

 private:
  static constexpr std::size_t kNumberOfKinds = io::EnumTexts<OperatorKind>::values.size();
  struct Fit {
    Formula formula;
    double error = 0, error_p90 = 0, formula_error = 0;
    Provenance provenance = Provenance::transferred;
    std::vector<std::shared_ptr<const MeasuredPoints>> surfaces;  // of one accelerator, or of several others
  };
  struct Maker;
  const Fit& fit(OperatorKind op, std::size_t format) const { return fits_[static_cast<std::size_t>(op)][format]; }
  [[noreturn]] void refuse(NumberFormat format) const;
  Estimate evaluate(const Fit&, const Demand&, FlopRate peak) const;

  catalog::Accelerator accelerator_;
  std::array<std::array<Fit, kKernelFormats.size()>, kNumberOfKinds> fits_;
  std::array<std::optional<Fit>, kKernelFormats.size()> sustained_;
  double sustained_slowdown_;  // of compute-bound GEMMs where no sustained ones were measured
  std::array<std::optional<FlopRate>, kKernelFormats.size()> peaks_;
  catalog::PowerFit power_;
};

}  // namespace waferwatt::cost
