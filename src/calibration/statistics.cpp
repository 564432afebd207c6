// SPDX-License-Identifier: Apache-2.0
#include "calibration/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>

namespace waferwatt::calibration {

double quantile(std::vector<double> samples, double q) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const double at = q * static_cast<double>(samples.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto above = std::min(below + 1, samples.size() - 1);
  return std::lerp(samples[below], samples[above], at - static_cast<double>(below));
}

double median(const std::vector<double>& samples) { return quantile(samples, 0.5); }

double mean(const std::vector<double>& samples) {
  if (samples.empty()) return 0;
  return std::accumulate(samples.begin(), samples.end(), 0.0) / static_cast<double>(samples.size());
}

double relative_deviation(const std::vector<double>& samples) {
  if (samples.size() < 2) return 0;
  const double centre = mean(samples);
  double squares = 0;
  for (const double sample : samples) squares += (sample - centre) * (sample - centre);
  return centre > 0 ? std::sqrt(squares / static_cast<double>(samples.size() - 1)) / centre : 0;
}

Summary summary(const std::vector<double>& samples) {
  if (samples.empty()) return {};
  return {median(samples),
          quantile(samples, 0.1),
          quantile(samples, 0.9),
          *std::min_element(samples.begin(), samples.end()),
          relative_deviation(samples),
          static_cast<int>(samples.size())};
}

double four_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return std::strtod(text, nullptr);
}

}  // namespace waferwatt::calibration
