// SPDX-License-Identifier: Apache-2.0
#pragma once
// The grid of a calibration as a surface, made when it is first asked: a model has dozens of fits and a
// run needs a few.
#include <mutex>

#include "waferwatt/cost/residual_surface.hpp"

namespace waferwatt::cost {

class MeasuredPoints {
 public:
  /// A fit with a grid, which is copied.
  explicit MeasuredPoints(const catalog::OperatorFit& fit) : op_(fit.op), format_(fit.format), grid_(*fit.grid) {}

  /// \throws InputError when the grid lacks a dimension of its operator
  const ResidualSurface& surface() const {
    std::call_once(is_made_, [this] { surface_ = made(); });
    return surface_;
  }

 private:
  ResidualSurface made() const;

  catalog::OperatorKind op_;
  std::string format_;
  catalog::ResidualGrid grid_;
  mutable std::once_flag is_made_;
  mutable ResidualSurface surface_;
};

}  // namespace waferwatt::cost
