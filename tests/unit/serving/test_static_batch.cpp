// SPDX-License-Identifier: Apache-2.0
// Batches that start and end together, engines without graphs, and power caps.
#include <catch2/catch.hpp>

#include "fixture.hpp"
#include "waferwatt/serving/static_batch.hpp"

using namespace waferwatt;
using namespace waferwatt::serving;

namespace {

const cost::OperatorModel& h100() {
  static const cost::OperatorModel operators(shipped().accelerators.at("nvidia-h100-sxm"), shipped());
  return operators;
}

std::unique_ptr<IterationModel> iterations(const EngineSettings& engine = {}, const ReplicaPlan& plan = {}) {
  const auto network = network::network_of(h100().accelerator(), shipped().system_of("nvidia-h100-sxm"), nullptr, plan.n_accelerators(), shipped());
  return std::make_unique<IterationModel>(shipped().language_models.at("llama-3-1-8b"), h100(), plan, *network, engine);
}

MemoryPlan memory(const EngineSettings& engine = {}, const ReplicaPlan& plan = {}) {
  return memory_plan(shipped().language_models.at("llama-3-1-8b"), h100().accelerator(), plan, engine);
}

}  // namespace

TEST_CASE("A static batch is its prompts' iterations and one decode step a token") {
  const auto model = iterations();
  const EngineSettings engine{.max_batched_tokens = 2048};
  const StaticBatch batch{.n_sequences = 8, .input_tokens = 512, .output_tokens = 101};
  const auto out = static_batch(*model, engine, memory(), batch);
  REQUIRE(out.infeasible.empty());
  // 2,048 tokens hold four prompts: two iterations of 4 x 512^2 / 2 token pairs.
  const double one_s = model->cost({.n_chunks = 4, .prefill_tokens = 2048, .prefill_work = 4 * 512.0 * 512 / 2, .n_first_tokens = 4}).time_s;
  CHECK(out.prompts.in(second) == Approx(2 * one_s));
  // 100 steps at contexts 513 to 612: one by one they take as long as the middle says.
  double steps_s = 0;
  for (std::int64_t i = 1; i <= 100; ++i) steps_s += model->decode_cost(8, 8 * (512 + i)).time_s;
  CHECK(100 * out.step.in(second) == Approx(steps_s).epsilon(0.005));
  CHECK(out.whole(batch).in(second) == Approx(2 * one_s + steps_s).epsilon(0.005));
}

TEST_CASE("A prompt beyond the budget is computed in chunks, whose work sums to the prompt's") {
  const auto model = iterations();
  IterationCost by_hand = model->cost({.n_chunks = 1, .prefill_tokens = 2000, .prefill_work = 2000.0 * 1000});
  by_hand += model->cost({.n_chunks = 1, .prefill_tokens = 1000, .prefill_work = 1000.0 * 2500, .n_first_tokens = 1});
  CHECK(prompts_cost(*model, 2000, 1, 3000).time_s == Approx(by_hand.time_s));
  CHECK(prompts_cost(*model, 2000, 3, 3000).time_s == Approx(3 * by_hand.time_s));
}

TEST_CASE("A batch that the caches do not hold says so with numbers") {
  const auto out = static_batch(*iterations(), {}, memory(), {.n_sequences = 4096, .input_tokens = 4096, .output_tokens = 4096});
  CHECK(out.infeasible.find("4096 requests of 4096 + 4096 tokens are longer than the KV cache of") == 0);
}

TEST_CASE("Without graphs a decode step takes at least the launches of its layers") {
  EngineSettings engine;
  engine.backend.eager_layer = 1 * milli * second;
  const double with_s = iterations(engine)->decode_cost(1, 500).time_s;
  engine.backend.has_graphs = false;
  const double without_s = iterations(engine)->decode_cost(1, 500).time_s;
  CHECK(with_s < 0.02);
  CHECK(without_s == Approx(32 * 1e-3 + engine.host_overhead.in(second)));  // 32 layers of a millisecond
}

TEST_CASE("Under a power cap prompts take longer and draw no more; decoding, which memory holds up, is slowed less") {
  const IterationLoad prompts{.n_chunks = 4, .prefill_tokens = 8192, .prefill_work = 4 * 2048.0 * 1024};
  const auto free = iterations(), capped = iterations({.power_cap = 400 * watt});
  const IterationCost a = free->cost(prompts), b = capped->cost(prompts);
  CHECK(b.time_s > 1.05 * a.time_s);
  CHECK(b.energy_j < a.energy_j);
  CHECK(b.energy_j / b.time_s < 1.01 * 400);
  const double slower_prompts = b.time_s / a.time_s;
  CHECK(capped->decode_cost(16, 16 * 1000).time_s / free->decode_cost(16, 16 * 1000).time_s < slower_prompts);
}

TEST_CASE("One batch that passes through stages takes the time of all of it on all layers") {
  const ReplicaPlan staged{.pipeline_parallel = 4, .one_micro_batch = true};
  const IterationCost through = iterations({}, staged)->decode_cost(64, 64 * 1000), whole = iterations()->decode_cost(64, 64 * 1000);
  CHECK(through.time_s - through.network_s == Approx(whole.time_s));
}
