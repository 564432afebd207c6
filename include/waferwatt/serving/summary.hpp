// SPDX-License-Identifier: Apache-2.0
#pragma once
// The figures by which a deployment is judged.
#include "waferwatt/serving/simulation.hpp"

namespace waferwatt::serving {

/// What a request must keep to count as good.
struct ServiceLevel {
  Time time_to_first_token = 1 * second;
  Time time_per_output_token = 50 * milli * second;

  bool met_by(const RequestRecord& request) const;
  static const io::Record<ServiceLevel>& record();
};

/// What running the accelerators costs.
struct Rates {
  std::optional<MoneyRate> accelerator_price;  ///< of one accelerator, power included
  double pue = 1.2;
  CarbonIntensity carbon_intensity;
};

struct Percentiles {
  double p50 = 0, p90 = 0, p99 = 0, mean = 0;
};
/// By linear interpolation between ranks, as numpy does; zeros when there are no values.
Percentiles percentiles(std::vector<double> values);

/// Rates are over the time from 0 to the last token.
struct ServingSummary {
  std::int64_t n_requests = 0, n_completed = 0, n_rejected = 0, n_good = 0, n_preemptions = 0, n_iterations = 0;
  Percentiles ttft_s, tpot_s, e2e_s;  ///< of completed requests; TPOT of those with two tokens or more
  double output_tokens_per_s = 0, input_tokens_per_s = 0;  ///< of the deployment, completed requests
  double output_tokens_per_s_per_accelerator = 0;
  double goodput_requests_per_s = 0;                    ///< requests that met the service level
  double kv_occupancy_mean = 0, kv_occupancy_peak = 0;  ///< fractions; the mean is over busy time
  double busy_fraction = 0;
  IterationCost busy;   ///< of all replicas; energy of one accelerator of each
  double energy_j = 0;  ///< of all accelerators, idle time included
  double joule_per_output_token = 0, usd_per_million_output_tokens = 0, g_co2e_per_million_output_tokens = 0;
  std::array<double, kNCharges> charged_s{};  ///< summed over completed requests
  double end_to_end_s = 0;                    ///< the same, from arrivals and ends
  double error = 0;                           ///< expected relative error of an iteration's time
};

ServingSummary summarise(const ServingOutcome& outcome, const Deployment& deployment, const ServiceLevel& level,
                         const Rates& rates);

}  // namespace waferwatt::serving
