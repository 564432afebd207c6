// SPDX-License-Identifier: Apache-2.0
#pragma once
// The measured points of a catalog as surfaces. Accelerators nobody measured take those of others, so that models of
// many accelerators need the same ones: made once, they serve all.
#include <map>
#include <memory>
#include <mutex>

#include "waferwatt/catalog/calibration.hpp"

namespace waferwatt::cost {

class MeasuredPoints;

/// May be asked from many threads. Fits are known by their address: all are of one catalog that does not change meanwhile.
class MeasuredSurfaces {
 public:
  /// \param fit with a grid
  std::shared_ptr<const MeasuredPoints> of(const catalog::OperatorFit& fit);

 private:
  std::mutex mutex_;
  std::map<const catalog::OperatorFit*, std::shared_ptr<const MeasuredPoints>> made_;
};

}  // namespace waferwatt::cost
