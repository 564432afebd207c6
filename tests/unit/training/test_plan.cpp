// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/plan.hpp"
#include "waferwatt/training/memory.hpp"

#include <catch2/catch.hpp>

#include "gpt.hpp"

using namespace waferwatt;
using namespace waferwatt::training;

namespace {

std::string only_message(const Plan& plan, const catalog::LanguageModel& model, std::int64_t n) {
  const auto found = problems(plan, model, n);
  REQUIRE(found.size() == 1);
  return found[0].message;
}

catalog::LanguageModel mixture() {
  auto m = gpt(4, 1024, 16);
  m.gated_ffn = true;
  m.moe.emplace();
  m.moe->n_routed_experts.value = 8, m.moe->experts_per_token.value = 2, m.moe->expert_ffn_size.value = 2048;
  m.moe->n_shared_experts.value = 1, m.moe->n_dense_layers.value = 1;
  return m;
}

}  // namespace

TEST_CASE("a legal plan has no problems") {
  CHECK(problems({.parallel = {8, 4, 2, 1}, .global_batch = 64, .micro_batch = 4, .sequence_length = 2048},
                 gpt(24, 4096, 32), 64)
            .empty());
}

TEST_CASE("each broken rule names the nearest legal values") {
  const auto model = gpt(30, 3072, 32);
  const Plan good{.parallel = {4, 2, 2, 1}, .global_batch = 32, .micro_batch = 2, .sequence_length = 2048};
  CHECK(only_message(good, model, 32) ==
        "data 4 x tensor 2 x pipeline 2 = 16 accelerators, but there are 32; use data 8");
  CHECK(only_message(good, model, 30) ==
        "data 4 x tensor 2 x pipeline 2 = 16 accelerators, but there are 30; a replica takes 4 accelerators; "
        "nearest legal numbers of accelerators: 28 or 32");
  Plan plan = good;
  plan.parallel.tensor = 5;
  CHECK(only_message(plan, model, 40) ==
        "32 heads cannot be split over 5 tensor-parallel ranks; nearest legal: 4 or 8");
  plan.parallel.tensor = 64;
  CHECK(only_message(plan, model, 512) == "32 heads cannot be split over 64 tensor-parallel ranks; nearest legal: 32");
  plan = good, plan.parallel.pipeline = 33;
  CHECK(only_message(plan, model, 264) ==
        "30 layers cannot fill 33 stages of 1 group; at most 32 groups, the first and the last then holding the "
        "embedding and the head alone: at most 32 stages of 1");
  plan = good, plan.schedule = Schedule::zero_bubble_v, plan.parallel.pipeline = 17;
  CHECK(only_message(plan, model, 136) ==
        "30 layers cannot fill 17 stages of 2 groups; at most 32 groups, the first and the last then holding the "
        "embedding and the head alone: at most 16 stages of 2");
  plan = good, plan.schedule = Schedule::dual_pipe, plan.parallel.pipeline = 3;
  CHECK(only_message(plan, model, 24) == "a DualPipe has pairs of stages, but there are 3; nearest legal: 2 or 4");
  plan = good, plan.parallel.context = 32, plan.sequence_length = 1024, plan.context_exchange = ContextExchange::all_to_all;
  CHECK(only_message(plan, model, 512) ==
        "16 heads of a tensor-parallel rank cannot be exchanged over 32 context-parallel ranks; nearest legal: 16");
  plan = good, plan.parallel.context = 3, plan.sequence_length = 1024;
  CHECK(only_message(plan, model, 48) ==
        "1024 tokens cannot be split over 3 context-parallel ranks; nearest legal: 2 or 4");
  plan = good, plan.partition_group = 3;
  CHECK(only_message(plan, model, 16) ==
        "groups of 3 ranks cannot be made of 4 data-parallel ranks; nearest legal: 2 or 4");
  plan = good, plan.group_reduction = GroupReduction::micro_batch, plan.zero_stage = 3;
  CHECK(only_message(plan, model, 16) ==
        "sums between partition groups after each micro-batch need a partition group, and zero stage 2 or 3; there is no group");
  plan.partition_group = 2;
  CHECK(problems(plan, model, 16).empty());
  plan = good, plan.schedule = Schedule::interleaved, plan.interleave = 2, plan.global_batch = 24;
  CHECK(only_message(plan, model, 16) ==
        "an interleaved schedule of 2 stages takes micro-batches by 2, but there are 3; nearest legal global batch: 16 "
        "or 32");
  plan = good, plan.schedule = Schedule::dual_pipe, plan.global_batch = 24;
  CHECK(only_message(plan, model, 16) ==
        "a DualPipe takes half of the micro-batches from each end, but there are 3; nearest legal global batch: 16 or 32");
  plan = good, plan.global_batch = 30;
  CHECK(only_message(plan, model, 16) ==
        "30 sequences cannot be split into micro-batches of 2 on 4 data-parallel ranks; nearest legal: 24 or 32");
  plan.global_batch = 3;
  CHECK(only_message(plan, model, 16) ==
        "3 sequences cannot be split into micro-batches of 2 on 4 data-parallel ranks; nearest legal: 8");
  plan = good, plan.parallel.expert = 2;
  CHECK(only_message(plan, model, 16) == "GPT has no experts; use 1");
}

TEST_CASE("expert parallelism divides the experts and the data-parallel ranks") {
  Plan plan{.parallel = {12, 1, 1, 3}, .global_batch = 12, .micro_batch = 1, .sequence_length = 128};
  CHECK(only_message(plan, mixture(), 12) == "8 experts cannot be split over 3 ranks; nearest legal: 2 or 4");
  plan.parallel.expert = 8;
  CHECK(only_message(plan, mixture(), 12) ==
        "expert parallelism 8 must divide data parallelism 12; nearest legal: 4");
  plan.parallel.expert = 2, plan.parallel.expert_tensor = 5;
  CHECK(only_message(plan, mixture(), 12) ==
        "experts in 5 slices (expert_tensor) cannot be spread over the 12 ranks of a stage; nearest legal: 4 or 6");
}

TEST_CASE("the stages together hold every parameter") {
  const auto dense = gpt(24, 4096, 32);
  double sum = 0;
  for (std::int64_t stage = 0; stage < 3; ++stage)
    sum += 2 * stage_parameters(dense, {.parallel = {1, 2, 3, 1}}, stage).dense;
  // Norms (2 h a layer and the last) are on both tensor ranks; the tied embedding is on both end stages.
  CHECK(sum == Approx(dense.parameters() + 24 * 2 * 4096.0 + 4096 + 51200 * 4096.0));

  // A stage with both ends of the model keeps the tied embedding once.
  const Plan v{.parallel = {1, 1, 2, 1}, .global_batch = 4, .schedule = Schedule::zero_bubble_v};
  CHECK(stage_parameters(dense, v, 0).dense + stage_parameters(dense, v, 1).dense == Approx(dense.parameters()));

  const auto moe = mixture();
  const auto whole = stage_parameters(moe, {.parallel = {4, 1, 1, 1}}, 0),
             split = stage_parameters(moe, {.parallel = {4, 1, 1, 4}}, 0);
  CHECK(whole.dense + whole.experts == Approx(moe.parameters()));
  CHECK(whole.experts == Approx(3.0 * 8 * 3 * 1024 * 2048));  // layers x experts x matrices x h x f
  CHECK(split.experts == Approx(whole.experts / 4));
  CHECK(split.dense == Approx(whole.dense));
}

TEST_CASE("activations are those of Korthikanti et al. for their model") {
  const auto model = gpt(96, 12288, 96);
  Plan plan{.parallel = {1, 8, 8, 1},
            .global_batch = 64,
            .micro_batch = 1,
            .sequence_length = 2048,
            .fused_attention = false};
  const double sbh = 2048.0 * 12288, scores = 5 * 96.0 * 2048 / 12288;  // 5 a s / h = 80
  CHECK(scores == Approx(80));
  const auto bytes = [&](Recompute recompute) { return layer_activations(model, plan, false, recompute).in(byte); };
  CHECK(bytes(Recompute::none) == Approx(sbh * (34 + 80) / 8));  // equation 4
  CHECK(bytes(Recompute::selective) == Approx(sbh * 34 / 8));    // equation 6
  CHECK(bytes(Recompute::full) == Approx(sbh * 2 / 8));
  plan.sequence_parallel = false;
  CHECK(bytes(Recompute::none) == Approx(sbh * (10 + (24 + 80.0) / 8)));  // equation 2
  CHECK(bytes(Recompute::full) == Approx(sbh * 2));
  plan.fused_attention = true;
  CHECK(bytes(Recompute::none) == bytes(Recompute::selective));
}

TEST_CASE("mixed precision with Adam takes 18 bytes a parameter, 6 and a share with ZeRO-1") {
  const auto model = gpt(24, 4096, 32);
  Plan plan{.parallel = {4, 1, 1, 1}, .global_batch = 4, .micro_batch = 1, .sequence_length = 1024, .zero_stage = 0};
  const auto bytes = [&] {
    const auto use = stage_memory(model, plan, 0);
    return (use.weights + use.gradients + use.optimizer).in(byte) / model.parameters();
  };
  CHECK(bytes() == Approx(18));
  plan.zero_stage = 1;
  CHECK(bytes() == Approx(6 + 12.0 / 4));
}

TEST_CASE("the first stage keeps as many micro-batches as there are stages, if there are that many") {
  const auto model = gpt(8, 1024, 16);
  Plan plan{.parallel = {1, 1, 4, 1}, .global_batch = 16, .micro_batch = 1, .sequence_length = 1024};
  const auto layer = layer_activations(model, plan, false, Recompute::selective);
  CHECK(stage_memory(model, plan, 0).activations.in(byte) == Approx((4 * 2 * layer).in(byte)));
  CHECK(stage_memory(model, plan, 1).activations.in(byte) == Approx((3 * 2 * layer).in(byte)));
  plan.global_batch = 2;
  CHECK(stage_memory(model, plan, 0).activations.in(byte) == Approx((2 * 2 * layer).in(byte)));
}

TEST_CASE("more recomputation and more splitting never need more memory") {
  const auto model = gpt(96, 12288, 96);
  Plan plan{.parallel = {8, 4, 4, 1},
            .global_batch = 512,
            .micro_batch = 2,
            .sequence_length = 2048,
            .fused_attention = false};
  const auto total = [&](Plan p) { return peak_memory(model, p).total(); };
  const auto with = [&](auto change) {
    Plan p = plan;
    change(p);
    return total(p);
  };
  CHECK(with([](Plan& p) { p.recompute = Recompute::none; }) > total(plan));
  CHECK(with([](Plan& p) { p.recompute = Recompute::full; }) < total(plan));
  CHECK(with([](Plan& p) { p.parallel.tensor = 8; }) < total(plan));
  CHECK(with([](Plan& p) { p.parallel.pipeline = 8; }) < total(plan));
  CHECK(with([](Plan& p) { p.zero_stage = 0; }) > total(plan));
  CHECK(with([](Plan& p) { p.micro_batch = 1; }) < total(plan));
}

TEST_CASE("layers that cannot be split evenly leave the ends short") {
  auto model = gpt(61, 1024, 16);
  Plan plan{.parallel = {1, 1, 16, 1}, .global_batch = 16, .sequence_length = 1024};
  std::int64_t sum = 0;
  for (std::int64_t stage = 0; stage < 16; ++stage) {
    const auto [first, last] = chunk_layers(model, plan, stage);
    CHECK(first == sum);
    sum = last;
    // 16 x 4 - 61 = 3 are missing: on the last two stages and the first.
    CHECK(last - first == (stage == 0 || stage >= 14 ? 3 : 4));
  }
  CHECK(sum == 61);
}

TEST_CASE("ZeRO spreads optimizer, gradients and weights in turn, over all ranks or a group") {
  const auto model = gpt(24, 4096, 32);
  Plan plan{.parallel = {8, 1, 1, 1}, .global_batch = 8, .sequence_length = 1024};
  const auto bytes = [&](std::int64_t stage, std::int64_t group) {
    plan.zero_stage = stage, plan.partition_group = group;
    const auto use = stage_memory(model, plan, 0);
    return (use.weights + use.gradients + use.optimizer).in(byte) / model.parameters();
  };
  CHECK(bytes(0, 0) == Approx(18));
  CHECK(bytes(1, 0) == Approx(6 + 12.0 / 8));
  CHECK(bytes(2, 0) == Approx(2 + 16.0 / 8));
  CHECK(bytes(3, 0) == Approx(18.0 / 8));
  CHECK(bytes(3, 4) == Approx(18.0 / 4));
}
