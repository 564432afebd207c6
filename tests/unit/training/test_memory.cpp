// SPDX-License-Identifier: Apache-2.0
// What a plan needs of memory, and the nearest plan that fits.
#include "waferwatt/training/memory.hpp"

#include <catch2/catch.hpp>

#include "gpt.hpp"

using namespace waferwatt;
using namespace waferwatt::training;

namespace {

const Plan kPlan{.parallel = {8, 1, 1, 1}, .global_batch = 64, .micro_batch = 8, .sequence_length = 2048};

DataSize need(const catalog::LanguageModel& model, const Plan& plan) { return peak_memory(model, plan).total(); }

}  // namespace

TEST_CASE("the parts of memory are its total") {
  const auto use = peak_memory(gpt(24, 4096, 32), kPlan);
  DataSize sum;
  for (const auto& [name, size] : use.parts()) {
    CHECK(size >= DataSize{});
    sum += size;
  }
  CHECK(sum.in(byte) == Approx(use.total().in(byte)));
  CHECK(use.allocated() < use.reserved());
  CHECK(use.reserved() < use.total());
}

TEST_CASE("buffers are logits, gradients on their way, and weights' gradients of a layer and the head, by hand") {
  // 2 layers, h = 1024, 4 h, one rank, 4 x 512 tokens. A layer has 12 h^2 + 2 h weights, the head 51,200 h.
  const auto model = gpt(2, 1024, 16);
  const Plan plan{.global_batch = 4, .micro_batch = 4, .sequence_length = 512, .recompute = Recompute::none};
  const double h = 1024, tokens = 2048, layer = 12 * h * h + 2 * h, head = 51200 * h;
  const double at_work = tokens * (2 * 4 * h + 2 * h) * 2;
  const double expected = at_work + (layer + head) * 2 + tokens * 51200 * 4;
  CHECK(peak_memory(model, plan).buffers.in(byte) == Approx(expected));
}

TEST_CASE("gradients of experts' weights need no buffer: their kernels add them to the sum") {
  // 2 layers of 8 experts with three matrices h x f, 2 of them for a token, and a shared one; h = 1024, f = 512.
  auto model = gpt(2, 1024, 16);
  model.gated_ffn = true;
  model.moe.emplace();
  model.moe->n_routed_experts.value = 8, model.moe->experts_per_token.value = 2, model.moe->expert_ffn_size.value = 512;
  model.moe->n_shared_experts.value = 1;
  const Plan plan{.global_batch = 4, .micro_batch = 4, .sequence_length = 512, .recompute = Recompute::none};
  const double h = 1024, f = 512, tokens = 2048, head = 51200 * h;
  const double at_work = tokens * (3 * f * (2 + 1) + 2 * h) * 2;
  const double beside_experts = 4 * h * h + 2 * h + 3 * h * f + 8 * h;  // attention, norms, shared expert, router
  CHECK(peak_memory(model, plan).buffers.in(byte) == Approx(at_work + (beside_experts + head) * 2 + tokens * 51200 * 4));
}

TEST_CASE("each communicator takes memory of its own") {
  const auto model = gpt(24, 4096, 32);
  Plan plan = kPlan;
  const auto with = [&](Parallelism p) {
    plan.parallel = p;
    return peak_memory(model, plan).runtime.in(giga * byte);
  };
  CHECK(with({1, 1, 1, 1}) == Approx(0.6 + 0.25));
  CHECK(with({8, 1, 1, 1}) == Approx(0.6 + 2 * 0.25));
  CHECK(with({2, 2, 2, 1}) == Approx(0.6 + 4 * 0.25));
}

TEST_CASE("the way to fit is the nearest legal plan") {
  const auto model = gpt(24, 4096, 32);
  Plan one = kPlan;
  one.micro_batch = 4;
  REQUIRE(need(model, kPlan) > need(model, one));
  const auto ways = ways_to_fit(model, kPlan, need(model, one));
  REQUIRE_FALSE(ways.empty());
  CHECK(way_to_fit(model, kPlan, need(model, one)).find("with ") == 0);
  for (const auto& way : ways) {
    CHECK(problems(way.plan, model, 8).empty());
    CHECK(way.memory.total() <= need(model, one));
  }
  // A capacity that no one setting reaches takes two.
  DataSize least = need(model, kPlan);
  for (const auto& way : ways_to_fit(model, kPlan, 0.999 * least)) least = std::min(least, way.memory.total());
  CHECK(way_to_fit(model, kPlan, giga * byte) ==
        "no three changes make it fit: the states of 5.04 G parameters alone take 91 accelerators");
}

TEST_CASE("more accelerators of memory never make a plan unfit") {
  const auto model = gpt(24, 4096, 32);
  for (double gb = 4; gb < 200; gb *= 1.5) {
    const auto ways = ways_to_fit(model, kPlan, gb * giga * byte);
    const auto more = ways_to_fit(model, kPlan, 1.5 * gb * giga * byte);
    if (!ways.empty()) CHECK_FALSE(more.empty());
  }
}

TEST_CASE("published parameter counts follow from the shapes") {
  const auto count = [](const char* id, bool active) { return shipped().language_models.at(id).parameters(active) / 1e9; };
  CHECK(count("deepseek-v2", false) == Approx(236).epsilon(0.01));
  CHECK(count("deepseek-v2", true) == Approx(21).epsilon(0.03));
  CHECK(count("deepseek-v3", false) == Approx(671).epsilon(0.01));
  CHECK(count("deepseek-v3", true) == Approx(37).epsilon(0.03));
  CHECK(count("mixtral-8x22b", false) == Approx(141).epsilon(0.01));
  CHECK(count("mixtral-8x22b", true) == Approx(39).epsilon(0.02));
  CHECK(count("llama-3-70b", false) == Approx(70.6).epsilon(0.01));
  CHECK(count("gpt-3-175b", false) == Approx(175).epsilon(0.01));
}

TEST_CASE("what is offloaded is in the host's memory and no longer on the accelerator") {
  const auto model = gpt(24, 4096, 32);
  Plan plan{.parallel = {8, 1, 1, 1}, .global_batch = 8, .sequence_length = 1024, .zero_stage = 1};
  const auto inside = peak_memory(model, plan);
  CHECK(inside.host == DataSize{});
  plan.offload_weights = plan.offload_optimizer = true;
  const auto outside = peak_memory(model, plan);
  CHECK(outside.host.in(byte) == Approx(inside.states().in(byte)));
  CHECK(outside.states() == DataSize{});
  // Two fetched layers of 12 h^2 + 2 h weights.
  const double h = 4096, layer = 12 * h * h + 2 * h;
  CHECK((outside.buffers - inside.buffers).in(byte) == Approx(2 * 2 * layer));
}

TEST_CASE("gradients are kept in the bytes that the plan says, and an engine's own memory is added, by hand") {
  const auto model = gpt(8, 1024, 16);
  Plan plan{.parallel = {2, 1, 4, 1}, .global_batch = 16, .micro_batch = 1, .sequence_length = 1024, .zero_stage = 1};
  const auto before = stage_memory(model, plan, 1);
  plan.gradient_bytes = 2;
  plan.engine = {.buckets = 2 * giga * byte, .keeps_outputs = true, .n_communicators = 3};
  const auto after = stage_memory(model, plan, 1);
  const double h = 1024, n = 2 * (12 * h * h + 2 * h);
  CHECK((before.gradients - after.gradients).in(byte) == Approx(2 * n));
  // Stage 1 of 4 has three passes in flight, each with an output of 1,024 tokens.
  CHECK((after.buffers - before.buffers).in(byte) == Approx(2e9 + 3 * 1024 * h * 2));
  CHECK((after.runtime - before.runtime).in(giga * byte) == Approx(3 * 0.25));
}

TEST_CASE("unfused attention has the gradients of its scores at work where they are wider than the feed-forward part's") {
  // 16 heads of 8,192 scores a token, before and after the softmax, over (2 x 4 + 2) h.
  const auto model = gpt(2, 1024, 16);
  Plan plan{.global_batch = 1, .micro_batch = 1, .sequence_length = 8192, .recompute = Recompute::none};
  const double tokens = 8192, h = 1024, fused = peak_memory(model, plan).buffers.in(byte);
  plan.fused_attention = false;
  CHECK(peak_memory(model, plan).buffers.in(byte) - fused ==
        Approx(tokens * (2 * 16 * 8192 - 10 * h) * 2 + tokens * 51200 * 2));  // logits: 6 bytes in place of 4
}
