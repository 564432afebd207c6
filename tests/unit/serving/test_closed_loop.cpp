// SPDX-License-Identifier: Apache-2.0
// The closed-loop form against the engine, which schedules every iteration.
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
};

}  // namespace

TEST_CASE("Requests of one length in a closed loop: the form is the engine, wave after wave") {
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

TEST_CASE("A batch that is full makes the rest wait, as in the engine") {
  Loop loop;
  loop.deployment.groups[0].engine.max_sequences = 16;
  Workload workload = fixed_lengths(500, 100, 480);
  workload.concurrency = 48;
  const ServingSummary engine = summarise(outcome_of(loop.deployment, workload), loop.deployment, {}, {});
  const auto form = loop.run({.concurrency = 48, .input_tokens = 500, .output_tokens = 100});
  CHECK(form.time_to_first_token.in(second) == Approx(engine.ttft_s.mean).epsilon(0.02));
  CHECK(form.time_per_output_token.in(second) == Approx(engine.tpot_s.mean).epsilon(0.02));
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
