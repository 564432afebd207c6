// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <numeric>

#include "fabrics.hpp"
#include "waferwatt/network/topologies.hpp"
#include "waferwatt/network/traffic.hpp"

using namespace waferwatt;
using namespace waferwatt::network;
using Catch::Matchers::Contains;

namespace {

constexpr Port kPort{10 * giga * byte / second, 1 * micro* second};  // of one of a chip's links

std::vector<Rank> first_ranks(std::uint32_t n) {
  std::vector<Rank> ranks(n);
  std::iota(ranks.begin(), ranks.end(), 0u);
  return ranks;
}

double us(const Topology& torus, Collective collective, std::vector<Rank> ranks, DataSize size) {
  Job job{"rings", {collective, Algorithm::torus_rings, std::move(ranks), size}, {}, 1, {}, {}};
  return simulate(Traffic(const_cast<Topology&>(torus), {job})).jobs[0].repetitions.at(0).duration().in(micro * second);
}

}  // namespace

TEST_CASE("rings in all dimensions of a torus use every link both ways") {
  // 4 x 4, 16 MB: parts of 8 MB, one in each dimension. First step: each part goes round a ring of 4 with half
  // of 3/4 either way, 3 MB at 10 GB/s, 300 us and 3 hops of 1 us. Second step: a quarter of it, 75 + 3 us.
  const auto torus = make_torus({4, 4}, true, kPort);
  const DataSize size = 16 * mega * byte;
  CHECK(us(*torus, Collective::reduce_scatter, first_ranks(16), size) == Approx(303 + 78));
  CHECK(us(*torus, Collective::all_gather, first_ranks(16), size) == Approx(303 + 78));
  CHECK(us(*torus, Collective::all_reduce, first_ranks(16), size) == Approx(2 * (303 + 78)));
  // No algorithm is faster: 2 * 15/16 of 16 MB must leave each chip by 4 links: 750 us.
  CHECK(2 * 15.0 / 16 * 16e6 / (4 * 10e9) * 1e6 == Approx(750));
}

TEST_CASE("a row of a torus is one ring both ways, and a part of a row has no way round") {
  const auto torus = make_torus({4, 4}, true, kPort);
  // The row: all 8 MB, half of 3/4 each way, 3 MB.
  CHECK(us(*torus, Collective::all_gather, first_ranks(4), 8 * mega * byte) == Approx(303));
  // Three of four: the middle link of the line carries two of three pieces one way: 2/3 of 9 MB, 600 us.
  CHECK(us(*torus, Collective::all_gather, first_ranks(3), 9 * mega * byte) == Approx(602));
  // A mesh is a line in each dimension: 3/4 of 8 MB, twice as long as with the way round.
  const auto mesh = make_torus({4, 4}, false, kPort);
  CHECK(us(*mesh, Collective::all_gather, first_ranks(4), 8 * mega * byte) == Approx(603));
}

TEST_CASE("a pod of 8,960 chips reduces at the rate of its six links") {
  // 16 x 20 x 28, 3 GB: parts of 1 GB. The first step waits for the longest side: 27/56 of 1 GB at 10 GB/s, 48.2143 ms
  // and 27 us. Then parts of 1/16, 1/20, 1/28 on sides of 20, 28, 16: 19/40/16, 27/56/20, 15/32/28 GB: 2.96875 ms
  // (1/16 of 19/40) and 27 us at most. Last, parts of 1/320, 1/560, 1/448: 27/56/320 GB, 0.150670 ms and 27 us.
  const auto pod = make_torus({16, 20, 28}, true, kPort);
  const double step_ms = 48.214286 + 2.96875 + 0.150670;
  const double time = us(*pod, Collective::all_reduce, first_ranks(8960), 3 * giga * byte);
  CHECK(time == Approx(2e3 * step_ms).epsilon(2e-3));
  CHECK(time > 2 * 8959.0 / 8960 * 3e9 / (6 * 10e9) * 1e6);  // what six links can carry
  CHECK(time < 1.1 * 2 * 8959.0 / 8960 * 3e9 / (6 * 10e9) * 1e6);
}

TEST_CASE("around a dead link of a torus a ring goes the long way") {
  // Ring of 4, 8 MB both ways: 3 MB on each link. The link 0 -> 1 is dead: its 3 MB go 0 -> 3 -> 2 -> 1, on links
  // that carry 3 MB already.
  auto torus = make_torus({4, 4}, true, kPort);
  const auto link = torus->links_named("gpu 0 -> gpu 1").at(0);
  Job job{"row", {Collective::all_gather, Algorithm::torus_rings, first_ranks(4), 8 * mega * byte}, {}, 1, {}, {}};
  const auto hurt = simulate(Traffic(*torus, {job}, {{Time{}, link, 0}}));
  CHECK(hurt.jobs[0].repetitions.at(0).duration().in(micro * second) == Approx(609));  // 600 us and 3 hops of 3 us
}

TEST_CASE("ranks that make no box have no rings in all dimensions") {
  const auto torus = make_torus({4, 4}, true, kPort);
  CHECK_THROWS_WITH(us(*torus, Collective::all_reduce, {0, 1, 4}, byte), Contains("torus-rings needs ranks that make a box"));
  const TestFabrics fabrics;
  const auto tree = make_topology(fat_tree(16), fabrics.parts());
  CHECK_THROWS_WITH(us(*tree, Collective::all_reduce, {0, 1}, byte), Contains("torus-rings needs ranks that make a box"));
}
