// SPDX-License-Identifier: Apache-2.0
#pragma once
// Measured times of collectives inside one domain, of the accelerator itself or carried over from another.
#include "waferwatt/catalog/catalog.hpp"

namespace waferwatt::network {

/// The curves that tell an accelerator's times. Unmeasured accelerators take those of the vendor's measured
/// accelerator that shares the scale-up fabric, else of one with the same kind of fabric, in either case the
/// one nearest in bf16 rate. With links r times as fast, S bytes take as long as S / r bytes did there:
/// latencies stay, transfers scale.
class MeasuredCollectives {
 public:
  /// \param calibration must live as long as this
  /// \param bandwidth_ratio own bandwidth of a link over that of the measured accelerator
  explicit MeasuredCollectives(const catalog::CollectiveCalibration& calibration, double bandwidth_ratio = 1);

  /// \param link bandwidth of one accelerator into the domain, one direction
  /// \returns nothing when no accelerator of the vendor with such a fabric was measured
  static std::optional<MeasuredCollectives> of(const catalog::Accelerator& accelerator, const catalog::System* system,
                                               Bandwidth link, const catalog::Catalog& catalog);

  /// Launch included. Between measured numbers of ranks log-log; beyond the largest the largest's.
  /// \param library "nccl 2.29.2", or "nccl" for its newest
  /// \returns nothing when the library was not measured in one domain
  std::optional<Time> time(std::string_view operation, std::string_view library, std::int64_t n_ranks, DataSize size) const;
  /// The largest measured number of ranks in one domain; 0 if there is none.
  std::int64_t most_ranks(std::string_view operation, std::string_view library) const;

  const catalog::CollectiveCalibration& calibration() const { return *calibration_; }
  double bandwidth_ratio() const { return bandwidth_ratio_; }
  /// "measured on nvidia-h100-sxm", "nvidia-h100-sxm's times at 0.444 times its bandwidth".
  std::string provenance() const;

 private:
  using Curves = std::map<std::int64_t, const catalog::CollectiveCurve*>;  // by number of ranks
  const Curves* curves(std::string_view operation, std::string_view library) const;

  const catalog::CollectiveCalibration* calibration_;
  std::map<std::string, Curves, std::less<>> by_name_;  // "all-reduce nccl"
  double bandwidth_ratio_;
  bool own_ = true;
};

/// Bandwidth of one accelerator into its domain, one direction: of its system's fabric, else its own figure.
std::optional<Bandwidth> scale_up_bandwidth(const catalog::Accelerator&, const catalog::System*, const catalog::Catalog&);

}  // namespace waferwatt::network
