// SPDX-License-Identifier: Apache-2.0
#pragma once
// When a point has been sampled enough.
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace waferwatt::calibration {

enum class StopReason { noise, stable_noise, cap };
std::string_view to_text(StopReason reason);

struct StopLimits {
  int least_samples = 10;
  double relative_deviation = 0.005;  ///< quiet enough
  double least_time_s = 0.02;         ///< device time before "quiet enough" counts
  std::size_t noise_window = 64;      ///< trailing values of the noise that are compared
  double noise_deviation = 0.05;      ///< of the noise over its mean: it will not get better
  double cap_s = 0.5;                 ///< wall time
  int most_samples = 2000;
};

class StopRule {
 public:
  explicit StopRule(StopLimits limits) : limits_(limits) {}

  /// \param sample time per operation, any unit
  /// \param device_s device time that this sample took, s
  void add(double sample, double device_s);

  /// Why to stop now, or nothing. Each reason needs the least number of samples; the cap needs only one.
  std::optional<StopReason> reason(double elapsed_s) const;
  const std::vector<double>& samples() const { return samples_; }

 private:
  StopLimits limits_;
  std::vector<double> samples_, noise_;
  double mean_ = 0, squares_ = 0, device_s_ = 0;  // Welford
};

/// Warm-up: batches are repeated until two successive medians differ by less than 1 %.
bool is_warm(double previous_median, double median);

}  // namespace waferwatt::calibration
