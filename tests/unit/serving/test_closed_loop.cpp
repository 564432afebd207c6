// SPDX-License-Identifier: Apache-2.0
// Workers under a load generator: the deployment's engine with a request for each that ends.
#include "waferwatt/serving/closed_loop.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace waferwatt;
using namespace waferwatt::serving;

namespace {

struct Loop {
  Deployment deployment = small_deployment();
  cost::OperatorModel operators{*deployment.groups[0].accelerator, shipped()};

  ClosedLoopOutcome run(const ClosedLoopLoad& load) {
    const ReplicaGroup& group = deployment.groups[0];
    const auto network = network::network_of(*group.accelerator, group.system, nullptr, group.plan.n_accelerators(), shipped());
    IterationModel model(*deployment.model, operators, group.plan, *network, group.engine);
    return closed_loop(model, group.engine, memory_plan(*deployment.model, *group.accelerator, group.plan, group.engine), load);
  }
  std::unique_ptr<IterationModel> iterations() {
    const ReplicaGroup& group = deployment.groups[0];
    const auto network = network::network_of(*group.accelerator, group.system, nullptr, group.plan.n_accelerators(), shipped());
    return std::make_unique<IterationModel>(*deployment.model, operators, group.plan, *network, group.engine);
  }
};

/// DeepSeek-V3 on eight H200, attention data-parallel.
Loop eight_groups() {
  Deployment deployment = small_deployment();
  deployment.model = &shipped().language_models.at("deepseek-v3");
  ReplicaGroup& group = deployment.groups[0];
  group.accelerator = &shipped().accelerators.at("nvidia-h200-sxm"), group.system = shipped().system_of("nvidia-h200-sxm");
  group.plan = {.data_parallel = 8, .weight_format = NumberFormat::fp8};
  return {deployment, cost::OperatorModel(*group.accelerator, shipped())};
}

}  // namespace

TEST_CASE("Requests of one length in a closed loop are those of a closed workload") {
  Loop loop;
  const auto concurrency = GENERATE(1, 7, 40);
  const auto input = GENERATE(300, 3000);
  Workload workload = fixed_lengths(input, 64, 10 * concurrency);
  workload.concurrency = concurrency;
  const ServingSummary engine = summarise(outcome_of(loop.deployment, workload), loop.deployment, {}, {});
  const auto form = loop.run({.concurrency = concurrency, .input_tokens = input, .output_tokens = 64});
  CAPTURE(concurrency, input);
  CHECK(form.time_to_first_token.in(second) == Approx(engine.ttft_s.mean).epsilon(0.01));
  CHECK(form.time_per_output_token.in(second) == Approx(engine.tpot_s.mean).epsilon(0.01));
  CHECK(form.output_rate.in(token / second) == Approx(engine.output_tokens_per_s).epsilon(0.01));
}

TEST_CASE("Requests wait until the engine looks for them, or until others could have come") {
  Loop loop;
  const ClosedLoopLoad load{.concurrency = 1, .input_tokens = 500, .output_tokens = 100};
  const auto at_once = loop.run(load);
  const double step_s = loop.iterations()->decode_cost(1, 550).time_s;
  const double whole_s = at_once.time_to_first_token.in(second) + 99 * at_once.time_per_output_token.in(second);
  auto looks = load, waits = load;
  looks.receive_interval = 1000, waits.prompt_wait = 20;
  // All but the first of ten waves: from a request's end to the next look, 1,000 steps after the one before.
  CHECK(loop.run(looks).time_to_first_token.in(second) - at_once.time_to_first_token.in(second) == Approx(0.9 * (1000 * step_s - whole_s)).epsilon(1e-3));
  CHECK(loop.run(waits).time_to_first_token.in(second) - at_once.time_to_first_token.in(second) == Approx(0.9 * 20 * step_s).epsilon(1e-3));
  CHECK(loop.run(looks).time_per_output_token.in(second) == Approx(at_once.time_per_output_token.in(second)));
}

TEST_CASE("Prompts that waited for each other share an iteration's launching") {
  Loop loop;
  loop.deployment.groups[0].engine.backend.eager_layer = 2 * milli * second;
  ClosedLoopLoad load{.concurrency = 64, .input_tokens = 200, .output_tokens = 200, .spread = 0.2};
  const auto apart = loop.run(load);
  load.receive_interval = 30;
  CHECK(loop.run(load).time_per_output_token < apart.time_per_output_token);
}

TEST_CASE("One request in flight: its prompt, then a step for every further token") {
  Loop loop;
  loop.deployment.groups[0].engine.backend.request_overhead = 20 * milli * second;
  auto model = loop.iterations();
  const auto form = loop.run({.concurrency = 1, .input_tokens = 1000, .output_tokens = 101});
  const double prompt_s = model->cost({.n_chunks = 1, .prefill_tokens = 1000, .prefill_work = 1000 * 500, .n_first_tokens = 1}).time_s;
  double steps_s = 0;
  for (std::int64_t i = 1; i <= 100; ++i) steps_s += model->decode_cost(1, 1000 + i).time_s;
  CHECK(form.time_to_first_token.in(second) == Approx(0.02 + prompt_s));
  CHECK(form.time_per_output_token.in(second) == Approx(steps_s / 100).epsilon(1e-4));
}

TEST_CASE("Accepted drafts: tokens of several iterations come in one, which verifies them and proposes others") {
  Loop loop;
  auto model = loop.iterations();
  auto& scheduler = loop.deployment.groups[0].engine.scheduler;
  scheduler.draft_tokens = 3, scheduler.draft_acceptance = 1, scheduler.draft_cost = 0.1;
  const auto form = loop.run({.concurrency = 1, .input_tokens = 1000, .output_tokens = 401});
  // Four tokens an iteration; it takes that of four tokens of one sequence, and 3 x 0.1 of one's.
  const double step_s = model->cost({.n_decode = 1, .decode_context = 1200, .tokens_each = 4}).time_s + 0.3 * model->decode_cost(1, 1200).time_s;
  CHECK(form.time_per_output_token.in(second) == Approx(step_s / 4).epsilon(0.01));
  // The cache is read once for all four: against four sequences of that context three readings of it are saved.
  const double long_context = 100'000;
  const auto tokens = static_cast<std::int64_t>(long_context);
  const double four_s = model->decode_cost(4, 4 * tokens).time_s, one_s = model->cost({.n_decode = 1, .decode_context = tokens, .tokens_each = 4}).time_s;
  const ReplicaGroup& group = loop.deployment.groups[0];
  const double reading_s = long_context * (loop.deployment.model->kv_cache_per_token(group.plan.kv_format) / *group.accelerator->memory_bandwidth).in(second);
  CHECK(four_s - one_s > 3 * reading_s);
  CHECK(four_s - one_s < 2 * 3 * reading_s);
}

TEST_CASE("A prompt that comes again is computed but for its last block where the engine keeps prefixes") {
  Loop loop;
  auto model = loop.iterations();
  EngineSettings& engine = loop.deployment.groups[0].engine;
  const ClosedLoopLoad load{.concurrency = 1, .input_tokens = 1600, .output_tokens = 20, .n_prompts = 3, .n_warm_up = 3};
  const double whole_s = model->cost({.n_chunks = 1, .prefill_tokens = 1600, .prefill_work = 1600 * 800, .n_first_tokens = 1}).time_s;
  CHECK(loop.run(load).time_to_first_token.in(second) == Approx(whole_s));
  engine.scheduler.prefix_caching = true;
  REQUIRE(engine.kv_block_tokens == 16);
  const double block_s = model->cost({.n_chunks = 1, .prefill_tokens = 16, .prefill_work = 16 * (1584 + 8), .n_first_tokens = 1}).time_s;
  CHECK(loop.run(load).time_to_first_token.in(second) == Approx(block_s));
  // Of nine requests that count and are served one after the other, the first three come for the first time.
  const ClosedLoopLoad cold{.concurrency = 1, .input_tokens = 1600, .output_tokens = 20, .n_waves = 9, .n_prompts = 3};
  CHECK(loop.run(cold).time_to_first_token.in(second) == Approx((3 * whole_s + 6 * block_s) / 9));
}

TEST_CASE("Prefill and decode on workers of their own, one request: prompt, transfer, steps") {
  Loop loop;
  auto prefill = loop.iterations(), decode = loop.iterations();
  const ReplicaGroup& group = loop.deployment.groups[0];
  const MemoryPlan memory = memory_plan(*loop.deployment.model, *group.accelerator, group.plan, group.engine);
  const auto run = [&](const ClosedLoopLoad& load, std::int64_t n_prefill) {
    return disaggregated_loop({*prefill, group.engine, memory, n_prefill}, {*decode, group.engine, memory, 4}, 100 * kilo * byte, 1 * giga * byte / second, load);
  };
  const double prompt_s = prefill->cost({.n_chunks = 1, .prefill_tokens = 1000, .prefill_work = 1000 * 500, .n_first_tokens = 1}).time_s;
  const auto one = run({.concurrency = 1, .input_tokens = 1000, .output_tokens = 101}, 1);
  CHECK(one.time_to_first_token.in(second) == Approx(prompt_s + 0.1));  // 1,000 tokens of 100 kB at 1 GB/s
  CHECK(one.time_per_output_token.in(second) == Approx(decode->decode_cost(1, 1050).time_s).epsilon(0.01));
  // With many requests of few tokens a link that carries one cache at a time holds them up: ten requests a second.
  const auto many = run({.concurrency = 64, .input_tokens = 1000, .output_tokens = 11}, 1);
  CHECK(many.output_rate.in(token / second) == Approx(10 * 11).epsilon(0.05));
  const auto wider = run({.concurrency = 64, .input_tokens = 1000, .output_tokens = 11}, 3);
  // Three links send at most three times as much; caches that meet at one decode worker wait for each other.
  CHECK(wider.output_rate.in(token / second) < 1.01 * 3 * 10 * 11);
  CHECK(wider.output_rate.in(token / second) > 1.5 * 10 * 11);
}

TEST_CASE("Data-parallel groups of a prefill worker compute a prompt each at the same time") {
  // 8 groups, prompts as long as a group's budget: 8 prompts an iteration, so 64 take 8 iterations of 8.
  Loop h200 = eight_groups();
  ReplicaGroup& workers = h200.deployment.groups[0];
  workers.engine.max_batched_tokens = 4096;
  auto model = h200.iterations();
  const auto form = h200.run({.concurrency = 64, .input_tokens = 4096, .output_tokens = 1, .n_waves = 1});
  const double iteration_s = model->cost({.n_chunks = 8, .prefill_tokens = 8 * 4096, .prefill_work = 8 * 4096.0 * 2048, .n_first_tokens = 8}).time_s;
  CHECK(form.output_rate.in(token / second) == Approx(8 / iteration_s));
  CHECK(form.time_to_first_token.in(second) == Approx(4.5 * iteration_s));  // 1 to 8 iterations
}

TEST_CASE("Engines that gather prompts begin one only when there is one for each group, or less than that decodes") {
  // Eight groups. Sixteen requests in flight, which all end together: the next sixteen are there at once. With one
  // more, which ends elsewhen, a single prompt waits for others.
  Loop h200 = eight_groups();
  ReplicaGroup& workers = h200.deployment.groups[0];
  const ClosedLoopLoad load{.concurrency = 32, .input_tokens = 1024, .output_tokens = 256, .spread = 0.5};
  const auto at_once = h200.run(load);
  workers.engine.backend.gathers_prompts = true;
  const auto gathered = h200.run(load);
  CHECK(gathered.time_to_first_token > 1.2 * at_once.time_to_first_token);
  CHECK(gathered.time_per_output_token < at_once.time_per_output_token);
}

TEST_CASE("Little's law: requests in flight are the rate of requests times the time each takes") {
  Loop loop;
  const ClosedLoopLoad load{.concurrency = 32, .input_tokens = 1000, .output_tokens = 200, .spread = 0.2, .n_waves = 40};
  const auto form = loop.run(load);
  const double tokens = 200 * (1 - 0.2 / 2), time_s = form.time_to_first_token.in(second) + (tokens - 1) * form.time_per_output_token.in(second);
  CHECK(form.output_rate.in(token / second) / tokens * time_s == Approx(32).epsilon(0.03));
}

TEST_CASE("Prompts first: decoding waits for them, and first tokens come sooner than in mixed iterations") {
  Loop loop;
  const ClosedLoopLoad load{.concurrency = 64, .input_tokens = 2000, .output_tokens = 200, .spread = 0.2};
  const auto together = loop.run(load);
  loop.deployment.groups[0].engine.backend.prefill_first = true;
  const auto apart = loop.run(load);
  CHECK(apart.time_to_first_token < together.time_to_first_token);
  CHECK(apart.time_per_output_token > 0.8 * together.time_per_output_token);
}

TEST_CASE("More requests in flight never lower the rate, nor the time of a token") {
  Loop loop;
  double rate = 0, token_s = 0;
  for (const std::int64_t n : {1, 2, 4, 8, 16, 32, 64, 128}) {
    const auto form = loop.run({.concurrency = n, .input_tokens = 500, .output_tokens = 200, .spread = 0.2});
    CHECK(form.output_rate.in(token / second) > rate);
    CHECK(form.time_per_output_token.in(second) > 0.99 * token_s);
    rate = form.output_rate.in(token / second), token_s = form.time_per_output_token.in(second);
  }
}

TEST_CASE("A request longer than the cache is refused with the numbers") {
  Loop loop;
  const auto form = loop.run({.concurrency = 1, .input_tokens = 9'000'000, .output_tokens = 10});
  CHECK(form.infeasible.find("a request of 9000000 + 10 tokens is longer than the KV cache of ") == 0);
}

TEST_CASE("Decoding draws more than idle and less than the rated power, and a token less energy in a larger batch") {
  Loop loop;
  loop.deployment.groups[0].accelerator = &shipped().accelerators.at("nvidia-h200-sxm");
  Loop h200{loop.deployment, cost::OperatorModel(*loop.deployment.groups[0].accelerator, shipped())};
  const auto power_w = [](const ClosedLoopOutcome& out) { return out.cost.energy_j / out.cost.time_s; };
  const auto one = h200.run({.concurrency = 1, .input_tokens = 100, .output_tokens = 500});
  const auto many = h200.run({.concurrency = 64, .input_tokens = 100, .output_tokens = 500});
  // Between the least and the most that an H200 was seen to draw while it decodes with few and with many sequences.
  CHECK(power_w(one) > 120);
  CHECK(power_w(many) < 600);
  CHECK(many.energy_per_output_token < 0.1 * one.energy_per_output_token);
}
