// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/summary.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace waferwatt::serving {
namespace {

double quantile(const std::vector<double>& sorted, double fraction) {
  const double position = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

void add_requests(const ServingOutcome& outcome, const ServiceLevel& level, ServingSummary& summary) {
  std::vector<double> ttft, tpot, e2e;
  double input_tokens = 0, output_tokens = 0;
  for (const RequestRecord& request : outcome.requests) {
    ++summary.n_requests;
    summary.n_rejected += request.rejected ? 1 : 0;
    if (!request.completed()) continue;
    ++summary.n_completed;
    summary.n_good += level.met_by(request) ? 1 : 0;
    ttft.push_back(request.time_to_first_token_s());
    e2e.push_back(request.end_to_end_s());
    if (request.output_tokens > 1) tpot.push_back(request.time_per_output_token_s());
    input_tokens += static_cast<double>(request.input_tokens);
    output_tokens += static_cast<double>(request.output_tokens);
    summary.end_to_end_s += request.end_to_end_s();
    for (std::size_t i = 0; i < kNCharges; ++i) summary.charged_s[i] += request.charged_s[i];
  }
  summary.ttft_s = percentiles(std::move(ttft));
  summary.tpot_s = percentiles(std::move(tpot));
  summary.e2e_s = percentiles(std::move(e2e));
  if (outcome.end_s <= 0) return;
  summary.input_tokens_per_s = input_tokens / outcome.end_s;
  summary.output_tokens_per_s = output_tokens / outcome.end_s;
  summary.goodput_requests_per_s = static_cast<double>(summary.n_good) / outcome.end_s;
}

void add_replicas(const ServingOutcome& outcome, const Deployment& deployment, ServingSummary& summary) {
  double block_seconds = 0;
  std::int64_t peak = 0;
  for (const ReplicaTotals& totals : outcome.replicas) {
    summary.busy += totals.cost;
    summary.n_preemptions += totals.n_preemptions;
    summary.n_iterations += totals.n_iterations;
    block_seconds += totals.kv_block_seconds;
    peak = std::max(peak, totals.peak_kv_blocks);
  }
  if (summary.busy.time_s <= 0) return;
  const double blocks = static_cast<double>(outcome.memory.n_kv_blocks),
               split = static_cast<double>(deployment.plan.tensor_parallel);
  summary.kv_occupancy_mean = block_seconds / (summary.busy.time_s * blocks);
  summary.kv_occupancy_peak = static_cast<double>(peak) / blocks;
  const double replica_seconds = outcome.end_s * static_cast<double>(deployment.n_replicas);
  summary.busy_fraction = summary.busy.time_s / replica_seconds;
  summary.energy_j =
      split * (summary.busy.energy_j + outcome.idle_power_w * std::max(0.0, replica_seconds - summary.busy.time_s));
  summary.error = summary.busy.error_s / summary.busy.time_s;
}

}  // namespace

bool ServiceLevel::met_by(const RequestRecord& request) const {
  return request.completed() && request.time_to_first_token_s() <= time_to_first_token.in(second) &&
         request.time_per_output_token_s() <= time_per_output_token.in(second);
}

const io::Record<ServiceLevel>& ServiceLevel::record() {
  using L = ServiceLevel;
  static const auto record =
      io::Record<L>("service_level", "Latencies a request must keep to count as good.")
          .optional("time_to_first_token", &L::time_to_first_token,
                    {.doc = "From arrival to the first token.", .above = 0 * second, .at_most = day})
          .optional("time_per_output_token", &L::time_per_output_token,
                    {.doc = "Mean time between the tokens after the first.", .above = 0 * second, .at_most = hour});
  return record;
}

Percentiles percentiles(std::vector<double> values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {quantile(values, 0.5), quantile(values, 0.9), quantile(values, 0.99),
          sum / static_cast<double>(values.size())};
}

ServingSummary summarise(const ServingOutcome& outcome, const Deployment& deployment, const ServiceLevel& level,
                         const Rates& rates) {
  ServingSummary summary;
  add_requests(outcome, level, summary);
  add_replicas(outcome, deployment, summary);
  const double n_accelerators = static_cast<double>(deployment.n_accelerators());
  summary.output_tokens_per_s_per_accelerator = summary.output_tokens_per_s / n_accelerators;
  const double output_tokens = summary.output_tokens_per_s * outcome.end_s;
  if (output_tokens <= 0) return summary;
  const double million = output_tokens / mega;
  summary.joule_per_output_token = summary.energy_j / output_tokens;
  if (rates.accelerator_price)
    summary.usd_per_million_output_tokens =
        (*rates.accelerator_price * (outcome.end_s * second)).in(usd)*n_accelerators / million;
  const CarbonMass carbon = rates.carbon_intensity * (summary.energy_j * rates.pue * joule);
  summary.g_co2e_per_million_output_tokens = carbon.in(kg_co2e)*kilo / million;
  return summary;
}

}  // namespace waferwatt::serving
