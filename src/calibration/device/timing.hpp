// SPDX-License-Identifier: Apache-2.0
#pragma once
// The time of one operation, outside the host's reach: graphs of copies between events, behind a spinning
// kernel that gives the host time to enqueue everything.
#include <functional>

#include "calibration/device/bench.hpp"
#include "calibration/rotation.hpp"
#include "calibration/stop_rule.hpp"

namespace waferwatt::calibration {

/// A point with its operands in memory.
struct Operation {
  enum class Timing { graph, events, host };
  double set_bytes = 0;  ///< memory of one operand set
  int sets = 1;
  std::function<void(cudaStream_t, int set)> enqueue;
  Timing timing = Timing::graph;
  io::Value algorithm = {};
};

/// How many operand sets of a size a point should have.
int cold_sets(const Bench& bench, const Point& point, double set_bytes);

/// An instantiated graph of operations, or nothing if a library refuses to be captured.
class CapturedGraph {
 public:
  CapturedGraph(Bench& bench, const Operation& operation, int copies);
  ~CapturedGraph();
  CapturedGraph(const CapturedGraph&) = delete;
  CapturedGraph& operator=(const CapturedGraph&) = delete;
  explicit operator bool() const { return executable_ != nullptr; }
  void launch(cudaStream_t stream) const;

 private:
  cudaGraphExec_t executable_ = nullptr;
};

/// \param all_samples filled with every sample if given, us
Sample timed(Bench& bench, const Point& point, const Operation& operation, const StopLimits& limits,
             std::vector<double>* all_samples = nullptr);

}  // namespace waferwatt::calibration
