// SPDX-License-Identifier: Apache-2.0
#include "measured_points.hpp"

#include <algorithm>
#include <cmath>

#include "waferwatt/cost/measured_surfaces.hpp"

namespace waferwatt::cost {

const ResidualSurface& MeasuredPoints::make() const {
  const std::lock_guard lock(mutex_);
  if (made_.load(std::memory_order_relaxed)) return surface_;
  std::vector<std::vector<std::int64_t>> columns;
  for (const auto name : shape_columns(op_)) columns.push_back(grid_.column(name));
  std::vector<ResidualSurface::Point> points;
  std::vector<std::int64_t> shape(columns.size());
  for (std::size_t i = 0; i < grid_.n_points(); ++i) {
    for (std::size_t j = 0; j < columns.size(); ++j) shape[j] = columns[j][i];
    points.push_back({demand_of_shape(op_, format_, shape).at, 1e-4 * static_cast<double>(grid_.log_residual_e4.numbers[i])});
  }
  surface_ = ResidualSurface(points);
  made_.store(&surface_, std::memory_order_release);
  return surface_;
}

ResidualSurface::Sample mean_of(std::span<const std::shared_ptr<const MeasuredPoints>> measured, const Coordinates& at) {
  if (measured.empty()) return {};
  const auto n = static_cast<float>(measured.size());
  ResidualSurface::Sample mean{.distance = INFINITY};
  while (!measured.empty()) {
    std::array<const ResidualSurface*, ResidualSurface::kAtOnce> some;
    const std::size_t n_some = std::min(measured.size(), some.size());
    for (std::size_t i = 0; i < n_some; ++i) some[i] = &measured[i]->surface();
    const auto sample = ResidualSurface::sum({some.data(), n_some}, at);
    mean.residual += sample.residual, mean.distance = std::min(mean.distance, sample.distance);
    measured = measured.subspan(n_some);
  }
  mean.residual = static_cast<float>(mean.residual) / n;
  return mean;
}

std::shared_ptr<const MeasuredPoints> MeasuredSurfaces::of(const catalog::OperatorFit& fit) {
  const std::lock_guard lock(mutex_);
  auto& points = made_[&fit];
  if (!points) points = std::make_shared<const MeasuredPoints>(fit);
  return points;
}

}  // namespace waferwatt::cost
