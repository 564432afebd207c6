// SPDX-License-Identifier: Apache-2.0
#pragma once
// The time of one operator from its work and traffic.
//
// (1)  t = t0 + s S + ((F / (P ec))^p + (B / (W em))^p)^(1/p)
//
// S is time in which the accelerator does other than the main work: blocks that start one after the other,
// steps along k, kernels that only move activations. With two branches the time is the smaller of both: a library has kernels for short and for long caches,
// and takes the faster one. Both branches grow with F and B, and so does the smaller of them.
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "waferwatt/catalog/calibration.hpp"

namespace waferwatt::cost {

/// (a^p + b^p)^(1/p) without overflow for large p. The correction to the larger one is in single precision, to 1e-7: twice
/// as fast.
inline double smooth_maximum(double a, double b, double p) {
  const double larger = std::max(a, b), smaller = std::min(a, b);
  if (smaller <= 0) return larger;
  if (p == 1) return a + b;
  const auto ratio = static_cast<float>(smaller / larger), power = static_cast<float>(p);
  if (p > 8 && ratio < 0.1f) return larger;
  return larger * static_cast<double>(std::pow(1 + std::pow(ratio, power), 1 / power));
}

/// What an operator asks of an accelerator, each in seconds at its peak or nominal rate.
struct Load {
  double work_s = 0, traffic_s = 0, serial_s = 0;
};

/// Coefficients of (1), launch time in seconds.
struct FormulaCoefficients {
  double launch_s = 0, compute_efficiency = 1, memory_efficiency = 1, exponent = 1, serial_factor = 0;

  double work_time(const Load& load) const { return load.work_s / compute_efficiency; }
  double traffic_time(const Load& load) const { return load.traffic_s / memory_efficiency; }
  double roof(const Load& load) const { return smooth_maximum(work_time(load), traffic_time(load), exponent); }
  double overhead(const Load& load) const { return launch_s + serial_factor * load.serial_s; }
  double time(const Load& load) const { return overhead(load) + roof(load); }
  /// No time of the load is below it: the smooth maximum is never below the larger of both.
  double least_time(const Load& load) const { return overhead(load) + std::max(work_time(load), traffic_time(load)); }
};

struct Formula {
  FormulaCoefficients first;
  std::optional<FormulaCoefficients> other;

  /// The branch that is faster, and its time.
  std::pair<const FormulaCoefficients*, double> fastest(const Load& load) const {
    if (!other) return {&first, first.time(load)};
    // Powers take longer than all the rest: where one branch cannot be the faster one, they are left out.
    const double least = first.least_time(load), least_other = other->least_time(load);
    if (least <= least_other) {
      const double t = first.time(load);
      if (least_other >= t) return {&first, t};
      const double t_other = other->time(load);
      return t_other < t ? std::pair{&*other, t_other} : std::pair{&first, t};
    }
    const double t_other = other->time(load);
    if (least > t_other) return {&*other, t_other};
    const double t = first.time(load);
    return t_other < t ? std::pair{&*other, t_other} : std::pair{&first, t};
  }
  double time(const Load& load) const { return fastest(load).second; }
  static Formula of(const catalog::OperatorFit& fit);
};

/// What an operator waits for most.
enum class Bound : int { launch, memory, compute };

/// What the branch's time of a load is mostly: launch (with serial time), memory or compute.
inline Bound bound_of(const FormulaCoefficients& branch, const Load& load, double time_s) {
  if (const double overhead_s = branch.overhead(load); overhead_s > time_s - overhead_s) return Bound::launch;
  return branch.work_time(load) >= branch.traffic_time(load) ? Bound::compute : Bound::memory;
}

}  // namespace waferwatt::cost
