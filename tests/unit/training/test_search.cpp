// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/search.hpp"

#include <catch2/catch.hpp>

#include "gpt.hpp"

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

TEST_CASE("no plan of the front is better than another in everything") {
  const auto found = search(Objective::time, 1);
  for (const auto& a : found.pareto)
    for (const auto& b : found.pareto)
      CHECK_FALSE((a.time < b.time && a.memory < b.memory && a.energy < b.energy));
  CHECK(search(Objective::memory, 1).best[0].memory <= found.pareto.back().memory);
}
