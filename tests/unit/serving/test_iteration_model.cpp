// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/iteration_model.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace waferwatt;
using namespace waferwatt::serving;

namespace {

/// `model` is kept by reference.
IterationModel iteration_model(const catalog::LanguageModel& model, const cost::OperatorModel& operators, ReplicaPlan plan,
                               EngineSettings engine = {}) {
  const auto& accelerator = operators.accelerator();
  const auto network =
      network::network_of(accelerator, shipped().system_of(accelerator.id), nullptr, plan.tensor_parallel, shipped());
  return IterationModel(model, operators, plan, *network, engine);
}

IterationModel iteration_model(const std::string& model, const cost::OperatorModel& operators, ReplicaPlan plan, EngineSettings engine = {}) {
  return iteration_model(shipped().language_models.at(model), operators, plan, engine);
}

const cost::OperatorModel& h200() {
  static const cost::OperatorModel operators(shipped().accelerators.at("nvidia-h200-sxm"), shipped());
  return operators;
}

}  // namespace

TEST_CASE("Decoding one sequence takes at least as long as reading the weights once") {
  auto model = iteration_model("llama-3-1-70b", h200(), {.tensor_parallel = 4});
  // 68.5e9 parameters in GEMMs (70.6e9 less the input embedding and norms) of 2 bytes over 4 x 4.8 TB/s: 7.1 ms.
  const double least_s = 2 * 68.5e9 / (4 * 4.8e12);
  const double time_s = model.decode_cost(1, 1000).time_s;
  CHECK(time_s > least_s);
  CHECK(time_s < 2 * least_s);
}

TEST_CASE("Hosts that work beside the accelerators show where they are slower, and between the stages of a pipeline") {
  const auto time_s = [](double sequence_us, double step_us, std::int64_t stages) {
    EngineSettings engine;
    engine.backend.overlaps_host = true;
    engine.backend.sequence_overhead = sequence_us * micro * second;
    engine.host_overhead = step_us * micro * second;
    return iteration_model("llama-3-1-8b", h200(), {.tensor_parallel = 1, .pipeline_parallel = stages}, engine).decode_cost(100, 100'000).time_s;
  };
  const double kernels_s = time_s(0, 0, 1);
  CHECK(kernels_s > 100 * 10e-6);
  CHECK(time_s(10, 500, 1) == Approx(kernels_s + 500e-6));         // 100 sequences of 10 us are hidden
  CHECK(time_s(1000, 500, 1) == Approx(100 * 1000e-6 + 500e-6));   // of 1 ms the kernels are
  CHECK(time_s(10, 500, 2) == Approx(time_s(0, 0, 2) + 2 * (500e-6 + 50 * 10e-6)));  // 50 in each of two micro-batches
}

TEST_CASE("The parts of an iteration's time sum to it") {
  auto model = iteration_model("deepseek-v3", h200(), {.tensor_parallel = 8, .weight_format = NumberFormat::fp8});
  const IterationLoad load{.n_decode = 30,
                           .decode_context = 30 * 900,
                           .n_chunks = 2,
                           .prefill_tokens = 700,
                           .prefill_work = 700 * 400,
                           .n_first_tokens = 1};
  const IterationCost cost = model.cost(load);
  CHECK(cost.time_s == Approx(cost.memory_s + cost.compute_s + cost.launch_s + cost.network_s + cost.host_s));
  CHECK(cost.energy_j > cost.time_s * model.idle_power_w() * 0.999);
  CHECK(cost.energy_j <= cost.time_s * shipped().accelerators.at("nvidia-h200-sxm").tdp->in(watt)*1.001);
}

TEST_CASE("An iteration takes longer with more sequences, longer contexts and more prompt tokens") {
  auto model = iteration_model("llama-3-1-8b", h200(), {});
  const auto time_s = [&](std::int64_t n, std::int64_t context, std::int64_t prefill) {
    const double tokens = static_cast<double>(prefill);
    return model
        .cost({.n_decode = n,
               .decode_context = n * context,
               .n_chunks = prefill > 0 ? 1 : 0,
               .prefill_tokens = prefill,
               .prefill_work = tokens * tokens / 2})
        .time_s;
  };
  CHECK(time_s(64, 1000, 0) > time_s(32, 1000, 0));
  CHECK(time_s(32, 2000, 0) > time_s(32, 1000, 0));
  CHECK(time_s(32, 1000, 512) > time_s(32, 1000, 0));
  CHECK(time_s(32, 1000, 4096) > time_s(32, 1000, 512));
}

TEST_CASE("Attention between two table nodes lies within 1 % of its operator's own estimate") {
  auto model = iteration_model("llama-3-1-8b", h200(), {}, {.host_overhead = 0 * second});
  const auto attention = [&](double context) {
    return 32 * h200()
                    .estimate(cost::DecodeAttention{.n_sequences = 16,
                                                    .total_context_tokens = 16 * context,
                                                    .n_heads = 32,
                                                    .qk_dim = 128,
                                                    .v_dim = 128,
                                                    .kv_bytes_per_token = 4096 * byte})
                    .time.in(second);
  };
  // Everything but attention cancels in the difference of two contexts. None of them is a measured
  // point: there the operator returns the measurement, a cusp that no table follows.
  for (const std::int64_t context : {300, 1000, 5555}) {
    const double difference_s = model.decode_cost(16, 16 * context).time_s - model.decode_cost(16, 16 * 150).time_s;
    CHECK(difference_s == Approx(attention(static_cast<double>(context)) - attention(150)).epsilon(0.01).margin(1e-7));
  }
}

TEST_CASE("Small all-reduces are those of the engine, large ones those of the network") {
  const auto model = iteration_model("llama-3-1-70b", h200(), {.tensor_parallel = 8});
  const auto network =
      *network::network_of(h200().accelerator(), shipped().system_of("nvidia-h200-sxm"), nullptr, 8, shipped());
  CHECK(model.all_reduce_time(8192 * byte) == network.all_reduce_time(network.group(8), 8192 * byte, "vllm graph"));
  CHECK(model.all_reduce_time(8192 * byte) < network.all_reduce_time(network.group(8), 8192 * byte));
  CHECK(model.all_reduce_time(256 * mega * byte) <= network.all_reduce_time(network.group(8), 256 * mega * byte));
  CHECK(iteration_model("llama-3-1-70b", h200(), {.tensor_parallel = 1}).all_reduce_time(1 * mega * byte) == Time{});
}

TEST_CASE("Queries and keys that are normalised across heads cost a sum of squares over the ranks in every layer") {
  const catalog::LanguageModel& across = shipped().language_models.at("minimax-m2-5");
  REQUIRE(across.query_key_norm == catalog::QueryKeyNorm::across_heads);
  catalog::LanguageModel plain = across;
  plain.query_key_norm = catalog::QueryKeyNorm::none;
  catalog::LanguageModel by_head = across;
  by_head.query_key_norm = catalog::QueryKeyNorm::per_head;
  const auto time_s = [](const catalog::LanguageModel& model, std::int64_t ranks) {
    return iteration_model(model, h200(), {.tensor_parallel = ranks, .weight_format = NumberFormat::fp8}).decode_cost(10, 10'000).time_s;
  };
  const auto more_s = [&](std::int64_t ranks) { return time_s(across, ranks) - time_s(plain, ranks); };
  // 48 + 8 heads of 128 numbers of 2 bytes: 14,336 bytes a token are read, and written again.
  const auto moved_s = [](double bytes) { return h200().stream(bytes * byte).time.in(second); };
  CHECK(more_s(1) == Approx(62 * moved_s(2 * 10 * 14'336)));
  CHECK(time_s(by_head, 1) == time_s(across, 1));
  // A quarter of the heads on each of four ranks, read twice and written once; two sums of 4 bytes for each token.
  const double sum_s = iteration_model(across, h200(), {.tensor_parallel = 4}).all_reduce_time(10 * 2 * 4 * byte).in(second);
  CHECK(sum_s > 1e-6);
  CHECK(more_s(4) == Approx(62 * (moved_s(10 * 3'584) + sum_s + moved_s(2 * 10 * 3'584))));
  CHECK(time_s(by_head, 4) - time_s(plain, 4) == Approx(62 * moved_s(2 * 10 * 3'584)));
}

TEST_CASE("Without a graph a layer takes as long as its kernels take to launch") {
  EngineSettings engine;
  engine.host_overhead = 0 * second;
  engine.backend.eager_layer = 14 * second;  // longer than anything computes: a second for each of a plain layer's 14 kernels
  const IterationLoad prompt{.n_chunks = 1, .prefill_tokens = 10, .prefill_work = 50, .n_first_tokens = 1};
  // 80 layers of 8 kernels for grouped-query attention and 6 for the feed-forward part.
  CHECK(iteration_model("llama-3-1-70b", h200(), {.tensor_parallel = 8}, engine).cost(prompt).time_s == Approx(80 * 14));
  // 61 layers of 8 + 8 for latent attention; 3 with 6 for a feed-forward part, 58 with 13 for experts and 4 for the shared one.
  CHECK(iteration_model("deepseek-v3", h200(), {.tensor_parallel = 8, .weight_format = NumberFormat::fp8}, engine).cost(prompt).time_s ==
        Approx(61 * 16 + 3 * 6 + 58 * 17));
  CHECK(iteration_model("llama-3-1-70b", h200(), {.tensor_parallel = 8}, engine).decode_cost(1, 100).time_s < 1);  // a graph
}

TEST_CASE("The host works for an iteration, for each of its sequences and for each of its prompts") {
  EngineSettings engine;
  engine.host_overhead = 1 * second;
  const IterationLoad load{.n_decode = 5, .decode_context = 500, .n_chunks = 2, .prefill_tokens = 10, .prefill_work = 50, .n_first_tokens = 1};
  const double without_s = iteration_model("llama-3-1-8b", h200(), {}, engine).cost(load).time_s;
  engine.backend.sequence_overhead = 10 * second, engine.backend.stream_overhead = 100 * second, engine.backend.prompt_overhead = 1000 * second;
  // 5 + 2 sequences and 2 prompts; of two data-parallel groups each schedules 4 sequences and a prompt.
  CHECK(iteration_model("llama-3-1-8b", h200(), {}, engine).cost(load).time_s - without_s == Approx(7 * 110 + 2 * 1000));
  const auto groups = iteration_model("llama-3-1-8b", h200(), {.data_parallel = 2}, engine).cost(load);
  CHECK(groups.scheduling_s == Approx(1 + 4 * 110 + 1000));
}

TEST_CASE("An engine's factors stretch attention and the other kernels apart") {
  EngineSettings engine;
  engine.host_overhead = 0 * second;
  const auto time_s = [&](double kernels, double attention, std::int64_t context) {
    engine.backend.decode_kernels = kernels, engine.backend.decode_attention = attention;
    return iteration_model("llama-3-1-8b", h200(), {}, engine).decode_cost(16, 16 * context).time_s;
  };
  // What a longer context costs is attention's: thrice as much when attention takes thrice as long, whatever the others take.
  const double longer_s = time_s(1, 1, 4000) - time_s(1, 1, 1000);
  CHECK(time_s(1, 3, 4000) - time_s(1, 3, 1000) == Approx(3 * longer_s));
  CHECK(time_s(3, 1, 4000) - time_s(3, 1, 1000) == Approx(longer_s));
  CHECK(time_s(3, 3, 1000) == Approx(3 * time_s(1, 1, 1000)));
}

TEST_CASE("An engine that launches better shortens answers' kernels that launching bounds, and no others") {
  EngineSettings engine;
  engine.host_overhead = 0 * second;
  const auto cost = [&](double launch, const IterationLoad& load) {
    engine.backend.decode_launch = launch;
    return iteration_model("llama-3-1-8b", h200(), {}, engine).cost(load);
  };
  const IterationLoad answers{.n_decode = 4, .decode_context = 4000};
  const IterationCost plain = cost(1, answers), better = cost(0.5, answers);
  CHECK(plain.time_s - better.time_s == Approx(plain.launch_s - better.launch_s));
  CHECK(better.memory_s == plain.memory_s);
  CHECK(better.compute_s == plain.compute_s);
  CHECK(plain.time_s - better.time_s > 0.02 * plain.time_s);
  CHECK(plain.time_s - better.time_s <= 0.5 * plain.launch_s * 1.000001);  // attention's launches stay
  CHECK(better.energy_j < plain.energy_j);
  const IterationLoad prompts{.n_chunks = 1, .prefill_tokens = 64, .prefill_work = 64 * 32, .n_first_tokens = 1};
  CHECK(cost(0.5, prompts).time_s == cost(1, prompts).time_s);
}
