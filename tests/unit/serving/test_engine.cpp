// SPDX-License-Identifier: Apache-2.0
// What the engine of a replica does, on costs that can be followed with a pencil.
#include <catch2/catch.hpp>

#include "plain_costs.hpp"

using namespace waferwatt;
using namespace waferwatt::serving;

namespace {

PlainCosts plain() {
  PlainCosts costs;
  costs.base_s = 1e-3;
  costs.decode_s = 1e-4;
  costs.context_s = 1e-7;
  costs.prompt_s = 1e-5;
  return costs;
}

std::vector<Request> mixed_requests(std::size_t n, double rate, std::uint64_t seed = 1) {
  RandomStream random(seed, "requests");
  std::vector<Request> list(n);
  double now_s = 0;
  for (Request& request : list) {
    now_s += random.exponential(1 / rate);
    request = {.arrival_s = now_s,
               .input_tokens = 1 + static_cast<std::int64_t>(random.below(900)),
               .output_tokens = 1 + static_cast<std::int64_t>(random.below(200)),
               .priority = static_cast<std::uint8_t>(random.below(3))};
  }
  return list;
}

EngineSettings settings(SchedulerPolicy policy) {
  EngineSettings engine;
  engine.scheduler.policy = policy;
  engine.max_batched_tokens = 1024;
  engine.max_sequences = 32;
  return engine;
}

void check_all_end(const PlainRun& run, std::size_t n) {
  REQUIRE(run.requests.size() == n);
  for (const RequestRecord& request : run.requests) {
    REQUIRE(request.completed());
    REQUIRE(charged_s(request) == Approx(request.end_to_end_s()).epsilon(1e-9).margin(1e-9));
    for (const double part_s : request.charged_s) REQUIRE(part_s >= -1e-9);
  }
}

}  // namespace

TEST_CASE("Stretches of decodes in closed form give what iterations one by one give") {
  PlainCosts costs = plain();
  for (const auto& [policy, name] : io::EnumTexts<SchedulerPolicy>::values)
    for (const std::int64_t n_blocks : {100'000, 300}) {
      Deployment deployment;
      deployment.groups[0].engine = settings(policy);
      deployment.groups[0].n_replicas = 2;
      deployment.router = Router::least_kv;
      const auto requests = mixed_requests(1500, 40);
      const PlainRun stretched = plain_run(deployment, requests, costs, n_blocks);
      const PlainRun stepped = plain_run(deployment, requests, costs, n_blocks, 0, true);
      check_all_end(stretched, 1500);
      INFO(name << " with " << n_blocks << " blocks");
      CHECK(stretched.outcome.replicas[0].n_iterations == stepped.outcome.replicas[0].n_iterations);
      CHECK(stretched.outcome.replicas[1].n_preemptions == stepped.outcome.replicas[1].n_preemptions);
      for (std::size_t i = 0; i < requests.size(); ++i) {
        REQUIRE(stretched.requests[i].replica == stepped.requests[i].replica);
        REQUIRE(stretched.requests[i].first_token_s == Approx(stepped.requests[i].first_token_s).epsilon(1e-11));
        REQUIRE(stretched.requests[i].end_s == Approx(stepped.requests[i].end_s).epsilon(1e-11));
        for (std::size_t c = 0; c < kNCharges; ++c)
          REQUIRE(stretched.requests[i].charged_s[c] == Approx(stepped.requests[i].charged_s[c]).epsilon(1e-7).margin(1e-8));
      }
    }
}

TEST_CASE("Policies differ in who waits for whom") {
  PlainCosts costs = plain();
  // One request decodes when a prompt of 500 tokens arrives.
  const std::vector<Request> list{{.arrival_s = 0, .input_tokens = 10, .output_tokens = 100},
                                  {.arrival_s = 0.05, .input_tokens = 500, .output_tokens = 5}};
  const auto run = [&](SchedulerPolicy policy) {
    Deployment deployment;
    deployment.groups[0].engine = settings(policy);
    deployment.groups[0].engine.max_batched_tokens = 600;
    return plain_run(deployment, list, costs).requests;
  };
  // Static: the second waits for the end of the first.
  CHECK(run(SchedulerPolicy::static_batching)[1].first_token_s > run(SchedulerPolicy::static_batching)[0].end_s);
  // Prefill first: the first stalls for the whole prompt, and pays nothing for decoding it together.
  const auto first = run(SchedulerPolicy::prefill_first);
  CHECK(first[0].charged_s[index_of(Charge::others_prefill)] == Approx(1e-3 + 500 * 1e-5));
  CHECK(first[1].charged_s[index_of(Charge::others_decode)] == 0);
  // Chunked: both in one iteration; what the prompt adds is charged to the first, the decode to the second.
  const auto chunked = run(SchedulerPolicy::sarathi);
  CHECK(chunked[0].charged_s[index_of(Charge::others_prefill)] == Approx(500 * 1e-5));
  CHECK(chunked[1].charged_s[index_of(Charge::others_decode)] > 1e-3);
  CHECK(run(SchedulerPolicy::orca)[1].first_token_s == Approx(chunked[1].first_token_s));
}

TEST_CASE("The urgent are served before those that came earlier") {
  PlainCosts costs = plain();
  Deployment deployment;
  deployment.groups[0].engine = settings(SchedulerPolicy::unified);
  deployment.groups[0].engine.max_sequences = 1;
  const std::vector<Request> list{{.arrival_s = 0, .input_tokens = 10, .output_tokens = 50},
                                  {.arrival_s = 0.001, .input_tokens = 10, .output_tokens = 5, .priority = 2},
                                  {.arrival_s = 0.002, .input_tokens = 10, .output_tokens = 5, .priority = 0}};
  const auto requests = plain_run(deployment, list, costs).requests;
  CHECK(requests[2].end_s < requests[1].first_token_s);
  CHECK(requests[1].charged_s[index_of(Charge::sequence_limit)] > requests[2].charged_s[index_of(Charge::sequence_limit)]);
}

TEST_CASE("Swapping moves the cache instead of computing it again") {
  PlainCosts costs = plain();
  Deployment deployment;
  deployment.groups[0].engine = settings(SchedulerPolicy::sarathi);
  const auto requests = mixed_requests(400, 60);
  const PlainRun recomputed = plain_run(deployment, requests, costs, 250);
  deployment.groups[0].engine.scheduler.preemption = Preemption::swap;
  const PlainRun swapped = plain_run(deployment, requests, costs, 250);
  check_all_end(recomputed, 400);
  check_all_end(swapped, 400);
  std::int64_t prompts = 0;
  for (const Request& request : requests) prompts += request.input_tokens;
  CHECK(recomputed.outcome.replicas[0].n_preemptions > 0);
  CHECK(recomputed.outcome.replicas[0].prefill_tokens > prompts);
  CHECK(swapped.outcome.replicas[0].n_preemptions > 0);
  CHECK(swapped.outcome.replicas[0].prefill_tokens == prompts);
}

TEST_CASE("A prompt that begins like an earlier one computes only the rest") {
  PlainCosts costs = plain();
  Deployment deployment;
  deployment.groups[0].engine = settings(SchedulerPolicy::unified);
  deployment.groups[0].engine.scheduler.prefix_caching = true;
  const std::vector<Request> list{
      {.arrival_s = 0, .input_tokens = 200, .output_tokens = 2, .prefix_hashes = {1, 2, 3, 4}},
      {.arrival_s = 1, .input_tokens = 200, .output_tokens = 2, .prefix_hashes = {1, 2, 3, 5}},
      {.arrival_s = 2, .input_tokens = 128, .output_tokens = 2, .prefix_hashes = {1, 2}}};
  const PlainRun run = plain_run(deployment, list, costs, 1000, 64);
  CHECK(run.requests[0].cached_tokens == 0);
  CHECK(run.requests[1].cached_tokens == 192);
  CHECK(run.requests[2].cached_tokens == 64);  // the last token is always computed, and so its block
  CHECK(run.requests[1].charged_s[index_of(Charge::own_prefill)] == Approx(1e-3 + 8 * 1e-5));
  CHECK(run.outcome.replicas[0].prefill_tokens == 200 + 8 + 64);
}

TEST_CASE("Prefixes survive pressure on the cache, and no block is lost") {
  PlainCosts costs = plain();
  Deployment deployment;
  deployment.groups[0].engine = settings(SchedulerPolicy::unified);
  deployment.groups[0].engine.scheduler.prefix_caching = true;
  auto list = mixed_requests(1500, 60);
  RandomStream random(2, "families");
  for (Request& request : list) {
    const auto family = random.below(6);
    for (std::int64_t i = 0; i < (request.input_tokens + 63) / 64; ++i)
      request.prefix_hashes.push_back(i < 8 ? 1000 * (family + 1) + static_cast<std::uint64_t>(i) : random.next());
  }
  for (const std::int64_t n_blocks : {100'000, 400}) {
    const PlainRun run = plain_run(deployment, list, costs, n_blocks, 64);
    check_all_end(run, 1500);
    CHECK(run.outcome.replicas[0].cached_tokens > 0);
    CHECK(run.outcome.replicas[0].peak_kv_blocks <= n_blocks);
  }
}

TEST_CASE("An adapter is loaded once while it stays, and a full set makes others wait") {
  PlainCosts costs = plain();
  Deployment deployment;
  EngineSettings& engine = deployment.groups[0].engine = settings(SchedulerPolicy::unified);
  engine.scheduler.max_adapters = 1;
  engine.scheduler.adapter_size = 500 * mega * byte;  // 10 ms at 50 GB/s
  const std::vector<Request> list{{.arrival_s = 0, .input_tokens = 10, .output_tokens = 50, .adapter = 1},
                                  {.arrival_s = 0.02, .input_tokens = 10, .output_tokens = 5, .adapter = 1},
                                  {.arrival_s = 0.021, .input_tokens = 10, .output_tokens = 5, .adapter = 2}};
  const auto requests = plain_run(deployment, list, costs).requests;
  CHECK(requests[0].charged_s[index_of(Charge::adapter_load)] == Approx(0.01));
  CHECK(requests[1].charged_s[index_of(Charge::adapter_load)] == 0);
  CHECK(requests[2].first_token_s > requests[0].end_s);
  CHECK(requests[2].charged_s[index_of(Charge::adapter_slots)] > 0.01);
}

TEST_CASE("Every iteration reads the adapters of those in the batch, once each") {
  PlainCosts costs = plain();
  Deployment deployment;
  EngineSettings& engine = deployment.groups[0].engine = settings(SchedulerPolicy::unified);
  engine.scheduler.adapter_size = 500 * mega * byte;
  const Request first{.arrival_s = 0, .input_tokens = 10, .output_tokens = 40, .adapter = 1}, same = first;
  Request other = first;
  other.adapter = 2;
  const auto end_s = [&](const std::vector<Request>& list, double byte_s, bool step_by_step = false) {
    costs.byte_s = byte_s;
    return plain_run(deployment, list, costs, 100000, 0, step_by_step).requests[0].end_s;
  };
  // 500 MB at 100 GB/s in each of 40 iterations: 0.2 s; for two of the same adapter as well, for two adapters twice.
  CHECK(end_s({first}, 1e-11) - end_s({first}, 0) == Approx(0.2));
  CHECK(end_s({first, same}, 1e-11) - end_s({first, same}, 0) == Approx(0.2));
  other.output_tokens = 50;
  CHECK(end_s({first, other}, 1e-11) - end_s({first, other}, 0) == Approx(0.4).margin(0.0051));  // joins in the second at the latest
  Request later = other;
  later.arrival_s = 0.1, later.output_tokens = 7;
  CHECK(end_s({first, later}, 1e-11) == Approx(end_s({first, later}, 1e-11, true)).epsilon(1e-11));
}

TEST_CASE("Who waits for a static batch to end waits for its places") {
  PlainCosts costs = plain();
  Deployment deployment;
  deployment.groups[0].engine = settings(SchedulerPolicy::static_batching);
  const auto requests = plain_run(deployment, {{.arrival_s = 0, .input_tokens = 10, .output_tokens = 50}, {.arrival_s = 1e-6, .input_tokens = 10, .output_tokens = 5}}, costs).requests;
  CHECK(requests[1].charged_s[index_of(Charge::sequence_limit)] > 0.9 * requests[0].end_s);
  CHECK(requests[1].charged_s[index_of(Charge::queued_prefill)] == 0);
}

TEST_CASE("Accepted drafts save iterations") {
  PlainCosts costs = plain();
  Deployment deployment;
  deployment.groups[0].engine = settings(SchedulerPolicy::unified);
  const std::vector<Request> list{{.arrival_s = 0, .input_tokens = 10, .output_tokens = 101}};
  CHECK(plain_run(deployment, list, costs).outcome.replicas[0].n_iterations == 101);
  deployment.groups[0].engine.scheduler.draft_tokens = 3;
  deployment.groups[0].engine.scheduler.draft_acceptance = 1;
  // Four tokens an iteration: 25 for the 100 after the first.
  CHECK(plain_run(deployment, list, costs).outcome.replicas[0].n_iterations == 26);
  deployment.groups[0].engine.scheduler.draft_acceptance = 0.5;
  // 1 + 1/2 + 1/4 + 1/8 = 1.875 tokens an iteration: 54 for 100.
  CHECK(plain_run(deployment, list, costs).outcome.replicas[0].n_iterations == 55);
  check_all_end(plain_run(deployment, mixed_requests(600, 40), costs, 400), 600);
}

TEST_CASE("Requests beyond the KV space are refused and counted by every policy, the others are served") {
  PlainCosts costs = plain();
  for (const auto& [policy, name] : io::EnumTexts<SchedulerPolicy>::values) {
    Deployment deployment;
    deployment.groups[0].engine = settings(policy);
    auto list = mixed_requests(50, 20);
    list[7].input_tokens = 100'000;
    const PlainRun run = plain_run(deployment, list, costs, 200);
    REQUIRE(run.requests.size() == 50);
    for (std::size_t i = 0; i < 50; ++i) CHECK(run.requests[i].completed() == (i != 7));
    CHECK(run.requests[7].refusal == Refusal::too_long);
  }
}
