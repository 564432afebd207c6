// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/summary.hpp"

#include <catch2/catch.hpp>

#include <numeric>

#include "fixture.hpp"

using namespace waferwatt;
using namespace waferwatt::serving;

TEST_CASE("Percentiles interpolate between ranks") {
  // Of 1, 2, 3, 4: rank 0.5 * 3 = 1.5 gives 2.5; rank 0.9 * 3 = 2.7 gives 3.7.
  const Percentiles p = percentiles({4, 1, 3, 2});
  CHECK(p.p50 == Approx(2.5));
  CHECK(p.p90 == Approx(3.7));
  CHECK(p.mean == Approx(2.5));
  CHECK(percentiles({}).p99 == 0);
}

TEST_CASE("Money and carbon follow accelerator hours and energy") {
  Deployment deployment = small_deployment();
  deployment.groups[0].n_replicas = 2;
  const ServingOutcome outcome = outcome_of(deployment, varied_lengths(10, 500));
  const Rates rates{
      .accelerator_prices = {2 * usd / hour}, .pue = 1.5, .carbon_intensity = 0.4 * kg_co2e / (kilo * watt_hour)};
  const ServingSummary s = summarise(outcome, deployment, {}, rates);
  const double million_tokens = s.output_tokens_per_s * outcome.end_s / 1e6;
  CHECK(s.usd_per_million_output_tokens == Approx(2.0 * 2 * outcome.end_s / 3600 / million_tokens));
  CHECK(s.g_co2e_per_million_output_tokens == Approx(400.0 * 1.5 * s.energy_j / 3.6e6 / million_tokens));
  // Never below idle, never above TDP.
  const double idle_j = 2 * outcome.end_s * outcome.groups[0].idle_power_w;
  CHECK(s.energy_j > idle_j);
  CHECK(s.energy_j < 2 * outcome.end_s * deployment.groups[0].accelerator->tdp->in(watt));
}

TEST_CASE("The deployment's ledger is the sum of its requests' latencies") {
  const Deployment deployment = small_deployment();
  const ServingSummary s = summarise(outcome_of(deployment, varied_lengths(20, 1000)), deployment, {}, {});
  CHECK(std::accumulate(s.charged_s.begin(), s.charged_s.end(), 0.0) == Approx(s.end_to_end_s).epsilon(1e-9));
}

TEST_CASE("Timeline intervals hold every token and arrival") {
  const Deployment deployment = small_deployment();
  const ServingOutcome outcome =
      outcome_of(deployment, varied_lengths(5, 1500));  // about 300 s: intervals double twice or more
  std::int64_t arrivals = 0, tokens = 0;
  double busy_s = 0;
  for (const LoadInterval& interval : outcome.timeline.intervals()) {
    arrivals += interval.n_arrivals;
    tokens += interval.output_tokens;
    busy_s += interval.busy_s;
  }
  CHECK(outcome.timeline.intervals().size() <= Timeline::kMaxIntervals);
  CHECK(arrivals == 1500);
  CHECK(tokens == outcome.replicas[0].decode_tokens);
  CHECK(busy_s == Approx(outcome.replicas[0].cost.time_s));
}

TEST_CASE("More load lengthens the wait for the first token") {
  const Deployment deployment = small_deployment();
  double before = 0;
  for (const double rate : {2.0, 10.0, 30.0}) {
    const double ttft = summarise(outcome_of(deployment, varied_lengths(rate, 1000)), deployment, {}, {}).ttft_s.p50;
    CHECK(ttft > before);
    before = ttft;
  }
}
