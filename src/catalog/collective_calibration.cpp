// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/catalog/collective_calibration.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::catalog {
namespace {

constexpr Time kMicrosecond = 1 * micro * second;

/// Log-log between the points that `kept` lists.
Time interpolated(const CollectiveCurve& curve, const std::vector<std::size_t>& kept, double size) {
  const auto x = [&](std::size_t i) { return curve.sizes_byte[kept[i]]; };
  const auto y = [&](std::size_t i) { return curve.times_us[kept[i]]; };
  if (kept.size() == 1 || size <= x(0)) return y(0) * kMicrosecond;
  const std::size_t last = kept.size() - 1;
  if (size >= x(last)) {
    const double slope = std::max(0.0, (y(last) - y(last - 1)) / (x(last) - x(last - 1)));
    return (y(last) + slope * (size - x(last))) * kMicrosecond;
  }
  std::size_t i = 1;
  while (x(i) < size) ++i;
  const double w = std::log(size / x(i - 1)) / std::log(x(i) / x(i - 1));
  return std::exp((1 - w) * std::log(y(i - 1)) + w * std::log(y(i))) * kMicrosecond;
}

std::vector<std::size_t> all_points(const CollectiveCurve& curve) {
  std::vector<std::size_t> kept(curve.sizes_byte.size());
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = i;
  return kept;
}

}  // namespace

Time CollectiveCurve::time(double size_byte) const { return interpolated(*this, all_points(*this), size_byte); }

Time CollectiveCurve::time_from_neighbours(double size_byte) const {
  std::vector<std::size_t> kept = all_points(*this);
  if (kept.size() <= 2) return interpolated(*this, kept, size_byte);
  const auto away = [&](std::size_t i) { return std::abs(std::log(sizes_byte[i] / size_byte)); };
  kept.erase(std::ranges::min_element(kept, {}, away));
  return interpolated(*this, kept, size_byte);
}

const CollectiveCurve* CollectiveCalibration::find(std::string_view operation, std::string_view library,
                                                   std::int64_t n_ranks, std::int64_t n_nodes) const {
  const CollectiveCurve* of_family = nullptr;
  for (const auto& curve : curves) {
    if (curve.operation != operation || curve.n_ranks != n_ranks || curve.n_nodes != n_nodes) continue;
    if (curve.library == library) return &curve;
    if (!of_family && curve.library.starts_with(std::string{library} + " ")) of_family = &curve;
  }
  return of_family;
}

std::optional<Time> CollectiveCalibration::time(std::string_view operation, std::string_view library,
                                                std::int64_t n_ranks, std::int64_t n_nodes, double size_byte,
                                                bool neighbours_only) const {
  const auto time_of = [&](const CollectiveCurve& curve) {
    return neighbours_only ? curve.time_from_neighbours(size_byte) : curve.time(size_byte);
  };
  const CollectiveCurve *below = nullptr, *above = nullptr;
  for (const auto& curve : curves) {
    const CollectiveCurve* const found = find(operation, library, curve.n_ranks, n_nodes);
    if (!found) continue;
    if (found->n_ranks <= n_ranks && (!below || found->n_ranks > below->n_ranks)) below = found;
    if (found->n_ranks >= n_ranks && (!above || found->n_ranks < above->n_ranks)) above = found;
  }
  if (!below && !above) return std::nullopt;
  const auto n = [](std::int64_t ranks) { return static_cast<double>(ranks); };
  if (below && above) {
    if (below == above) return time_of(*below);
    const double w = std::log(n(n_ranks) / n(below->n_ranks)) / std::log(n(above->n_ranks) / n(below->n_ranks));
    return std::exp((1 - w) * std::log(time_of(*below).in(second)) + w * std::log(time_of(*above).in(second))) * second;
  }
  const CollectiveCurve& nearest = below ? *below : *above;
  return time_of(nearest) * ((n(n_ranks) - 1) / n(n_ranks)) / ((n(nearest.n_ranks) - 1) / n(nearest.n_ranks));
}

std::vector<std::string> CollectiveCalibration::sources() const {
  std::vector<std::string> all{source};
  for (const auto& curve : curves)
    if (curve.source && std::ranges::find(all, *curve.source) == all.end()) all.push_back(*curve.source);
  return all;
}

const io::Record<CollectiveCurve>& CollectiveCurve::record() {
  using C = CollectiveCurve;
  static const auto record =
      io::Record<C>("collective_curve", "Measured times of one collective operation over the size.")
          .required("operation", &C::operation, {.doc = "The operation."})
          .required("library", &C::library, {.doc = "Library with its version or mode."})
          .optional("source", &C::source, {.doc = "Source id; absent: the calibration's."})
          .required("n_ranks", &C::n_ranks, {.doc = "Accelerators.", .at_least = 2, .at_most = 100000})
          .optional("n_nodes", &C::n_nodes, {.doc = "Nodes they are in.", .at_least = 1, .at_most = 100000})
          .required("sizes_byte", &C::sizes_byte, {.doc = "Sizes, rising; for dispatch and combine tokens x hidden size x copies.", .above = 0.0})
          .required("times_us", &C::times_us, {.doc = "Median time of each size.", .above = 0.0, .at_most = 1e9})
          .required("n_points", &C::n_points, {.doc = "Measured points.", .at_least = 1, .at_most = 100000000})
          .required("held_out_error", &C::held_out_error, {.doc = "Median error of points not fitted.", .at_least = 0.0, .at_most = 100.0})
          .check([](const C& c, const io::FieldComplaint& complain) {
            if (c.sizes_byte.empty() || c.sizes_byte.size() != c.times_us.size()) complain("times_us", "needs one time for each size");
            for (std::size_t i = 1; i < c.sizes_byte.size(); ++i)
              if (c.sizes_byte[i] <= c.sizes_byte[i - 1]) return complain("sizes_byte", "must rise");
          });
  return record;
}

const io::Record<CollectiveCalibration>& CollectiveCalibration::record() {
  using C = CollectiveCalibration;
  static const auto record = io::Record<C>("collective_calibration", "Measured collectives of one accelerator.")
                                 .required("id", &C::id, {.doc = "Id; the file's name."})
                                 .required("accelerator", &C::accelerator, {.doc = "Accelerator id."})
                                 .required("curves", &C::curves, {.doc = "One for each operation, library and number of accelerators."})
                                 .required("source", &C::source, {.doc = "Source id of the measurements."})
                                 .required("quality", &C::quality, {.doc = "How the curves are known."})
                                 .optional("note", &C::note, {.doc = "How they were made."});
  return record;
}

}  // namespace waferwatt::catalog
