// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/traces/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::traces {

void Statistics::close_minutes(std::int64_t minute) {
  for (; minute_ < minute; ++minute_) {
    const double n = static_cast<double>(n_in_minute_);
    minute_sum_ += n;
    minute_squares_ += n * n;
    ++n_minutes_;
    n_in_minute_ = 0;
  }
}

void Statistics::take(const Request& request) {
  if (n_ == 0) {
    first_s_ = request.arrival_s;
  } else {
    const double gap_s = request.arrival_s - last_s_;
    gap_sum_ += gap_s;
    gap_squares_ += gap_s * gap_s;
  }
  last_s_ = request.arrival_s;
  ++n_;
  close_minutes(static_cast<std::int64_t>((request.arrival_s - first_s_) / 60));
  ++n_in_minute_;
  input_.add(static_cast<double>(request.input_tokens));
  output_.add(static_cast<double>(request.output_tokens));
  input_sum_ += static_cast<double>(request.input_tokens);
  bool is_shared = true;
  double shared = 0;
  for (const std::uint64_t hash : request.prefix_hashes) {
    is_shared = !seen_.insert(hash).second && is_shared;
    if (is_shared) shared += static_cast<double>(prefix_tokens_);
  }
  shared_tokens_ += std::min(shared, static_cast<double>(request.input_tokens));
}

double Statistics::gap_variation() const {
  if (n_ < 3 || gap_sum_ <= 0) return 0;
  const double n = static_cast<double>(n_ - 1), mean = gap_sum_ / n;
  return std::sqrt(std::max(0.0, gap_squares_ / n - mean * mean)) / mean;
}

double Statistics::minute_dispersion() const {
  if (n_minutes_ < 2 || minute_sum_ <= 0) return 0;
  const double n = static_cast<double>(n_minutes_), mean = minute_sum_ / n;
  return (minute_squares_ / n - mean * mean) / mean;
}

}  // namespace waferwatt::traces
