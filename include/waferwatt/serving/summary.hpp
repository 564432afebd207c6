// SPDX-License-Identifier: Apache-2.0
#pragma once
// The figures by which a deployment is judged.
#include "waferwatt/serving/simulation.hpp"

namespace waferwatt::serving {

using core::Percentiles;
using core::percentiles;

bool meets(const ServiceLevel& level, const RequestRecord& request);

/// What running the accelerators costs.
struct Rates {
  std::vector<MoneyRate> accelerator_prices;  ///< of one accelerator of each group, power included; empty: unknown
  double pue = 1.2;
  CarbonIntensity carbon_intensity;
};

/// Adds requests up as they end, in bounded memory.
class RequestMeter final : public RequestSink {
 public:
  explicit RequestMeter(const ServiceLevel& level) : level_(level) {}
  void take(const RequestRecord& request) override;

  std::int64_t n_requests = 0, n_completed = 0, n_good = 0;
  std::array<std::int64_t, 4> n_refused{};  ///< by Refusal
  core::PercentileSink ttft_s, tpot_s, e2e_s;  ///< of completed requests; TPOT of those with two tokens or more
  double input_tokens = 0, output_tokens = 0, cached_tokens = 0, end_to_end_s = 0;  ///< of completed requests
  std::array<double, kNCharges> charged_s{};

 private:
  ServiceLevel level_;
};

/// Rates are over the time from 0 to the last token.
struct ServingSummary {
  std::int64_t n_requests = 0, n_completed = 0, n_rejected = 0, n_good = 0, n_preemptions = 0, n_iterations = 0;
  std::int64_t n_rate_limited = 0, n_overloaded = 0;       ///< of the rejected; the others were too long
  Percentiles ttft_s, tpot_s, itl_s, e2e_s;                ///< TTFT, TPOT, end to end of requests; gaps between tokens
  double output_tokens_per_s = 0, input_tokens_per_s = 0;  ///< of the deployment, completed requests
  double output_tokens_per_s_per_accelerator = 0;
  double goodput_requests_per_s = 0;                    ///< requests that met the service level
  double attainment = 0;                                ///< share of all requests that met it
  double cached_share = 0;                              ///< of prompt tokens, found in prefix caches
  double kv_occupancy_mean = 0, kv_occupancy_peak = 0;  ///< fractions; the mean is over busy time
  double busy_fraction = 0;                             ///< of the time that replicas are up
  double mean_requests_in_system = 0;
  IterationCost busy;   ///< of all replicas; energy of one accelerator of each
  double energy_j = 0;  ///< of all accelerators, idle time included
  double usd = 0, accelerator_hours = 0;
  double prefill_share = 0;  ///< of busy accelerator time, that decodes alone would not have taken
  double joule_per_output_token = 0, usd_per_million_output_tokens = 0, g_co2e_per_million_output_tokens = 0;
  /// Cost and energy divided between input and output by the busy time that each took.
  double usd_per_million_input = 0, usd_per_million_output = 0, joule_per_input = 0, joule_per_output = 0;
  std::array<double, kNCharges> charged_s{};  ///< summed over completed requests
  double end_to_end_s = 0;                    ///< the same, from arrivals and ends
  double error = 0;                           ///< expected relative error of an iteration's time
};

ServingSummary summarise(const RequestMeter& meter, const ServingOutcome& outcome, const Deployment& deployment,
                         const Rates& rates);
/// The same of requests that were kept in the outcome.
ServingSummary summarise(const ServingOutcome& outcome, const Deployment& deployment, const ServiceLevel& level,
                         const Rates& rates);

}  // namespace waferwatt::serving
