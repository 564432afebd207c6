// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/search.hpp"

#include <catch2/catch.hpp>

#include "gpt.hpp"
#include "waferwatt/catalog/usable_memory.hpp"
#include "waferwatt/training/memory.hpp"

using namespace waferwatt;
using namespace waferwatt::training;

namespace {

SearchResult search(Objective objective, unsigned n_jobs) {
  const auto& a = shipped().accelerators.at("nvidia-a100-sxm-80gb");
  const auto network = network::network_of(a, shipped().system_of(a.id), &shipped().fabrics.at("infiniband-hdr"), 64, shipped());
  const cost::OperatorModel operators(a, shipped());
  const SearchSpace space{.n_accelerators = 64,
                          .base = {.global_batch = 256, .sequence_length = 2048},
                          .memory_capacity = *a.memory_capacity};
  return best_plans(gpt(48, 6144, 48), {operators, *network}, space, objective, n_jobs);
}

}  // namespace

TEST_CASE("the best plan is found whatever the number of threads") {
  const auto one = search(Objective::time, 1), two = search(Objective::time, 2);
  REQUIRE(one.best.size() == 10);
  REQUIRE(two.best.size() == 10);
  CHECK(one.n_plans == two.n_plans);
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(plan_text(one.best[i].plan) == plan_text(two.best[i].plan));
    CHECK(one.best[i].memory <= 80 * giga * byte);
    if (i > 0) CHECK(one.best[i].time >= one.best[i - 1].time);
    CHECK(problems(one.best[i].plan, gpt(48, 6144, 48), 64).empty());
  }
  CHECK(one.n_plans > 1000);
  CHECK_FALSE(why_slower(one.best[9], one.best[0]).empty());
}

TEST_CASE("no timeline of a plan that fits is shorter than the best one's") {
  const auto& a = shipped().accelerators.at("nvidia-a100-sxm-80gb");
  const auto network = network::network_of(a, shipped().system_of(a.id), &shipped().fabrics.at("infiniband-hdr"), 32, shipped());
  const cost::OperatorModel operators(a, shipped());
  const auto model = gpt(16, 6144, 48);
  const SearchSpace space{.n_accelerators = 32,
                          .base = {.global_batch = 64, .sequence_length = 2048},
                          .memory_capacity = *a.memory_capacity,
                          .max_micro_batch = 2,
                          .allow_context = false};
  const auto found = best_plans(model, {operators, *network}, space, Objective::time, 2);
  StepModel steps(model, {operators, *network});
  Time best = 1e9 * second;
  std::size_t n = 0;
  Plan plan = space.base;
  for (const std::int64_t tensor : {1, 2, 4, 8, 16})
    for (const std::int64_t pipeline : {1, 2, 4, 8, 16})
      for (const std::int64_t micro_batch : {1, 2})
        for (const auto recompute : {Recompute::none, Recompute::full})
          for (const auto schedule : space.schedules)
            for (const std::int64_t interleave : {1, 2, 4, 8})
              for (const std::int64_t zero_stage : {0, 1, 2, 3}) {
                if (32 % (tensor * pipeline) != 0 || (interleave > 1) != (schedule == Schedule::interleaved)) continue;
                plan.parallel = {.data = 32 / (tensor * pipeline), .tensor = tensor, .pipeline = pipeline};
                plan.micro_batch = micro_batch, plan.recompute = recompute, plan.schedule = schedule;
                plan.interleave = interleave, plan.zero_stage = zero_stage, plan.sequence_parallel = tensor > 1;
                if (!problems(plan, model, 32).empty() || peak_memory(model, plan).total() > space.memory_capacity) continue;
                ++n;
                const Time time = steps.step(plan).iteration_time();
                best = std::min(best, time);
                CHECK(steps.closed_form(plan).least <= time * (1 + 1e-9));
              }
  CHECK(n > 500);
  CHECK(found.best[0].time <= best);
}

TEST_CASE("no plan of the front is better than another in everything") {
  const auto found = search(Objective::time, 1);
  for (const auto& a : found.pareto)
    for (const auto& b : found.pareto)
      CHECK_FALSE((a.time < b.time && a.memory < b.memory && a.energy < b.energy));
  CHECK(search(Objective::memory, 1).best[0].memory <= found.pareto.back().memory);
}

// Calculon (caa4b11) looks for the best plan of Turing-NLG 530B on 5,128 A100 with at most 2,520 sequences, and finds
// tensor 8, data 641, micro-batches of 3, 1,923 sequences in 17.30 s; 132 GB of weights a rank are then on the host.
TEST_CASE("Calculon's best plan of Turing-NLG on 5,128 A100 is found among all, with host memory or without") {
  const auto& a = shipped().accelerators.at("nvidia-a100-sxm-80gb");
  const auto network = network::network_of(a, shipped().system_of(a.id), &shipped().fabrics.at("infiniband-hdr"), 5128, shipped());
  const cost::OperatorModel operators(a, shipped());
  const Machine machine{operators, *network, software_stack("megatron-2022")};
  const auto model = gpt(105, 20480, 128);
  Plan calculon{.parallel = {.data = 641, .tensor = 8, .pipeline = 1},
                .global_batch = 1923,
                .micro_batch = 3,
                .sequence_length = 2048,
                .fused_attention = false,
                .overlap = {.data = 1.0},
                .offload_optimizer = true,
                .offload_weights = true,
                .host_bandwidth = 25 * giga * byte / second};
  SearchSpace space{.n_accelerators = 5128, .base = calculon, .memory_capacity = catalog::usable_memory(a)};
  const auto found = best_plans(model, machine, space, Objective::time, 2);
  const auto& best = found.best.front();
  CHECK(best.plan.parallel.data == 641);
  CHECK(best.plan.parallel.tensor == 8);
  CHECK(best.plan.parallel.pipeline == 1);
  CHECK(best.plan.micro_batch == 3);
  CHECK(best.plan.offload_weights);
  CHECK(best.memory <= space.memory_capacity);
  REQUIRE(peak_memory(model, calculon).total() <= space.memory_capacity);
  const Time theirs = step(model, calculon, machine).iteration_time();
  CHECK(best.time <= theirs);
  CHECK(theirs.in(second) == Approx(17.30).epsilon(0.15));
  // Fewer sequences are no better a sample rate.
  for (const std::int64_t batch : {641, 1282}) {
    SearchSpace smaller = space;
    smaller.base.global_batch = batch;
    CHECK(static_cast<double>(batch) / best_plans(model, machine, smaller, Objective::time, 2).best.front().time.in(second) <
          1923 / best.time.in(second));
  }
  // Without host memory the states are spread over all ranks instead.
  space.base.offload_weights = space.base.offload_optimizer = false;
  const auto inside = best_plans(model, machine, space, Objective::time, 2);
  CHECK(inside.best.front().plan.zero_stage == 3);
  CHECK(inside.best.front().time >= best.time);
}

TEST_CASE("the front's times are those of the best plans") {
  const auto found = search(Objective::time, 2);
  CHECK(found.pareto.front().time == found.best.front().time);
}

TEST_CASE("where nothing fits, the smallest need is told") {
  const auto& a = shipped().accelerators.at("nvidia-a100-sxm-80gb");
  const auto network = network::network_of(a, shipped().system_of(a.id), &shipped().fabrics.at("infiniband-hdr"), 8, shipped());
  const cost::OperatorModel operators(a, shipped());
  const auto model = gpt(16, 6144, 48);
  SearchSpace space{.n_accelerators = 8, .base = {.global_batch = 8, .sequence_length = 2048}, .memory_capacity = 2 * giga * byte};
  const auto none = best_plans(model, {operators, *network}, space, Objective::time, 2);
  CHECK(none.best.empty());
  CHECK(none.n_too_large == none.n_plans);
  // A plan that needs no more than what was told fits; none does with less.
  space.memory_capacity = 0.999 * none.least_too_large;
  CHECK(best_plans(model, {operators, *network}, space, Objective::time, 2).best.empty());
  space.memory_capacity = 1.1 * none.least_too_large;
  CHECK_FALSE(best_plans(model, {operators, *network}, space, Objective::time, 2).best.empty());
}
