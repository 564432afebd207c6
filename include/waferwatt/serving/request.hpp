// SPDX-License-Identifier: Apache-2.0
#pragma once
// Requests: how many tokens come in and go out, and when they arrive.
#include <limits>

#include "waferwatt/core/random.hpp"
#include "waferwatt/io/record.hpp"

namespace waferwatt::serving {

struct Request {
  double arrival_s = 0;
  std::int64_t input_tokens = 0, output_tokens = 0;
};

/// Tokens of one side of a request: lognormal around a median, rounded, inside bounds.
/// A sigma of 0 gives the median always.
struct LengthDistribution {
  double median = 1, sigma = 0;
  std::int64_t minimum = 1, maximum = 1'000'000;

  std::int64_t sample(RandomStream& random) const;
  static const io::Record<LengthDistribution>& record();
};

struct RequestLengths {
  LengthDistribution input, output;
};

/// Lengths fitted to a published trace: "azure-2023-conversation", "azure-2023-code".
/// \returns nothing for an unknown name
std::optional<RequestLengths> length_preset(std::string_view name);
std::vector<std::string> length_preset_names();

/// What is asked of a deployment. Either arrivals come at `rate` (Poisson), or `concurrency`
/// requests are kept in flight (closed loop). It ends after `n_requests` or `duration`,
/// whichever comes first.
struct Workload {
  std::optional<std::string> preset;
  std::optional<LengthDistribution> input, output;  ///< instead of a preset
  std::optional<Frequency> rate;
  std::optional<std::int64_t> concurrency;
  std::optional<std::int64_t> n_requests;
  std::optional<Time> duration;

  /// The preset's lengths, or those written out.
  RequestLengths lengths() const;
  static const io::Record<Workload>& record();
};

/// Makes the requests of a workload one after the other, always the same ones for a stream.
class RequestSource {
 public:
  RequestSource(const Workload& workload, const RandomStream& random);

  /// The next request. Open loop: at the next Poisson arrival; closed loop: at `earliest_s`.
  /// \returns nothing when the workload has ended
  std::optional<Request> next(double earliest_s);

  /// Requests to start with: 1 in an open loop (each arrival draws the next one), else the concurrency.
  std::int64_t n_initial() const { return concurrency_.value_or(1); }
  bool is_closed_loop() const { return concurrency_.has_value(); }

 private:
  RequestLengths lengths_;
  std::optional<std::int64_t> concurrency_;
  double mean_gap_s_ = 0, end_s_ = std::numeric_limits<double>::infinity();
  std::int64_t n_left_ = std::numeric_limits<std::int64_t>::max();
  double last_arrival_s_ = 0;
  RandomStream gaps_, inputs_, outputs_;
};

}  // namespace waferwatt::serving
