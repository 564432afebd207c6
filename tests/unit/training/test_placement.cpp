// SPDX-License-Identifier: Apache-2.0
// What the placement of groups on the fabric makes of a step.
#include <catch2/catch.hpp>

#include <algorithm>

#include "gpt.hpp"
#include "waferwatt/catalog/usable_memory.hpp"
#include "waferwatt/network/fabric_design.hpp"
#include "waferwatt/training/memory.hpp"
#include "waferwatt/training/search.hpp"
#include "waferwatt/training/unfolded.hpp"

using namespace waferwatt;
using namespace waferwatt::training;
using Catch::Matchers::Contains;
using network::Axis;

namespace {

constexpr network::Placement kPipelineInside{{Axis::pipeline, Axis::tensor, Axis::context, Axis::data}};
constexpr network::Placement kPipelineBeforeData{{Axis::tensor, Axis::context, Axis::pipeline, Axis::data}};

/// Nodes of eight A100 with an HDR adapter for each.
struct OnA100 {
  const catalog::Accelerator& a = shipped().accelerators.at("nvidia-a100-sxm-80gb");
  network::TwoLevelNetwork network = *network::network_of(a, shipped().system_of(a.id), &shipped().fabrics.at("infiniband-hdr"), 256, shipped());
  cost::OperatorModel operators{a, shipped()};
  Machine machine{operators, network};

  Step step(const catalog::LanguageModel& model, Plan plan, const network::Placement& placement) const {
    plan.parallel.placement = placement;
    return training::step(model, plan, machine);
  }
};

catalog::LanguageModel untied(std::int64_t n_layers, std::int64_t hidden_size) {
  auto model = gpt(n_layers, hidden_size, 32);
  model.tied_embeddings = false;
  return model;
}

}  // namespace

TEST_CASE("pipeline inside tensor: four of a tensor group's eight ranks in each of two nodes, and sends that stay inside") {
  const OnA100 on;
  const auto model = untied(24, 4096);
  Plan plan{.parallel = {.data = 1, .tensor = 8, .pipeline = 2}, .global_batch = 8, .micro_batch = 1, .sequence_length = 2048, .zero_stage = 0};
  const auto usual = on.step(model, plan, {}), inside = on.step(model, plan, kPipelineInside);
  const DataSize activations = 2048.0 * 4096 * 2 * byte;
  // Tensor ranks 0 1 ... 7 become 0 2 ... 14.
  CHECK(inside.breakdown.tensor / usual.breakdown.tensor ==
        Approx(on.network.all_reduce_time({8, 4}, activations) / on.network.all_reduce_time({8, 8}, activations)));
  CHECK(inside.iteration_time() > usual.iteration_time());
  // Stages are 8 apart, then 1.
  CHECK(passes(model, plan, on.machine).send == on.network.send_time(true, activations / 8));
  plan.parallel.placement = kPipelineInside;
  CHECK(passes(model, plan, on.machine).send == on.network.send_time(false, activations / 8));
}

TEST_CASE("pipeline before data pays where sends are large against gradients, and costs where they are small") {
  const OnA100 on;
  Plan plan{.parallel = {.data = 2, .tensor = 4, .pipeline = 2}, .global_batch = 64, .micro_batch = 4, .sequence_length = 16384, .zero_stage = 0};
  // Two layers of width 1,024 with the head: 16 M parameters and 65 MB of gradients a rank, beside sends
  // of 34 MB, eight each way.
  const auto narrow = untied(2, 1024);
  CHECK(on.step(narrow, plan, kPipelineBeforeData).iteration_time() < on.step(narrow, plan, {}).iteration_time());
  // Sixteen layers of width 8,192: 1.7 G parameters a rank, 6.8 GB of gradients beside sends of 2 MB.
  const auto wide = untied(16, 8192);
  plan.global_batch = 4, plan.micro_batch = 1, plan.sequence_length = 512;
  CHECK(on.step(wide, plan, kPipelineBeforeData).iteration_time() > on.step(wide, plan, {}).iteration_time());
  // Gradients: ranks 0 and 4 of a node, then 0 and 8 of two.
  plan.overlap.data = 0;
  const DataSize gradients = stage_parameters(wide, plan, 0).dense * 4 * byte;
  CHECK((on.step(wide, plan, kPipelineBeforeData).breakdown.data - on.step(wide, plan, {}).breakdown.data).in(second) ==
        Approx((on.network.all_reduce_time({2, 1}, gradients) - on.network.all_reduce_time({2, 2}, gradients)).in(second)));
}

TEST_CASE("tied embeddings are summed over the first and the last stage, wherever stages between them are") {
  const OnA100 on;
  const auto model = gpt(16, 4096, 32);
  // Without replicas nothing else is summed. Stages 4 apart: neighbours share a node of eight, the first and the fourth do not.
  Plan plan{.parallel = {.data = 1, .tensor = 4, .pipeline = 4}, .global_batch = 8, .micro_batch = 1, .sequence_length = 2048};
  const DataSize embedding = 51200.0 * 4096 / 4 * 4 * byte;
  CHECK(on.step(model, plan, {}).breakdown.data.in(second) == Approx(on.network.all_reduce_time({2, 1}, embedding).in(second)));
  // Stages 1 apart: all four in a node.
  CHECK(on.step(model, plan, kPipelineInside).breakdown.data.in(second) == Approx(on.network.all_reduce_time({2, 2}, embedding).in(second)));
}

TEST_CASE("a placement makes no difference inside one domain") {
  const OnA100 on;
  const auto model = gpt(24, 4096, 32);
  const Plan plan{.parallel = {.data = 2, .tensor = 2, .pipeline = 2}, .global_batch = 8, .micro_batch = 1, .sequence_length = 2048};
  const Time usual = on.step(model, plan, {}).iteration_time();
  for (const auto& placement : network::all_placements()) CHECK(on.step(model, plan, placement).iteration_time() == usual);
}

TEST_CASE("under every placement the unfolded step is the folded one on an idle fabric") {
  const OnA100 on;
  const auto model = gpt(24, 4096, 32);
  Plan plan{.parallel = {.data = 4, .tensor = 4, .pipeline = 2, .context = 2}, .global_batch = 32, .micro_batch = 1, .sequence_length = 2048};
  const auto topology = network::make_topology({.n_accelerators = 64, .oversubscription = 1},
                                               {&shipped().fabrics.at("nvlink-3-8"), &shipped().fabrics.at("infiniband-hdr")});
  for (const auto& placement : network::all_placements()) {
    plan.parallel.placement = placement;
    const auto unfolded = unfolded_step(model, plan, on.machine, 0, RandomStream(1, "test"), topology.get());
    INFO(plan_text(plan));
    CHECK(unfolded.iteration_time().in(second) == Approx(step(model, plan, on.machine).iteration_time().in(second)).epsilon(0.02));
  }
}

TEST_CASE("partition groups have to lie alike") {
  const auto model = gpt(24, 4096, 32);
  // Replicas 0 1 4 5 8 9: of three neighbours 0 1 4 and 5 8 9.
  Plan plan{.parallel = {.data = 3, .pipeline = 2, .context = 2, .placement = {{Axis::context, Axis::pipeline, Axis::data, Axis::tensor}}},
            .global_batch = 6, .sequence_length = 2048, .zero_stage = 3, .partition_group = 3};
  const auto found = problems(plan, model, 12);
  REQUIRE(found.size() == 1);
  CHECK(found[0].field == PlanProblem::Field::partition_group);
  CHECK(found[0].message == "6 data-parallel ranks lie in runs of 2 under this placement, so that groups of 3 would not lie alike; nearest legal: 2 or 6");
  plan.partition_group = 2;
  CHECK(problems(plan, model, 12).empty());
  plan.partition_group = 3, plan.parallel.placement = {};
  CHECK(problems(plan, model, 12).empty());
}

TEST_CASE("a plan's text has its placement where it differs in the axes that there are") {
  Plan plan{.parallel = {.data = 2, .tensor = 2, .pipeline = 2}};
  CHECK_THAT(plan_text(plan), !Contains("placed"));
  plan.parallel.placement = kPipelineBeforeData;
  CHECK_THAT(plan_text(plan), Contains("data 2, tensor 2, pipeline 2, placed tensor pipeline data, "));
  plan.parallel.data = 1;
  CHECK_THAT(plan_text(plan), !Contains("placed"));
}

TEST_CASE("a search over placements finds the best of all") {
  const OnA100 on;
  const auto model = untied(4, 2048);
  SearchSpace space{.n_accelerators = 16,
                    .base = {.global_batch = 32, .sequence_length = 8192},
                    .memory_capacity = catalog::usable_memory(on.a),
                    .max_tensor = 8,
                    .max_micro_batch = 2,
                    .allow_zero_3 = false,
                    .schedules = {Schedule::one_forward_one_backward}};
  const auto usual = best_plans(model, on.machine, space, Objective::time, 2);
  space.placements = network::all_placements();
  const auto found = best_plans(model, on.machine, space, Objective::time, 2);
  CHECK(found.n_plans > usual.n_plans);
  CHECK(found.best.front().time <= usual.best.front().time);
  // Each plan of the first search under each of the 24 orders: none is faster than what was found.
  Time best = usual.best.front().time;
  for (const auto& candidate : usual.best)
    for (const auto& placement : space.placements) best = std::min(best, on.step(model, candidate.plan, placement).iteration_time());
  CHECK(found.best.front().time <= best);
  // The result does not depend on the number of threads.
  const auto alone = best_plans(model, on.machine, space, Objective::time, 1);
  CHECK(alone.n_plans == found.n_plans);
  for (std::size_t i = 0; i < found.best.size(); ++i) CHECK(plan_text(alone.best[i].plan) == plan_text(found.best[i].plan));
}
