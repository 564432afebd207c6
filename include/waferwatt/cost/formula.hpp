// SPDX-License-Identifier: Apache-2.0
#pragma once
// The time of one operator from its work and traffic.
//
// (1)  t = t0 + ((F / (P ec))^p + (B / (W em))^p)^(1/p)
//
// With two branches the time is the smaller of both: a library has kernels for short and for long caches,
// and takes the faster one. Both branches grow with F and B, and so does the smaller of them.
#include <algorithm>
#include <cmath>
#include <optional>

#include "waferwatt/catalog/calibration.hpp"

namespace waferwatt::cost {

/// (a^p + b^p)^(1/p) without overflow for large p.
inline double smooth_maximum(double a, double b, double p) {
  const double larger = std::max(a, b), smaller = std::min(a, b);
  if (smaller <= 0) return larger;
  if (p == 1) return a + b;
  const double ratio = smaller / larger;
  if (p > 8 && ratio < 0.1) return larger;
  return larger * std::pow(1 + std::pow(ratio, p), 1 / p);
}

/// Four coefficients of (1). Times are in seconds, work and traffic in seconds at the peak rates.
struct FormulaCoefficients {
  double launch_s = 0, compute_efficiency = 1, memory_efficiency = 1, exponent = 1;

  double roof(double work_s, double traffic_s) const {
    return smooth_maximum(work_s / compute_efficiency, traffic_s / memory_efficiency, exponent);
  }
  double time(double work_s, double traffic_s) const { return launch_s + roof(work_s, traffic_s); }
};

struct Formula {
  FormulaCoefficients first;
  std::optional<FormulaCoefficients> other;

  /// The branch that is faster.
  const FormulaCoefficients& branch(double work_s, double traffic_s) const {
    return other && other->time(work_s, traffic_s) < first.time(work_s, traffic_s) ? *other : first;
  }
  double time(double work_s, double traffic_s) const {
    const double t = first.time(work_s, traffic_s);
    return other ? std::min(t, other->time(work_s, traffic_s)) : t;
  }
  static Formula of(const catalog::OperatorFit& fit);
};

enum class Bound : int;
/// What the time is mostly: launch, memory or compute.
Bound bound_of(const FormulaCoefficients& branch, double work_s, double traffic_s);

}  // namespace waferwatt::cost
