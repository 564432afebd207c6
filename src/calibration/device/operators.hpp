// SPDX-License-Identifier: Apache-2.0
#pragma once
// From a point to an operation that can be timed, and the check that it computes what it should.
#include <functional>

#include "calibration/sweep.hpp"

#include "calibration/device/timing.hpp"

namespace waferwatt::calibration {

/// Puts the operands of a point into the pool, on random data, and plans the library call.
/// The pool is reset first: one operation at a time.
/// \throws Unsupported with the reason
Operation prepare(Bench& bench, const Point& point);

/// Each operator and format against double precision, on small sizes.
std::vector<Check> check_operators(Bench& bench);

// One per family; `check_...` adds one entry per operator and format.
struct GemmOptions {
  bool zeros = false;  ///< operands of zeros: a diagnostic of power capping, never a result
  int sm_target = 0;   ///< multiprocessors that the product may use; 0: all
};
Operation prepare_gemm(Bench& bench, const Point& point, const GemmOptions& options = {});
Operation prepare_grouped_gemm(Bench& bench, const Point& point);
Operation prepare_attention(Bench& bench, const Point& point);
Operation prepare_decode(Bench& bench, const Point& point);
Operation prepare_memory(Bench& bench, const Point& point);
Operation prepare_copy(Bench& bench, const Point& point);
Operation prepare_launch(Bench& bench, const Point& point);

using AddCheck = std::function<void(const std::string& op, const std::string& format, const std::function<Check()>&)>;
void check_gemm(Bench& bench, const AddCheck& add);
void check_attention(Bench& bench, const AddCheck& add);
void check_memory(Bench& bench, const AddCheck& add);

}  // namespace waferwatt::calibration
