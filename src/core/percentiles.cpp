// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/percentiles.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace waferwatt::core {
namespace {

constexpr double kLeast = 1e-9, kMost = 3.2e10, kWidth = 1e-3;

std::size_t class_of(double value) {
  return value < kLeast ? 0 : 1 + static_cast<std::size_t>(std::log(std::min(value, kMost) / kLeast) / kWidth);
}
double middle_of(std::size_t index) {
  return index == 0 ? 0 : kLeast * std::exp((static_cast<double>(index) - 0.5) * kWidth);
}

double interpolated(const std::vector<double>& sorted, double fraction) {
  const double position = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

template <class F>
Percentiles percentiles_by(F quantile, double mean) {
  return {.p50 = quantile(0.5),
          .p90 = quantile(0.9),
          .p99 = quantile(0.99),
          .mean = mean,
          .p95 = quantile(0.95),
          .p999 = quantile(0.999),
          .maximum = quantile(1)};
}

}  // namespace

Percentiles percentiles(std::vector<double> values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return percentiles_by([&](double fraction) { return interpolated(values, fraction); },
                        sum / static_cast<double>(values.size()));
}

void PercentileSink::count(double value, std::int64_t n_times) {
  if (classes_.empty()) {
    classes_.resize(class_of(kMost) + 1);
    for (const double value : values_) ++classes_[class_of(value)];
    values_.clear();
    values_.shrink_to_fit();
  }
  classes_[class_of(value)] += n_times;
}

double PercentileSink::quantile(double fraction) const {
  if (fraction == 1) return maximum_;
  auto left = static_cast<std::int64_t>(fraction * static_cast<double>(n_ - 1)) + 1;
  for (std::size_t i = 0; i < classes_.size(); ++i)
    if ((left -= classes_[i]) <= 0) return std::min(middle_of(i), maximum_);
  return maximum_;
}

Percentiles PercentileSink::percentiles() const {
  if (n_ == 0) return {};
  if (classes_.empty()) return core::percentiles(values_);
  return percentiles_by([&](double fraction) { return quantile(fraction); }, sum_ / static_cast<double>(n_));
}

}  // namespace waferwatt::core
