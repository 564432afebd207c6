// SPDX-License-Identifier: Apache-2.0
// Gradients beside a backward pass whose experts' tokens cross the same NICs: the formula against flows.
#include "waferwatt/training/shared_links.hpp"

#include <catch2/catch.hpp>

#include "gpt.hpp"
#include "waferwatt/network/fabric_design.hpp"
#include "waferwatt/network/step_groups.hpp"
#include "waferwatt/training/step.hpp"

using namespace waferwatt;
using namespace waferwatt::training;

TEST_CASE("traffic beside a pass slows the pass's own sends") {
  const Time ms = milli * second;
  // 10 ms, 4 of them sends; 5 ms of other traffic: half of its bytes' time falls on 40 % sends, which take 2 ms longer.
  const auto half = beside(5 * ms, 10 * ms, 4 * ms);
  CHECK(half.exposed.in(ms) == 0);
  CHECK(half.stretched.in(ms) == Approx(2));
  // 15 ms: all sends are shared, and 5 ms are left at the end: 19 ms of links for 19 ms of link time in all.
  const auto beyond = beside(15 * ms, 10 * ms, 4 * ms);
  CHECK(beyond.exposed.in(ms) == Approx(5));
  CHECK(beyond.stretched.in(ms) == Approx(4));
  CHECK(beside(5 * ms, 10 * ms, Time{}).stretched == Time{});
  CHECK(beside(5 * ms, Time{}, Time{}).exposed.in(ms) == Approx(5));
}

TEST_CASE("the formula for shared links agrees with flows on a fabric") {
  // 64 accelerators in domains of 8. Experts over 64 ranks exchange tokens, layer after layer, while gradients of the
  // same ranks are summed: both leave and enter every domain over its NICs.
  const network::FabricDesign design{.n_accelerators = 64, .rail_optimised = false, .oversubscription = 1};
  const network::FabricParts parts{&shipped().fabrics.at("nvlink-4-8"), &shipped().fabrics.at("infiniband-ndr")};
  network::Evaluator evaluator(design, parts);
  const network::Degrees degrees{.data = 64, .expert = 64};
  const auto mb = mega * byte;
  for (const double data_mb : {400.0, 1500.0, 6000.0}) {
    network::GroupTraffic experts{"experts", network::groups_of(degrees, network::GroupKind::expert), network::Collective::all_to_all,
                                  network::Algorithm::pairwise, 64 * mb};
    experts.n_repetitions = 30, experts.pause = 3 * milli * second;
    const network::GroupTraffic gradients{"gradients", network::groups_of(degrees, network::GroupKind::data),
                                          network::Collective::all_reduce, network::Algorithm::ring, data_mb * mb};
    const auto times = network::concurrent_times(evaluator, {experts, gradients}, network::FlowEngine::fluid);
    const Time rival = 30.0 * times.groups[0].alone, pass = rival + 29.0 * experts.pause;
    const auto formula = beside(times.groups[1].alone, pass, rival);
    INFO(data_mb << " MB: alone " << times.groups[1].alone.in(milli * second) << " ms beside " << pass.in(milli * second) << " ms");
    CHECK((pass + formula.stretched).in(milli * second) == Approx(times.groups[0].end.in(milli * second)).epsilon(0.03));
    CHECK((pass + formula.stretched + formula.exposed).in(milli * second) ==
          Approx(std::max(times.groups[0].end, times.groups[1].end).in(milli * second)).epsilon(0.03));
  }
}
