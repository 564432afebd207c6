// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "fabrics.hpp"
#include "waferwatt/engine/child.hpp"
#include "waferwatt/engine/simgrid_flows.hpp"
#include "waferwatt/network/traffic.hpp"

using namespace waferwatt;
using namespace waferwatt::network;
using Catch::Matchers::Contains;

namespace {

const TestFabrics kFabrics;

std::vector<Rank> ranks_from(Rank first, std::uint32_t n, std::uint32_t stride = 1) {
  std::vector<Rank> ranks;
  for (std::uint32_t i = 0; i < n; ++i) ranks.push_back(first + i * stride);
  return ranks;
}

Job job(std::string name, Collective collective, Algorithm algorithm, std::vector<Rank> ranks, DataSize size) {
  return {std::move(name), {collective, algorithm, std::move(ranks), size, 1}, {}, 1, {}, {}};
}

double ms(Time time) { return time.in(milli * second); }

FabricDesign nics(std::int64_t n) {
  FabricDesign design = fat_tree(n);
  return design;
}

}  // namespace

TEST_CASE("two groups on one NIC share it, and each takes what is left when the other is done") {
  // Ranks 0 and 1 with NICs of 10 GB/s. Both send from gpu 0: 100 MB to gpu 1 and 50 MB to gpu 2. 5 GB/s
  // each until 10 ms, then the first's other 50 MB at 10 GB/s: 15 ms, and 4 us.
  auto topology = make_topology(nics(4), kFabrics.only_out());
  const Traffic traffic(*topology, {job("long", Collective::send, Algorithm::direct, {0, 1}, 100 * mega * byte),
                                    job("short", Collective::send, Algorithm::direct, {0, 2}, 50 * mega * byte)});
  const TrafficResult result = simulate(traffic);
  CHECK(ms(result.jobs[0].repetitions[0].duration()) == Approx(15.004));
  CHECK(ms(result.jobs[1].repetitions[0].duration()) == Approx(10.004));
  CHECK(result.link_bytes[topology->links_named("gpu 0 -> leaf 0")[0]].in(mega * byte) == Approx(150));
}

TEST_CASE("repetitions follow each other with their pause and launch") {
  auto topology = make_topology(nics(2), kFabrics.only_out());
  Job repeated = job("steps", Collective::send, Algorithm::direct, {0, 1}, 10 * mega * byte);  // 1 ms + 4 us
  repeated.start = 1 * milli * second;
  repeated.n_repetitions = 3;
  repeated.pause = 2 * milli * second;
  repeated.launch = 6 * micro * second;
  const auto result = simulate(Traffic(*topology, {repeated}));
  REQUIRE(result.jobs[0].repetitions.size() == 3);
  CHECK(ms(result.jobs[0].repetitions[2].start) == Approx(1 + 2 * (1.01 + 2)));
  CHECK(ms(result.jobs[0].repetitions[2].duration()) == Approx(1.01));
}

TEST_CASE("folding changes no time and leaves few links") {
  // Two all-reduces of 64 ranks on three levels, a neighbour that shares trunks with both.
  auto topology = make_topology(fat_tree(128, 8), kFabrics.parts());
  const std::vector<Job> jobs{job("a", Collective::all_reduce, Algorithm::hierarchical, ranks_from(0, 64), 100 * mega * byte),
                              job("b", Collective::all_reduce, Algorithm::ring, ranks_from(64, 64), 100 * mega * byte),
                              job("c", Collective::all_to_all, Algorithm::pairwise, ranks_from(4, 16, 8), 10 * mega * byte)};
  const Traffic folded(*topology, jobs);
  CHECK(folded.capacities().size() < folded.n_unfolded_links() / 4);
  // A change that changes nothing keeps every link alone.
  std::vector<LinkChange> none;
  for (LinkIndex link = 0; link < topology->links().size(); ++link) none.push_back({Time{}, link, 1});
  const Traffic whole(*topology, jobs, none);
  CHECK(whole.capacities().size() == whole.n_unfolded_links());
  const auto few = simulate(folded), all = simulate(whole);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    CHECK(few.jobs[i].repetitions[0].end == all.jobs[i].repetitions[0].end);
    CHECK(few.link_bytes == all.link_bytes);
  }
}

TEST_CASE("SimGrid's flows and our own give the same times for contending groups") {
  auto topology = make_topology(fat_tree(64, 8), kFabrics.parts());
  const Traffic traffic(*topology, {job("a", Collective::all_reduce, Algorithm::hierarchical, ranks_from(0, 64), 100 * mega * byte),
                                    job("b", Collective::all_gather, Algorithm::ring, ranks_from(3, 4, 16), 100 * mega * byte),
                                    job("c", Collective::send, Algorithm::direct, {3, 51}, 200 * mega * byte)});
  REQUIRE(traffic.fits_simgrid());
  const auto own = simulate(traffic);
  const std::string text = engine::run_in_child("simgrid", {std::chrono::seconds(60), 0}, [&] {
    engine::SimgridLoop loop;
    engine::SimgridFlows flows(loop, traffic.capacities());
    const auto result = simulate(traffic, loop, flows);
    std::string ends;
    for (const auto& j : result.jobs) ends += fmt::format("{:.17g} ", j.repetitions.at(0).end.in(second));
    return ends;
  });
  double a = 0, b = 0, c = 0;
  REQUIRE(std::sscanf(text.c_str(), "%lf %lf %lf", &a, &b, &c) == 3);
  CHECK(own.jobs[0].repetitions[0].end.in(second) == Approx(a).epsilon(1e-7));
  CHECK(own.jobs[1].repetitions[0].end.in(second) == Approx(b).epsilon(1e-7));
  CHECK(own.jobs[2].repetitions[0].end.in(second) == Approx(c).epsilon(1e-7));
  CHECK(a > 1.01 * idle_time(*topology, plan_of(*topology, traffic.jobs()[0].spec)).in(second));
}

TEST_CASE("a leaf that is dead from the start costs its rail's share") {
  // 32 accelerators, 4 domains: eight rails across rings of 4, 800 MB: rail 3 goes over NIC 4, which then
  // carries two rails: 2 * 15 ms instead of 15.
  auto topology = make_topology(fat_tree(32), kFabrics.parts());
  std::vector<LinkChange> dead;
  for (const LinkIndex link : topology->links_named("leaf 3")) dead.push_back({Time{}, link, 0});
  const auto all_reduce = job("all", Collective::all_reduce, Algorithm::hierarchical, ranks_from(0, 32), 800 * mega * byte);
  const auto sound = simulate(Traffic(*topology, {all_reduce}));
  const auto hurt = simulate(Traffic(*topology, {all_reduce}, dead));
  CHECK(ms(sound.jobs[0].repetitions[0].duration()) == Approx(14.014 + 15.024));
  CHECK(ms(hurt.jobs[0].repetitions[0].duration()) == Approx(14.014 + 30.036).epsilon(1e-3));
  CHECK_FALSE(topology->any_failed());
}

TEST_CASE("a flapping link stalls its collective, and the bytes are moved when it is up") {
  // 100 MB at 10 GB/s takes 10 ms; the link is down from 2 to 5 ms and from 8 to 9 ms: 14 ms and 4 us.
  auto topology = make_topology(nics(2), kFabrics.only_out());
  const LinkIndex link = topology->links_named("gpu 0 -> leaf 0")[0];
  const auto at = [&](double t, double factor) { return LinkChange{t * milli * second, link, factor}; };
  const auto result = simulate(Traffic(*topology, {job("x", Collective::send, Algorithm::direct, {0, 1}, 100 * mega * byte)},
                                       {at(2, 0), at(5, 1), at(8, 0), at(9, 1)}));
  CHECK(ms(result.jobs[0].repetitions[0].duration()) == Approx(14.004));
  CHECK(result.jobs[0].n_restarts == 0);
}

TEST_CASE("after the failover time a collective begins anew on another way") {
  // 100 MB from gpu 0 to gpu 8: NIC 0 fails at 2 ms; at 5 ms it starts over NVLink and NIC 1: 1 + 4 + 1 us.
  auto topology = make_topology(fat_tree(16), kFabrics.parts());
  std::vector<LinkChange> changes;
  changes.push_back({2 * milli * second, topology->links_named("gpu 0 -> leaf 0")[0], 0});
  const auto result = simulate(Traffic(*topology, {job("x", Collective::send, Algorithm::direct, {0, 8}, 100 * mega * byte)},
                                       changes, 3 * milli * second));
  CHECK(ms(result.jobs[0].repetitions[0].duration()) == Approx(5 + 10 + 0.006));
  CHECK(result.jobs[0].n_restarts == 1);
}

TEST_CASE("a group that is cut off for good is told so, not an error") {
  auto topology = make_topology(nics(2), kFabrics.only_out());
  const LinkIndex link = topology->links_named("gpu 0 -> leaf 0")[0];
  const auto x = job("x", Collective::send, Algorithm::direct, {0, 1}, 100 * mega * byte);
  CHECK_THAT(simulate(Traffic(*topology, {x}, {{Time{}, link, 0}})).jobs[0].stalled, Contains("no way from gpu 0 to gpu 1"));
  const auto later = simulate(Traffic(*topology, {x}, {{1 * milli * second, link, 0}}));
  CHECK(later.jobs[0].repetitions.empty());
  CHECK_THAT(later.jobs[0].stalled, Contains("no way from gpu 0 to gpu 1"));
  CHECK_THROWS_WITH(Traffic(*topology, {job("x", Collective::all_reduce, Algorithm::ring, {0, 0}, byte)}), Contains("x: all-reduce: rank 0 stands twice"));
}

TEST_CASE("an evaluator remembers its answers and refuses groups beyond the fabric") {
  Evaluator evaluator(fat_tree(64), kFabrics.parts());
  Question question{Collective::all_reduce, std::nullopt, 64, 1, 0, 1 * giga * byte, 1};
  const auto first = evaluator.answer(question);
  CHECK(evaluator.answer(question).time == first.time);
  CHECK(evaluator.n_remembered() == 1);
  question.n_ranks = 128;
  CHECK_THROWS_WITH(evaluator.answer(question), Contains("ends at rank 127, the fabric has 64 accelerators"));
  // Small messages by tree or halving, large ones by ring.
  question.n_ranks = 8;
  question.size = 1 * kilo * byte;
  CHECK(evaluator.algorithm_of(question) == Algorithm::halving_doubling);
}
