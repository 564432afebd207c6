// SPDX-License-Identifier: Apache-2.0
#pragma once
// Measured times of collectives on one accelerator, as curves over the size.
#include "waferwatt/catalog/fact.hpp"

namespace waferwatt::catalog {

/// Medians of one operation of one library between a number of accelerators. Between its points the time
/// is log-log linear in the size, below them constant, beyond them it grows as between the last two.
struct CollectiveCurve {
  std::string operation;  ///< "all-reduce", "all-gather", "reduce-scatter", "all-to-all", "send", "dispatch", "combine"
  std::string library;    ///< "nccl 2.29.2", "vllm graph", "deepep normal 24 SM"
  std::optional<std::string> source;  ///< absent: the calibration's
  std::int64_t n_ranks = 2, n_nodes = 1;
  /// Bytes; for dispatch and combine tokens x hidden size x copies of a token.
  std::vector<double> sizes_byte, times_us;
  std::int64_t n_points = 0;
  double held_out_error = 0;  ///< median |predicted / measured - 1| of points not fitted

  Time time(double size_byte) const;
  /// The same without the point nearest to the size: how well its neighbours tell it.
  Time time_from_neighbours(double size_byte) const;

  static const io::Record<CollectiveCurve>& record();
};

struct CollectiveCalibration {
  std::string id, accelerator;
  std::vector<CollectiveCurve> curves;
  std::string source, note;
  Quality quality = Quality::derived;

  /// The curve of an operation and library; of a library family ("nccl") the first one there is, which is
  /// the newest. Nothing if it was not measured.
  const CollectiveCurve* find(std::string_view operation, std::string_view library, std::int64_t n_ranks,
                              std::int64_t n_nodes = 1) const;

  /// The time between any number of accelerators: of the curve, else log-log between those of the nearest
  /// smaller and larger numbers, else of the nearest one times the ratio of (n - 1) / n.
  /// \param neighbours_only tells it without the measured point nearest to the size
  std::optional<Time> time(std::string_view operation, std::string_view library, std::int64_t n_ranks,
                           std::int64_t n_nodes, double size_byte, bool neighbours_only = false) const;
  std::vector<std::string> sources() const;

  static const io::Record<CollectiveCalibration>& record();
};

}  // namespace waferwatt::catalog
