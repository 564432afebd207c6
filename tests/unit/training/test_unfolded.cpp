// SPDX-License-Identifier: Apache-2.0
// Every replica by itself: the folded step where all are equal, longer where they are not.
#include "waferwatt/training/unfolded.hpp"

#include <catch2/catch.hpp>

#include "gpt.hpp"
#include "waferwatt/network/fabric_design.hpp"

using namespace waferwatt;
using namespace waferwatt::training;

namespace {

const Plan kPlan{.parallel = {.data = 16, .tensor = 4, .pipeline = 4}, .global_batch = 256, .micro_batch = 1, .sequence_length = 2048};

struct OnA100 {
  const catalog::Accelerator& a = shipped().accelerators.at("nvidia-a100-sxm-80gb");
  network::TwoLevelNetwork network = *network::network_of(a, shipped().system_of(a.id), &shipped().fabrics.at("infiniband-hdr"), 256, shipped());
  cost::OperatorModel operators{a, shipped()};
  Machine machine{operators, network};
};

std::unique_ptr<network::Topology> fat_tree(std::int64_t n, double oversubscription) {
  const network::FabricDesign design{.n_accelerators = n, .oversubscription = oversubscription};
  return network::make_topology(design, {&shipped().fabrics.at("nvlink-3-8"), &shipped().fabrics.at("infiniband-hdr")});
}

}  // namespace

TEST_CASE("equal accelerators on an idle network are the folded step") {
  const OnA100 on;
  const auto model = gpt(24, 4096, 32);
  const auto unfolded = unfolded_step(model, kPlan, on.machine, 0, RandomStream(1, "test"), nullptr);
  CHECK(unfolded.iteration_time().in(second) == Approx(step(model, kPlan, on.machine).iteration_time().in(second)));
  CHECK(unfolded.fastest == unfolded.slowest);
}

TEST_CASE("stragglers lengthen the step, more spread more, and the same seed gives the same") {
  const OnA100 on;
  const auto model = gpt(24, 4096, 32);
  const auto time = [&](double spread, std::uint64_t seed) {
    return unfolded_step(model, kPlan, on.machine, spread, RandomStream(seed, "test"), nullptr).iteration_time();
  };
  const Time equal = time(0, 1);
  CHECK(time(0.02, 1) > equal);
  CHECK(time(0.06, 1) > time(0.02, 1));
  CHECK(time(0.02, 1) == time(0.02, 1));
  CHECK(time(0.02, 1) != time(0.02, 2));
}

TEST_CASE("groups share links only where the fabric makes them") {
  Plan plan = kPlan;
  plan.parallel = {.data = 64, .tensor = 4, .pipeline = 1};
  const auto open = contention(plan, *fat_tree(256, 1)), shared = contention(plan, *fat_tree(256, 4));
  CHECK(open.tensor == 1);  // inside a domain
  CHECK(open.data == Approx(1).epsilon(0.05));
  CHECK(shared.tensor == 1);
  CHECK(shared.data >= open.data);
  // All-to-alls of 64 ranks leave their leaf on a rail-optimised tree as soon as they span rails.
  plan.parallel = {.data = 256, .tensor = 1, .pipeline = 1, .expert = 64};
  CHECK(contention(plan, *fat_tree(256, 4)).expert > 1.5 * contention(plan, *fat_tree(256, 1)).expert);
}
