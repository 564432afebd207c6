// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

namespace waferwatt::calibration {

/// Quantile by linear interpolation between order statistics (Hyndman and Fan's type 7); 0 for no samples.
/// \param q in [0, 1]
double quantile(std::vector<double> samples, double q);
double median(const std::vector<double>& samples);
double mean(const std::vector<double>& samples);
/// Sample standard deviation over the mean; 0 for fewer than two samples.
double relative_deviation(const std::vector<double>& samples);

struct Summary {
  double median = 0, p10 = 0, p90 = 0, min = 0, relative_deviation = 0;
  int n = 0;
};
Summary summary(const std::vector<double>& samples);

/// Rounded to four significant digits: more would be noise.
double four_digits(double value);

}  // namespace waferwatt::calibration
