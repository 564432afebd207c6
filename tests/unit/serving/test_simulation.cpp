// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/simulation.hpp"

#include <catch2/catch.hpp>

#include <numeric>

#include "fixture.hpp"
#include "waferwatt/catalog/usable_memory.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"
#include "waferwatt/serving/scheduling.hpp"

using namespace waferwatt;
using namespace waferwatt::serving;

namespace {

void check_ledger(const ServingOutcome& outcome) {
  for (const RequestRecord& request : outcome.requests) {
    if (!request.completed()) continue;
    const double charged_s = std::accumulate(request.charged_s.begin(), request.charged_s.end(), 0.0);
    REQUIRE(charged_s == Approx(request.end_to_end_s()).epsilon(1e-9).margin(1e-9));
    for (const double part_s : request.charged_s) REQUIRE(part_s >= -1e-9);
  }
}

/// A deployment whose KV cache holds so many blocks: by giving the accelerator just that much memory.
Deployment with_kv_blocks(catalog::Accelerator& own, std::int64_t n_blocks, std::int64_t max_batched_tokens = 8192) {
  Deployment deployment = small_deployment();
  deployment.groups[0].engine.max_batched_tokens = max_batched_tokens;
  own = *deployment.groups[0].accelerator;
  deployment.groups[0].accelerator = &own;
  const MemoryPlan plan = memory_plan(*deployment.model, own, deployment.groups[0].plan, deployment.groups[0].engine);
  const DataSize wanted = (static_cast<double>(n_blocks) + 0.5) *
                          static_cast<double>(deployment.groups[0].engine.kv_block_tokens) * plan.kv_per_token;
  const double seen = catalog::usable_memory(own) / *own.memory_capacity;
  own.memory_capacity.value = (plan.usable - plan.kv_space + wanted) / deployment.groups[0].engine.memory_utilisation / seen;
  return deployment;
}

}  // namespace

TEST_CASE("One request alone takes its prompt and one iteration for each token after the first") {
  const Deployment deployment = small_deployment();
  Workload workload = fixed_lengths(500, 4, 1);
  workload.concurrency = 1;
  const ServingOutcome outcome = outcome_of(deployment, workload);

  const cost::OperatorModel operators(*deployment.groups[0].accelerator, shipped());
  IterationModel model(*deployment.model, operators, deployment.groups[0].plan,
                       *network::network_of(*deployment.groups[0].accelerator, deployment.groups[0].system, nullptr, 1, shipped()),
                       deployment.groups[0].engine);
  const double prefill_s =
      model.cost({.n_chunks = 1, .prefill_tokens = 500, .prefill_work = 500.0 * 250, .n_first_tokens = 1}).time_s;
  // Its cache holds 500 tokens after the prompt; each decode adds one: 501, 502, 503.
  double decode_s = 0;
  for (const std::int64_t context : {501, 502, 503}) decode_s += model.decode_cost(1, context).time_s;

  REQUIRE(outcome.requests.size() == 1);
  const RequestRecord& request = outcome.requests[0];
  CHECK(request.time_to_first_token_s() == Approx(prefill_s));
  CHECK(request.end_to_end_s() == Approx(prefill_s + decode_s));
  CHECK(request.charged_s[index_of(Charge::own_prefill)] == Approx(prefill_s));
  CHECK(request.charged_s[index_of(Charge::own_decode)] == Approx(decode_s));
  CHECK(outcome.replicas[0].n_iterations == 4);
}

TEST_CASE("The ledger of every request sums to its latency under load, and tokens are conserved") {
  Deployment deployment = small_deployment();
  deployment.groups[0].n_replicas = 2;
  const ServingOutcome outcome = outcome_of(deployment, varied_lengths(40, 3000));
  check_ledger(outcome);
  std::int64_t prompt_tokens = 0, output_tokens = 0, prefilled = 0, yielded = 0;
  for (const RequestRecord& request : outcome.requests) {
    REQUIRE(request.completed());
    prompt_tokens += request.input_tokens;
    output_tokens += request.output_tokens;
  }
  for (const ReplicaTotals& totals : outcome.replicas) {
    prefilled += totals.prefill_tokens;
    yielded += totals.decode_tokens;
    CHECK(totals.n_preemptions == 0);
  }
  CHECK(prefilled == prompt_tokens);
  CHECK(yielded == output_tokens);
}

TEST_CASE("A full KV cache preempts, every request still ends, and the ledger stays exact") {
  catalog::Accelerator own;
  const Deployment deployment = with_kv_blocks(own, 400);  // 6,400 tokens
  Workload workload = fixed_lengths(200, 300, 200);
  workload.concurrency = 40;  // 40 x 500 tokens want 20,000
  const ServingOutcome outcome = outcome_of(deployment, workload);
  REQUIRE(outcome.groups[0].memory.n_kv_blocks == 400);
  check_ledger(outcome);
  double kv_s = 0, recompute_s = 0;
  for (const RequestRecord& request : outcome.requests) {
    REQUIRE(request.completed());
    kv_s += request.charged_s[index_of(Charge::kv_space)];
    recompute_s += request.charged_s[index_of(Charge::recompute)];
  }
  CHECK(outcome.replicas[0].n_preemptions > 0);
  CHECK(outcome.replicas[0].peak_kv_blocks <= 400);
  CHECK(kv_s > 0);
  CHECK(recompute_s > 0);
}

TEST_CASE("Setting aside the whole request never preempts") {
  catalog::Accelerator own;
  Deployment deployment = with_kv_blocks(own, 400);
  deployment.groups[0].engine.kv_reservation = KvReservation::whole_request;
  Workload workload = fixed_lengths(200, 300, 200);
  workload.concurrency = 40;
  const ServingOutcome outcome = outcome_of(deployment, workload);
  check_ledger(outcome);
  CHECK(outcome.replicas[0].n_completed == 200);
  CHECK(outcome.replicas[0].n_preemptions == 0);
}

TEST_CASE("A prompt begins when all of it has room, so that none is given up half computed") {
  // 70 blocks hold 1,120 tokens: one request of 1,000 + 10. Room for a chunk of 110 tokens of the other is no use to it.
  catalog::Accelerator own;
  const Deployment deployment = with_kv_blocks(own, 70, 256);
  Workload workload = fixed_lengths(1000, 10, 2);
  workload.concurrency = 2;
  const ServingOutcome outcome = outcome_of(deployment, workload);
  check_ledger(outcome);
  CHECK(outcome.replicas[0].n_preemptions == 0);
  CHECK(outcome.replicas[0].prefill_tokens == 2 * 1000);
  CHECK(outcome.requests[1].first_token_s > outcome.requests[0].end_s);
  CHECK(outcome.requests[1].charged_s[index_of(Charge::kv_space)] > 0);
}

TEST_CASE("Engines schedule and set space aside as their backend does, unless the settings say otherwise") {
  ReplicaShape shape;
  CHECK(policy_of(shape.engine).policy == SchedulerPolicy::unified);
  CHECK(reservation_of(shape) == KvReservation::chunk);
  shape.engine.backend = *find_backend("sglang");
  CHECK(policy_of(shape.engine).policy == SchedulerPolicy::prefill_first_chunked);
  CHECK(reservation_of(shape) == KvReservation::prompt);
  shape.engine.backend = *find_backend("trtllm");
  CHECK(policy_of(shape.engine).policy == SchedulerPolicy::unified);
  CHECK(reservation_of(shape) == KvReservation::whole_request);
  shape.engine.scheduler.policy = SchedulerPolicy::sarathi;
  CHECK(reservation_of(shape) == KvReservation::prompt);
  shape.engine.kv_reservation = KvReservation::chunk;
  CHECK(reservation_of(shape) == KvReservation::chunk);
}

TEST_CASE("A request longer than the KV cache is rejected and counted, others are served") {
  catalog::Accelerator own;
  const Deployment deployment = with_kv_blocks(own, 40);  // 640 tokens
  Workload workload = fixed_lengths(1000, 10, 5);
  workload.concurrency = 1;
  const ServingOutcome outcome = outcome_of(deployment, workload);
  const ServingSummary summary = summarise(outcome, deployment, {}, {});
  CHECK(summary.n_requests == 5);
  CHECK(summary.n_rejected == 5);
  CHECK(summary.n_completed == 0);
}

TEST_CASE("Prompts longer than the token budget are prefilled in chunks") {
  Deployment deployment = small_deployment();
  deployment.groups[0].engine.max_batched_tokens = 256;
  Workload workload = fixed_lengths(1000, 1, 1);
  workload.concurrency = 1;
  CHECK(outcome_of(deployment, workload).replicas[0].n_iterations == 4);  // 256 + 256 + 256 + 232
}

TEST_CASE("A batch holds no more sequences than allowed, and waiting for a place is charged") {
  Deployment deployment = small_deployment();
  deployment.groups[0].engine.max_sequences = 2;
  Workload workload = fixed_lengths(50, 20, 6);
  workload.concurrency = 6;
  const ServingOutcome outcome = outcome_of(deployment, workload);
  check_ledger(outcome);
  CHECK(outcome.requests[0].charged_s[index_of(Charge::sequence_limit)] == 0);
  CHECK(outcome.requests[2].charged_s[index_of(Charge::sequence_limit)] > 0);
  CHECK(outcome.requests[5].first_token_s > outcome.requests[3].end_s - 1e-12);
}

TEST_CASE("The same seed gives the same requests, bit for bit, on SimGrid's loop and on a bare one") {
  Deployment deployment = small_deployment();
  deployment.groups[0].n_replicas = 3;
  const Workload workload = varied_lengths(30, 400);
  const ServingOutcome bare = outcome_of(deployment, workload, 5);
  engine::SimgridLoop loop;
  const ServingOutcome simgrid = simulate(loop, deployment, workload, shipped(), RandomStream(5, "test"));
  REQUIRE(bare.requests.size() == simgrid.requests.size());
  for (std::size_t i = 0; i < bare.requests.size(); ++i) {
    REQUIRE(bare.requests[i].end_s == simgrid.requests[i].end_s);
    REQUIRE(bare.requests[i].first_token_s == simgrid.requests[i].first_token_s);
    REQUIRE(bare.requests[i].replica == simgrid.requests[i].replica);
  }
}

TEST_CASE("Round robin gives replicas equal numbers of requests; least outstanding queues less") {
  Deployment deployment = small_deployment();
  deployment.groups[0].n_replicas = 4;
  deployment.groups[0].engine.max_sequences = 52;  // of about 48 that are in service: few places are free
  const Workload workload = varied_lengths(60, 2000);
  deployment.router = Router::round_robin;
  const ServingOutcome turns = outcome_of(deployment, workload);
  for (const ReplicaTotals& totals : turns.replicas) CHECK(totals.n_completed == 500);
  deployment.router = Router::least_outstanding;
  const ServingOutcome balanced = outcome_of(deployment, workload);
  const auto mean_e2e = [&](const ServingOutcome& outcome) {
    return summarise(outcome, deployment, {}, {}).e2e_s.mean;
  };
  CHECK(mean_e2e(balanced) <= mean_e2e(turns));
}
