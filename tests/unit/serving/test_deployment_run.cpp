// SPDX-License-Identifier: Apache-2.0
// Replicas of several kinds behind a router: roles, admission, scaling, failures.
#include <catch2/catch.hpp>

#include <set>

#include "plain_costs.hpp"

using namespace waferwatt;
using namespace waferwatt::serving;

namespace {

PlainCosts plain() {
  PlainCosts costs;
  costs.base_s = 5e-3;
  costs.decode_s = 1e-4;
  costs.prompt_s = 2e-5;
  return costs;
}

std::vector<Request> requests_at(double rate, std::size_t n, std::int64_t output = 50) {
  RandomStream random(1, "requests");
  std::vector<Request> list(n);
  double now_s = 0;
  for (Request& request : list) {
    now_s += random.exponential(1 / rate);
    request = {.arrival_s = now_s, .input_tokens = 100 + static_cast<std::int64_t>(random.below(400)), .output_tokens = output};
  }
  return list;
}

void check_none_lost(const PlainRun& run, std::size_t n) {
  REQUIRE(run.requests.size() == n);
  CHECK(run.outcome.n_arrivals == static_cast<std::int64_t>(n));
  for (const RequestRecord& request : run.requests) {
    REQUIRE((request.completed() || request.rejected));
    if (request.completed()) REQUIRE(charged_s(request) == Approx(request.end_to_end_s()).epsilon(1e-9).margin(1e-9));
  }
}

Deployment disaggregated(std::int64_t n_prefill, std::int64_t n_decode) {
  Deployment deployment;
  deployment.groups.resize(2);
  deployment.groups[0].role = Role::prefill;
  deployment.groups[0].n_replicas = n_prefill;
  deployment.groups[1].role = Role::decode;
  deployment.groups[1].n_replicas = n_decode;
  return deployment;
}

}  // namespace

TEST_CASE("Disaggregated: the first token comes from prefill, the KV cache is sent, the rest from decode") {
  PlainCosts costs = plain();
  Deployment deployment = disaggregated(1, 1);
  deployment.transfer_bandwidth = 10 * byte / second;  // a token is a byte here: 100 tokens take 10 s
  const PlainRun run =
      plain_run(deployment, {{.arrival_s = 0, .input_tokens = 100, .output_tokens = 11}}, costs);
  const RequestRecord& request = run.requests[0];
  CHECK(request.first_token_s == Approx(5e-3 + 100 * 2e-5));
  CHECK(request.charged_s[index_of(Charge::transfer)] == Approx(10));
  CHECK(request.charged_s[index_of(Charge::own_decode)] == Approx(10 * (5e-3 + 1e-4)));
  CHECK(request.end_s == Approx(request.first_token_s + 10 + 10 * (5e-3 + 1e-4)));
  CHECK(run.outcome.transferred_byte == Approx(100));
  CHECK(run.outcome.replicas[0].decode_tokens == 1);
  CHECK(run.outcome.replicas[1].prefill_tokens == 0);
}

TEST_CASE("Disaggregated: decodes are never slowed by prompts, and no request is lost under pressure") {
  PlainCosts costs = plain();
  const PlainRun run = plain_run(disaggregated(2, 2), requests_at(60, 3000), costs, 400);
  check_none_lost(run, 3000);
  double stalled_s = 0;
  for (const RequestRecord& request : run.requests)
    if (request.n_preemptions == 0) stalled_s += request.charged_s[index_of(Charge::recompute)];
  CHECK(stalled_s == 0);
  CHECK(run.outcome.n_transfers >= 2900);
}

TEST_CASE("A full rate limit refuses, and what it lets in is served") {
  PlainCosts costs = plain();
  Deployment deployment;
  deployment.admission.rate_limit = 5.0 / second;
  deployment.admission.burst = 1;
  const PlainRun run = plain_run(deployment, requests_at(20, 2000), costs);
  check_none_lost(run, 2000);
  double n_served = 0;
  for (const RequestRecord& request : run.requests) n_served += request.completed();
  // 100 s at 5/s at most.
  CHECK(n_served < 520);
  CHECK(n_served > 350);
}

TEST_CASE("Admission control keeps the queue short") {
  PlainCosts costs = plain();
  Deployment deployment;
  deployment.admission.max_outstanding = 10;
  deployment.groups[0].engine.max_sequences = 4;
  const PlainRun run = plain_run(deployment, requests_at(100, 2000), costs);
  check_none_lost(run, 2000);
  std::int64_t n_refused = 0;
  for (const RequestRecord& request : run.requests) n_refused += request.refusal == Refusal::overloaded;
  CHECK(n_refused > 500);
}

TEST_CASE("Autoscaling starts replicas after a cold start, and stops them when the load is gone") {
  PlainCosts costs = plain();
  Deployment deployment;
  deployment.groups[0].n_replicas = 8;
  deployment.groups[0].engine.max_sequences = 8;
  deployment.autoscaling = Autoscaling{.min_replicas = 1,
                                       .target_outstanding = 8,
                                       .interval = 1 * second,
                                       .cold_start = 5 * second,
                                       .cool_down = 10 * second};
  auto list = requests_at(60, 3000);
  for (double late_s : {300.0, 400.0, 500.0}) list.push_back({.arrival_s = late_s, .input_tokens = 10, .output_tokens = 2});
  const PlainRun run = plain_run(deployment, list, costs);
  check_none_lost(run, 3003);
  std::set<std::int32_t> early, all;
  for (const RequestRecord& request : run.requests) {
    all.insert(request.replica);
    if (request.arrival_s < 5) early.insert(request.replica);
  }
  CHECK(early.size() == 1);
  CHECK(all.size() > 2);
  CHECK(run.outcome.n_starts > 1);
  // All eight over 500 s would be 4,000 replica-seconds.
  CHECK(run.outcome.groups[0].up_s < 1500);
}

TEST_CASE("Requests of a replica that fails start over on others; what they lost is charged") {
  PlainCosts costs = plain();
  Deployment deployment;
  deployment.groups[0].n_replicas = 3;
  deployment.failures = Failures{.mean_time_between = 20 * second, .repair = 5 * second};
  const PlainRun run = plain_run(deployment, requests_at(30, 3000), costs);
  check_none_lost(run, 3000);
  CHECK(run.outcome.n_failures > 3);
  CHECK(run.outcome.n_retries > 0);
  double lost_s = 0;
  for (const RequestRecord& request : run.requests) {
    REQUIRE(request.completed());
    if (request.n_retries > 0) lost_s += request.charged_s[index_of(Charge::failure)];
  }
  CHECK(lost_s > 0);
}

TEST_CASE("Failures of disaggregated replicas lose no request either") {
  PlainCosts costs = plain();
  Deployment deployment = disaggregated(2, 2);
  deployment.failures = Failures{.mean_time_between = 10 * second, .repair = 5 * second};
  deployment.transfer_bandwidth = 20'000 * byte / second;
  check_none_lost(plain_run(deployment, requests_at(20, 2000), costs), 2000);
}

TEST_CASE("Every router serves every request; aware ones wait less than blind ones") {
  PlainCosts costs = plain();
  Deployment deployment;
  deployment.groups[0].n_replicas = 4;
  deployment.groups[0].engine.max_sequences = 16;
  RandomStream random(5, "lengths");
  auto list = requests_at(60, 4000);
  for (Request& request : list) request.output_tokens = 1 + static_cast<std::int64_t>(random.exponential(150));
  const auto mean_s = [&](Router router) {
    deployment.router = router;
    const PlainRun run = plain_run(deployment, list, costs);
    check_none_lost(run, 4000);
    double sum = 0;
    for (const RequestRecord& request : run.requests) sum += request.end_to_end_s();
    return sum / 4000;
  };
  const double blind_s = mean_s(Router::round_robin);
  for (const Router router : {Router::least_outstanding, Router::power_of_two, Router::slo_aware}) {
    INFO(io::enum_text(router));
    CHECK(mean_s(router) < blind_s);
  }
  mean_s(Router::prefix_aware);
  mean_s(Router::least_kv);  // blind to those that wait for a place, as they hold no block
}

TEST_CASE("A prefix-aware router finds more in the caches") {
  PlainCosts costs = plain();
  Deployment deployment;
  deployment.groups[0].n_replicas = 4;
  deployment.groups[0].engine.scheduler.prefix_caching = true;
  auto list = requests_at(20, 2000);
  RandomStream random(6, "families");
  for (Request& request : list) {
    request.input_tokens = 1024;
    const auto family = random.below(40);
    for (std::uint64_t i = 0; i < 16; ++i) request.prefix_hashes.push_back(i < 12 ? 100 * (family + 1) + i : random.next());
  }
  const auto cached = [&](Router router) {
    deployment.router = router;
    std::int64_t sum = 0;
    for (const ReplicaTotals& totals : plain_run(deployment, list, costs, 400, 64).outcome.replicas)
      sum += totals.cached_tokens;
    return sum;
  };
  CHECK(cached(Router::prefix_aware) > cached(Router::round_robin));
}
