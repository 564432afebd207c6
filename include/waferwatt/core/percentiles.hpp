// SPDX-License-Identifier: Apache-2.0
#pragma once
// Percentiles of a stream of positive values, in bounded memory.
//
// Up to kExact values are kept and give exact percentiles; beyond that they are counted in classes 0.1 % wide from
// 1e-9 to 3e10, so that a percentile is off by 0.05 % at most.
#include <cstdint>
#include <vector>

namespace waferwatt::core {

struct Percentiles {
  double p50 = 0, p90 = 0, p99 = 0, mean = 0, p95 = 0, p999 = 0, maximum = 0;
};

/// By linear interpolation between ranks, as numpy does; zeros when there are no values.
Percentiles percentiles(std::vector<double> values);

class PercentileSink {
 public:
  static constexpr std::size_t kExact = 65536;

  void add(double value, std::int64_t n_times = 1) {
    n_ += n_times;
    sum_ += value * static_cast<double>(n_times);
    if (value > maximum_) maximum_ = value;
    if (classes_.empty() && n_times == 1 && values_.size() < kExact)
      values_.push_back(value);
    else
      count(value, n_times);
  }
  std::int64_t count() const { return n_; }
  Percentiles percentiles() const;

 private:
  void count(double value, std::int64_t n_times);
  double quantile(double fraction) const;

  std::int64_t n_ = 0;
  double sum_ = 0, maximum_ = 0;
  std::vector<double> values_;
  std::vector<std::int64_t> classes_;
};

}  // namespace waferwatt::core
