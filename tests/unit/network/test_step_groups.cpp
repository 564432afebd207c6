// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/step_groups.hpp"

#include <catch2/catch.hpp>

#include "fabrics.hpp"

using namespace waferwatt;
using namespace waferwatt::network;
using Catch::Matchers::Contains;

namespace {

const TestFabrics kFabrics;

double us(Time time) { return time.in(micro * second); }

}  // namespace

TEST_CASE("groups are placed tensor first, then context, data, pipeline") {
  const Degrees d{.tensor = 2, .context = 2, .data = 2, .pipeline = 2, .expert = 2, .expert_tensor = 2};
  CHECK(groups_of(d, GroupKind::tensor).at(1) == std::vector<Rank>{2, 3});
  CHECK(groups_of(d, GroupKind::context).at(0) == std::vector<Rank>{0, 2});
  CHECK(groups_of(d, GroupKind::data).at(1) == std::vector<Rank>{1, 3, 5, 7});
  CHECK(groups_of(d, GroupKind::data).at(2) == std::vector<Rank>{8, 10, 12, 14});
  CHECK(groups_of(d, GroupKind::expert).at(0) == std::vector<Rank>{0, 2});
  CHECK(groups_of(d, GroupKind::expert_data).at(0) == std::vector<Rank>{0, 4});
  CHECK(groups_of(d, GroupKind::pipeline_stages).at(0) == std::vector<Rank>{0, 8});
  CHECK(groups_of(d, GroupKind::pipeline_stages).size() == 8);
  CHECK_THROWS_WITH(groups_of({.tensor = 2, .data = 3, .expert = 4}, GroupKind::expert), Contains("6 ranks of a stage do not make groups of 4"));
}

TEST_CASE("a step's tensor, expert, pipeline and data traffic share a fabric with 2:1 oversubscription") {
  // 256 accelerators in domains of 8 on rails; leaves of 16 NICs of 10 GB/s with a trunk of 80 GB/s to the spine.
  FabricDesign design = fat_tree(256, 24);
  design.oversubscription = 2;
  Evaluator evaluator(design, kFabrics.parts());
  const Degrees d{.tensor = 8, .data = 16, .pipeline = 2, .expert = 8};

  // NVLink of 100 GB/s carries two kinds. Tensor: a ring of 8, 4 MB, 7 MB on each link after 14 us: alone 84 us.
  // Experts: 7 pieces of 2 MB after 1 us: alone 141 us. Together: 1.3 MB of the experts' until 14 us; then 50 GB/s
  // each until tensor's 7 MB are over at 154 us; the experts' other 5.7 MB at 100 GB/s: 211 us.
  const GroupTraffic tensor{"tensor", groups_of(d, GroupKind::tensor), Collective::all_reduce, Algorithm::ring, 4 * mega * byte};
  const GroupTraffic experts{"experts", groups_of(d, GroupKind::expert), Collective::all_to_all, Algorithm::pairwise, 16 * mega * byte};

  // The NICs carry two more. Stages are 128 ranks apart: same rail, other leaf. 16 sends of 10 MB meet on each leaf's
  // trunk, 5 GB/s each after 5 us: 2,005 us, alone as beside the others. Gradients go round rings of 16 below one
  // leaf: 2 * 15/16 * 64/3 MB = 40 MB on each NIC after 2 * 15/16 * 16 * 4 us = 120 us: alone 4,120 us. Together:
  // 5 GB/s until the sends are over at 2,005 us, 9.425 MB; the other 30.575 MB at 10 GB/s: 5,062.5 us.
  const GroupTraffic stages{"stages", groups_of(d, GroupKind::pipeline_stages), Collective::send, Algorithm::direct, 10 * mega * byte};
  const GroupTraffic gradients{"gradients", groups_of(d, GroupKind::data), Collective::all_reduce, Algorithm::ring, 64.0 / 3 * mega * byte};

  for (const FlowEngine engine : {FlowEngine::fluid, FlowEngine::simgrid}) {
    const auto times = concurrent_times(evaluator, {tensor, experts, stages, gradients}, engine);
    CHECK(us(times.groups[0].alone) == Approx(84));
    CHECK(us(times.groups[0].together) == Approx(154));
    CHECK(us(times.groups[1].alone) == Approx(141));
    CHECK(us(times.groups[1].together) == Approx(211));
    CHECK(us(times.groups[2].alone) == Approx(2005));
    CHECK(us(times.groups[2].together) == Approx(2005));
    CHECK(us(times.groups[3].alone) == Approx(4120));
    CHECK(us(times.groups[3].together) == Approx(5062.5));
    CHECK(times.groups[3].slowdown() == Approx(5062.5 / 4120));
  }
  // By its rule the traffic is SimGrid's to share, and groups in lock step change nothing where all are alike.
  const auto chosen = concurrent_times(evaluator, {stages, gradients});
  CHECK(chosen.traffic.choice.engine == FlowEngine::simgrid);
  const auto lock_step = concurrent_times(evaluator, {stages, gradients}, {}, 1);
  CHECK(us(lock_step.groups[1].together) == Approx(us(chosen.groups[1].together)));
}

TEST_CASE("a cluster of the catalog has a fabric on which its step's groups meet") {
  const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  const auto& h100 = catalog.accelerators.at("nvidia-h100-sxm");
  const auto evaluator = evaluator_of(h100, catalog.system_of(h100.id), &catalog.fabrics.at("infiniband-ndr"), 1024, catalog);
  REQUIRE(evaluator);
  // In a domain the measured time, alone as flows: 8 H100, 16 MiB (NCCL 2.29.2).
  const Question tensor{Collective::all_reduce, {}, 8, 1, 0, 16777216.0 * byte};
  CHECK(evaluator->answer(tensor).evaluation == Evaluation::measured);
  CHECK(us(evaluator->answer_by(FlowEngine::fluid, tensor)->time) == Approx(us(evaluator->answer(tensor).time)).epsilon(1e-9));
  const auto times = concurrent_times(*evaluator, {{"tensor", groups_of({.tensor = 8, .data = 128}, GroupKind::tensor), Collective::all_reduce, {}, 16777216.0 * byte}});
  CHECK(us(times.groups[0].alone) == Approx(us(evaluator->answer(tensor).time)).epsilon(1e-9));
  CHECK(times.groups[0].slowdown() == Approx(1));
  const auto& gb200 = catalog.accelerators.at("nvidia-gb200");
  CHECK(evaluator_of(gb200, catalog.system_of(gb200.id), nullptr, 576, catalog)->topology().domain_size() == 72);
  const auto& tpu = catalog.accelerators.at("google-tpu-v5p");
  CHECK_FALSE(evaluator_of(tpu, catalog.system_of(tpu.id), nullptr, 64, catalog));
}
