// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a stream of requests is like.
#include <unordered_set>

#include "waferwatt/core/percentiles.hpp"
#include "waferwatt/traces/request.hpp"

namespace waferwatt::traces {

class Statistics {
 public:
  /// \param prefix_tokens of one prefix hash; 0: none
  explicit Statistics(std::int64_t prefix_tokens = 0) : prefix_tokens_(prefix_tokens) {}
  void take(const Request& request);

  std::int64_t n_requests() const { return n_; }
  double span_s() const { return last_s_ - first_s_; }
  double rate_per_s() const { return n_ > 1 ? static_cast<double>(n_ - 1) / span_s() : 0; }
  /// Standard deviation of the gaps between arrivals over their mean: 1 for Poisson arrivals.
  double gap_variation() const;
  /// Variance over mean of the arrivals in a minute: 1 for Poisson arrivals.
  double minute_dispersion() const;
  core::Percentiles input_tokens() const { return input_.percentiles(); }
  core::Percentiles output_tokens() const { return output_.percentiles(); }
  /// Share of all prompt tokens in blocks that earlier prompts began with: what a prefix cache without limit would hold.
  double shared_share() const { return input_sum_ > 0 ? shared_tokens_ / input_sum_ : 0; }

 private:
  void close_minutes(std::int64_t minute);

  std::int64_t prefix_tokens_, n_ = 0, minute_ = 0, n_in_minute_ = 0, n_minutes_ = 0;
  double first_s_ = 0, last_s_ = 0, gap_sum_ = 0, gap_squares_ = 0, minute_sum_ = 0, minute_squares_ = 0;
  double input_sum_ = 0, shared_tokens_ = 0;
  core::PercentileSink input_, output_;
  std::unordered_set<std::uint64_t> seen_;
};

}  // namespace waferwatt::traces
