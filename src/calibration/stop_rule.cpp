// SPDX-License-Identifier: Apache-2.0
#include "calibration/stop_rule.hpp"

#include <cmath>

#include "calibration/statistics.hpp"

namespace waferwatt::calibration {

std::string_view to_text(StopReason reason) {
  switch (reason) {
    case StopReason::noise: return "noise";
    case StopReason::stable_noise: return "stable_noise";
    case StopReason::cap: return "cap";
  }
  return "";
}

void StopRule::add(double sample, double device_s) {
  samples_.push_back(sample);
  device_s_ += device_s;
  const auto n = static_cast<double>(samples_.size());
  const double step = sample - mean_;
  mean_ += step / n;
  squares_ += step * (sample - mean_);
  if (samples_.size() > 1) noise_.push_back(mean_ > 0 ? std::sqrt(squares_ / (n - 1)) / mean_ : 0);
}

std::optional<StopReason> StopRule::reason(double elapsed_s) const {
  const auto n = static_cast<int>(samples_.size());
  if (n >= limits_.least_samples) {
    if (noise_.back() < limits_.relative_deviation && device_s_ >= limits_.least_time_s) return StopReason::noise;
    if (noise_.size() >= limits_.noise_window) {
      const std::vector<double> tail(noise_.end() - static_cast<std::ptrdiff_t>(limits_.noise_window), noise_.end());
      if (device_s_ >= limits_.least_time_s && relative_deviation(tail) < limits_.noise_deviation)
        return StopReason::stable_noise;
    }
  }
  if (n >= 1 && (elapsed_s >= limits_.cap_s || n >= limits_.most_samples)) return StopReason::cap;
  return {};
}

bool is_warm(double previous_median, double median) {
  return median > 0 && std::abs(median - previous_median) < 0.01 * median;
}

}  // namespace waferwatt::calibration
