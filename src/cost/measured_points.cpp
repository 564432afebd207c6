// SPDX-License-Identifier: Apache-2.0
#include "measured_points.hpp"

#include "waferwatt/cost/measured_surfaces.hpp"

namespace waferwatt::cost {

ResidualSurface MeasuredPoints::made() const {
  std::vector<std::vector<std::int64_t>> columns;
  for (const auto name : shape_columns(op_)) columns.push_back(grid_.column(name));
  std::vector<ResidualSurface::Point> points;
  std::vector<std::int64_t> shape(columns.size());
  for (std::size_t i = 0; i < grid_.n_points(); ++i) {
    for (std::size_t j = 0; j < columns.size(); ++j) shape[j] = columns[j][i];
    points.push_back({demand_of_shape(op_, format_, shape).at, 1e-4 * static_cast<double>(grid_.log_residual_e4.numbers[i])});
  }
  return ResidualSurface(points);
}

std::shared_ptr<const MeasuredPoints> MeasuredSurfaces::of(const catalog::OperatorFit& fit) {
  const std::lock_guard lock(mutex_);
  auto& points = made_[&fit];
  if (!points) points = std::make_shared<const MeasuredPoints>(fit);
  return points;
}

}  // namespace waferwatt::cost
