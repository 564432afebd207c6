// SPDX-License-Identifier: Apache-2.0
#pragma once
// The grid of a calibration as a surface, made when it is first asked: a model has dozens of fits and a
// run needs a few.
#include <atomic>
#include <memory>
#include <mutex>
#include <span>

#include "waferwatt/cost/residual_surface.hpp"

namespace waferwatt::cost {

class MeasuredPoints {
 public:
  /// A fit with a grid, which is copied.
  explicit MeasuredPoints(const catalog::OperatorFit& fit) : op_(fit.op), format_(fit.format), grid_(*fit.grid) {}

  /// \throws InputError when the grid lacks a dimension of its operator
  const ResidualSurface& surface() const {
    const ResidualSurface* const made = made_.load(std::memory_order_acquire);
    return made ? *made : make();
  }

 private:
  const ResidualSurface& make() const;

  catalog::OperatorKind op_;
  std::string format_;
  catalog::ResidualGrid grid_;
  mutable std::mutex mutex_;
  mutable ResidualSurface surface_;
  mutable std::atomic<const ResidualSurface*> made_ = nullptr;  // looked at for every estimate: cheaper than std::once_flag
};

/// The mean residual of what some measured, none where nobody did, and the distance to the nearest point of any.
ResidualSurface::Sample mean_of(std::span<const std::shared_ptr<const MeasuredPoints>> measured, const Coordinates& at);

}  // namespace waferwatt::cost
