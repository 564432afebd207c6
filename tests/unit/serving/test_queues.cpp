// SPDX-License-Identifier: Apache-2.0
// Limits that queueing theory knows.
#include <catch2/catch.hpp>

#include "plain_costs.hpp"

using namespace waferwatt;
using namespace waferwatt::serving;

namespace {

/// Batching off: one sequence at a time, its prompt for nothing, a millisecond a token after the first.
Deployment one_at_a_time() {
  Deployment deployment;
  deployment.groups[0].engine.max_sequences = 1;
  return deployment;
}

std::vector<Request> arrivals(double rate, std::size_t n, bool exponential_service) {
  RandomStream gaps(1, "gaps"), services(1, "services");
  std::vector<Request> list(n);
  double now_s = 0;
  for (Request& request : list) {
    now_s += gaps.exponential(1 / rate);
    const double tokens = exponential_service ? services.exponential(1000) : 1000;
    request = {.arrival_s = now_s, .input_tokens = 1, .output_tokens = 2 + static_cast<std::int64_t>(tokens)};
  }
  return list;
}

double mean_wait_s(const PlainRun& run) {
  double sum = 0;
  for (const RequestRecord& request : run.requests) sum += request.time_to_first_token_s();
  return sum / static_cast<double>(run.requests.size());
}

}  // namespace

TEST_CASE("With batching off and exponential service, the wait is that of M/M/1") {
  PlainCosts costs;
  costs.decode_s = 1e-3;
  for (const double load : {0.5, 0.7}) {
    const PlainRun run = plain_run(one_at_a_time(), arrivals(load, 200'000, true), costs);
    // Service of 1 s on average: W = rho / (1 - rho).
    CHECK(mean_wait_s(run) == Approx(load / (1 - load)).epsilon(0.05));
  }
}

TEST_CASE("With batching off and constant service, the wait is that of M/D/1") {
  PlainCosts costs;
  costs.decode_s = 1e-3;
  for (const double load : {0.5, 0.7}) {
    const PlainRun run = plain_run(one_at_a_time(), arrivals(load, 200'000, false), costs);
    CHECK(mean_wait_s(run) == Approx(load / (2 * (1 - load))).epsilon(0.05));
  }
}

TEST_CASE("Little's law: requests in the system are their rate times their time in it") {
  PlainCosts costs;
  costs.base_s = 5e-3;
  costs.decode_s = 1e-4;
  costs.prompt_s = 2e-5;
  Deployment deployment;
  deployment.groups[0].n_replicas = 3;
  deployment.groups[0].engine.max_sequences = 8;
  const PlainRun run = plain_run(deployment, arrivals(4, 5000, true), costs);
  double in_system_s = 0;
  for (const RequestRecord& request : run.requests) in_system_s += request.end_to_end_s();
  CHECK(run.outcome.request_seconds == Approx(in_system_s).epsilon(1e-9));
}

TEST_CASE("Raising the rate never shortens the mean wait, on the same requests") {
  PlainCosts costs;
  costs.base_s = 5e-3;
  costs.decode_s = 1e-4;
  costs.prompt_s = 2e-5;
  Deployment deployment;
  deployment.groups[0].engine.max_sequences = 16;
  double before_s = 0;
  for (const double rate : {0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0}) {
    const double wait_s = mean_wait_s(plain_run(deployment, arrivals(rate, 5000, true), costs));
    CHECK(wait_s >= before_s);
    before_s = wait_s;
  }
}
