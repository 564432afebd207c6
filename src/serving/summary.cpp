// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/summary.hpp"

#include <algorithm>

namespace waferwatt::serving {
namespace {

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

void add_requests(const RequestMeter& meter, const ServingOutcome& outcome, ServingSummary& s) {
  s.n_requests = meter.n_requests;
  s.n_completed = meter.n_completed;
  s.n_good = meter.n_good;
  s.n_rejected = meter.n_requests - meter.n_completed;
  s.n_rate_limited = meter.n_refused[static_cast<std::size_t>(Refusal::rate_limited)];
  s.n_overloaded = meter.n_refused[static_cast<std::size_t>(Refusal::overloaded)];
  s.ttft_s = meter.ttft_s.percentiles();
  s.tpot_s = meter.tpot_s.percentiles();
  s.e2e_s = meter.e2e_s.percentiles();
  s.itl_s = outcome.token_gaps.percentiles();
  s.charged_s = meter.charged_s;
  s.end_to_end_s = meter.end_to_end_s;
  s.attainment = ratio(static_cast<double>(meter.n_good), static_cast<double>(meter.n_requests));
  s.input_tokens_per_s = ratio(meter.input_tokens, outcome.end_s);
  s.output_tokens_per_s = ratio(meter.output_tokens, outcome.end_s);
  s.goodput_requests_per_s = ratio(static_cast<double>(meter.n_good), outcome.end_s);
  s.mean_requests_in_system = ratio(outcome.request_seconds, outcome.end_s);
}

/// Sums over replicas; time and energy of busy accelerators.
void add_replicas(const ServingOutcome& outcome, const Deployment& deployment, ServingSummary& s) {
  double kv_share_s = 0, busy_s = 0, prefill_s = 0, cached = 0, prompt = 0;
  for (std::size_t i = 0; i < outcome.replicas.size(); ++i) {
    const ReplicaTotals& totals = outcome.replicas[i];
    const std::size_t g = outcome.replica_groups[i];
    const double n_accelerators = static_cast<double>(deployment.groups[g].plan.n_accelerators());
    const double blocks = static_cast<double>(outcome.groups[g].memory.n_kv_blocks);
    s.busy += totals.cost;
    s.n_preemptions += totals.n_preemptions;
    s.n_iterations += totals.n_iterations;
    s.energy_j += n_accelerators * (totals.cost.energy_j - outcome.groups[g].idle_power_w * totals.cost.time_s);
    s.kv_occupancy_peak = std::max(s.kv_occupancy_peak, static_cast<double>(totals.peak_kv_blocks) / blocks);
    kv_share_s += totals.kv_block_seconds / blocks;
    busy_s += n_accelerators * totals.cost.time_s;
    prefill_s += n_accelerators * totals.prefill_s;
    cached += static_cast<double>(totals.cached_tokens);
    prompt += static_cast<double>(totals.prompt_tokens);
  }
  s.kv_occupancy_mean = ratio(kv_share_s, s.busy.time_s);
  s.prefill_share = ratio(prefill_s, busy_s);
  s.cached_share = ratio(cached, prompt);
  s.error = ratio(s.busy.error_s, s.busy.time_s);
}

void add_groups(const ServingOutcome& outcome, const Deployment& deployment, const Rates& rates, ServingSummary& s) {
  double up_s = 0;
  for (std::size_t g = 0; g < outcome.groups.size(); ++g) {
    const double accelerator_s =
        outcome.groups[g].up_s * static_cast<double>(deployment.groups[g].plan.n_accelerators());
    up_s += outcome.groups[g].up_s;
    s.accelerator_hours += accelerator_s / 3600;
    s.energy_j += outcome.groups[g].idle_power_w * accelerator_s;
    if (!rates.accelerator_prices.empty())
      s.usd += (rates.accelerator_prices[g] * (accelerator_s * second)).in(usd);
  }
  s.busy_fraction = ratio(s.busy.time_s, up_s);
}

void add_per_token(const RequestMeter& meter, const ServingOutcome& outcome, const Rates& rates, ServingSummary& s) {
  const double out = meter.output_tokens, in = meter.input_tokens, mega_ = 1e6;
  if (out <= 0) return;
  s.output_tokens_per_s_per_accelerator = ratio(s.output_tokens_per_s, s.accelerator_hours * 3600 / outcome.end_s);
  s.joule_per_output_token = s.energy_j / out;
  s.usd_per_million_output_tokens = s.usd / out * mega_;
  s.usd_per_million_input = ratio(s.usd * s.prefill_share, in) * mega_;
  s.usd_per_million_output = s.usd * (1 - s.prefill_share) / out * mega_;
  s.joule_per_input = ratio(s.energy_j * s.prefill_share, in);
  s.joule_per_output = s.energy_j * (1 - s.prefill_share) / out;
  const CarbonMass carbon = rates.carbon_intensity * (s.energy_j * rates.pue * joule);
  s.g_co2e_per_million_output_tokens = carbon.in(kg_co2e) * kilo / out * mega_;
}

}  // namespace

bool meets(const ServiceLevel& level, const RequestRecord& request) {
  return request.completed() && request.time_to_first_token_s() <= level.time_to_first_token.in(second) &&
         request.time_per_output_token_s() <= level.time_per_output_token.in(second);
}

void RequestMeter::take(const RequestRecord& request) {
  ++n_requests;
  ++n_refused[static_cast<std::size_t>(request.refusal)];
  if (!request.completed()) return;
  ++n_completed;
  n_good += meets(level_, request) ? 1 : 0;
  ttft_s.add(request.time_to_first_token_s());
  e2e_s.add(request.end_to_end_s());
  if (request.output_tokens > 1) tpot_s.add(request.time_per_output_token_s());
  input_tokens += static_cast<double>(request.input_tokens);
  output_tokens += static_cast<double>(request.output_tokens);
  cached_tokens += static_cast<double>(request.cached_tokens);
  end_to_end_s += request.end_to_end_s();
  for (std::size_t i = 0; i < kNCharges; ++i) charged_s[i] += request.charged_s[i];
}

ServingSummary summarise(const RequestMeter& meter, const ServingOutcome& outcome, const Deployment& deployment,
                         const Rates& rates) {
  ServingSummary summary;
  add_requests(meter, outcome, summary);
  add_replicas(outcome, deployment, summary);
  add_groups(outcome, deployment, rates, summary);
  add_per_token(meter, outcome, rates, summary);
  return summary;
}

ServingSummary summarise(const ServingOutcome& outcome, const Deployment& deployment, const ServiceLevel& level,
                         const Rates& rates) {
  RequestMeter meter(level);
  for (const RequestRecord& request : outcome.requests) meter.take(request);
  return summarise(meter, outcome, deployment, rates);
}

}  // namespace waferwatt::serving
