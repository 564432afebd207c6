// SPDX-License-Identifier: Apache-2.0
// Schedulers' policies that a caller writes.
#include <catch2/catch.hpp>

#include <algorithm>

#include "plain_costs.hpp"
#include "waferwatt/core/diagnostic.hpp"
#include "waferwatt/serving/scheduling.hpp"

using namespace waferwatt;
using namespace waferwatt::serving;

namespace {

PlainCosts plain() {
  PlainCosts costs;
  costs.base_s = 1e-3, costs.decode_s = 1e-4, costs.context_s = 1e-7, costs.prompt_s = 1e-5;
  return costs;
}

std::vector<Request> requests(std::size_t n) {
  RandomStream random(1, "requests");
  std::vector<Request> list(n);
  double now_s = 0;
  for (Request& request : list) {
    now_s += random.exponential(1.0 / 50);
    request = {.arrival_s = now_s,
               .input_tokens = 1 + static_cast<std::int64_t>(random.below(900)),
               .output_tokens = 1 + static_cast<std::int64_t>(random.below(200))};
  }
  return list;
}

Deployment one_replica(std::int64_t max_sequences = 32) {
  Deployment deployment;
  deployment.groups[0].engine.max_sequences = max_sequences;
  deployment.groups[0].engine.max_batched_tokens = 512;
  return deployment;
}

PlainRun run_with(const PolicyFunction& policy, const std::vector<Request>& list, std::int64_t n_blocks = 100'000, std::int64_t max_sequences = 32) {
  PlainCosts costs = plain();
  return plain_run(one_replica(max_sequences), list, costs, n_blocks, 0, false, policy);
}

std::string error_of(const PolicyFunction& policy) {
  try {
    run_with(policy, requests(3));
  } catch (const core::InputError& error) {
    const std::string text = error.what();  // "error: ..."
    return text.substr(text.find(": ") + 2);
  }
  return "none";
}

}  // namespace

TEST_CASE("A policy that calls what a built-in one calls does what that does") {
  PlainCosts costs = plain();
  const auto list = requests(600);
  for (const std::int64_t n_blocks : {100'000, 300}) {
    const PlainRun own = run_with([](Scheduling& s) { s.decode(), s.continue_prompts(), s.admit_chunks(); }, list, n_blocks);
    const PlainRun built_in = plain_run(one_replica(), list, costs, n_blocks);
    for (std::size_t i = 0; i < list.size(); ++i) {
      REQUIRE(own.requests[i].first_token_s == Approx(built_in.requests[i].first_token_s).epsilon(1e-11));
      REQUIRE(own.requests[i].end_s == Approx(built_in.requests[i].end_s).epsilon(1e-11));
    }
  }
}

TEST_CASE("A policy of one's own admits the shortest prompt first") {
  // One sequence at a time. While the first of 10 tokens runs, prompts of 300, 200 and 100 queue up: they are served
  // in the order 100, 200, 300.
  const auto shortest_first = [](Scheduling& s) {
    s.decode(), s.continue_prompts();
    auto queue = s.waiting();
    std::ranges::sort(queue, {}, &ScheduledRequest::tokens_to_compute);
    for (const ScheduledRequest& request : queue)
      if (!s.admit_one(request.slot)) break;
  };
  const auto served = run_with(shortest_first,
                               {{.arrival_s = 0, .input_tokens = 10, .output_tokens = 50},
                                {.arrival_s = 0.001, .input_tokens = 300, .output_tokens = 2},
                                {.arrival_s = 0.002, .input_tokens = 200, .output_tokens = 2},
                                {.arrival_s = 0.003, .input_tokens = 100, .output_tokens = 2}},
                               100'000, 1)
                          .requests;
  CHECK(served[3].end_s < served[2].first_token_s);
  CHECK(served[2].end_s < served[1].first_token_s);
  CHECK(served[0].end_s < served[3].first_token_s);
}

TEST_CASE("A policy sees the queue, the batch, the budget and the blocks as they are, and gives prompts chunks of its own") {
  // A prompt of 250 tokens in chunks of 100: 100, 100, 50. A budget of 512, blocks of 16 tokens, 1,000 of them.
  std::vector<std::int64_t> left, free_blocks, budgets;
  const auto chunks = [&](Scheduling& s) {
    s.decode();
    budgets.push_back(s.budget()), free_blocks.push_back(s.n_free_blocks());
    for (const ScheduledRequest& prompt : s.prompts()) {
      left.push_back(prompt.tokens_to_compute);
      CHECK(s.continue_one(prompt.slot, 100));
      CHECK_FALSE(s.continue_one(prompt.slot, 100));  // it has its chunk
    }
    for (const ScheduledRequest& request : s.waiting()) {
      left.push_back(request.tokens_to_compute);
      CHECK(s.n_waiting() == 1);
      CHECK(s.admit_one(request.slot, 100));
    }
    for (const ScheduledRequest& sequence : s.decoding()) CHECK(sequence.kv_tokens == 250);
  };
  const PlainRun run = run_with(chunks, {{.arrival_s = 0, .input_tokens = 250, .output_tokens = 3}}, 1000);
  CHECK(left == std::vector<std::int64_t>{250, 150, 50});
  // It is asked at three prompts' iterations, and once when it decodes with nothing else to come.
  CHECK(budgets == std::vector<std::int64_t>{512, 512, 512, 511});
  CHECK(free_blocks[0] == 1000);
  // Space was set aside for what the budget left: all 250 tokens, 16 blocks; the 251st token lies in the 16th, too.
  CHECK(free_blocks[1] == 984);
  CHECK(run.requests[0].completed());
}

TEST_CASE("Whatever a policy preempts, no request is lost and every second is charged") {
  RandomStream random(3, "victims");
  const auto preempting = [&](Scheduling& s) {
    if (const auto decoding = s.decoding(); !decoding.empty() && random.below(10) == 0)
      s.preempt(decoding[random.below(decoding.size())].slot);
    s.decode(), s.continue_prompts(), s.admit_chunks();
  };
  const PlainRun run = run_with(preempting, requests(400), 300);
  REQUIRE(run.requests.size() == 400);
  for (const RequestRecord& request : run.requests) {
    REQUIRE(request.completed());
    REQUIRE(charged_s(request) == Approx(request.end_to_end_s()).epsilon(1e-9).margin(1e-9));
  }
  CHECK(run.outcome.replicas[0].n_preemptions > 10);
}

TEST_CASE("What a policy may not do is said") {
  CHECK(error_of([](Scheduling& s) { s.admit_one(77); }) == "the scheduler's policy names slot 77, which holds no waiting request");
  CHECK(error_of([](Scheduling& s) { s.continue_one(0); }) == "the scheduler's policy names slot 0, which holds no begun prompt");
  CHECK(error_of([](Scheduling& s) { s.admit_one(s.waiting().front().slot, 0); }) == "the scheduler's policy gives 0 tokens to slot 0: at least 1 is expected");
  CHECK(error_of([](Scheduling& s) { s.preempt(0); }) == "the scheduler's policy preempts slot 0, which is not in the batch");
  CHECK(error_of([](Scheduling&) {}) == "the scheduler's policy leaves 3 requests on idle replicas, and no other request is to come");
}
