// SPDX-License-Identifier: Apache-2.0
#pragma once
// One operation at one size: what is measured, how much work it is, how many bytes it must move.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waferwatt::calibration {

struct Point {
  std::string op;      ///< gemm, grouped_gemm, attention_prefill, ...
  std::string format;  ///< bf16, fp8_e4m3, fp8_block128, int8; none for launches
  std::vector<std::pair<std::string, std::int64_t>> shape;
  std::vector<std::pair<std::string, std::string>> labels = {};  ///< layout, distribution, direction ...
  bool cold = true;       ///< operands rotate through at least four times the L2
  bool required = false;  ///< measured in every profile: a gate needs it

  /// \throws std::out_of_range for a dimension that the point does not have
  std::int64_t at(std::string_view dimension) const;
  /// "" for a label that the point does not have
  std::string label(std::string_view name) const;
  /// "gemm bf16 m=1 n=8192 k=8192 layout=TN": unique within a sweep.
  std::string name() const;
};

/// Rows of each expert under a point's routing distribution; they add up to experts x rows_per_expert.
/// Zipf weights are (rank + 1)^-s, so "zipf_1.2" means s = 1.2; "one_hot" sends half of all rows to one expert.
std::vector<int> expert_rows(const Point& point);

/// Floating-point (or integer) operations, two per multiply-add; causal attention counts the lower
/// triangle with its diagonal; backward counts 2.5 times forward. 0 where only bytes matter.
double work(const Point& point);

/// Fewest bytes through device memory: each input read once, each output written once.
double bytes(const Point& point);

}  // namespace waferwatt::calibration
