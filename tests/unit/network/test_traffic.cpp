// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "fabrics.hpp"
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
    CHECK(few.jobs[i].repetitions[0].end.in(second) == Approx(all.jobs[i].repetitions[0].end.in(second)).epsilon(1e-12));
    CHECK(few.link_bytes == all.link_bytes);
  }
}

TEST_CASE("SimGrid's flows and our own give the same times for contending groups") {
  auto topology = make_topology(fat_tree(64, 8), kFabrics.parts());
  const Traffic traffic(*topology, {job("a", Collective::all_reduce, Algorithm::hierarchical, ranks_from(0, 64), 100 * mega * byte),
                                    job("b", Collective::all_gather, Algorithm::ring, ranks_from(3, 4, 16), 100 * mega * byte),
                                    job("c", Collective::send, Algorithm::direct, {3, 51}, 200 * mega * byte)});
  REQUIRE(traffic.fits_simgrid());
  CHECK(traffic.choice().engine == FlowEngine::simgrid);
  const auto own = simulate(traffic, FlowEngine::fluid), simgrid = simulate(traffic);
  CHECK(simgrid.choice.engine == FlowEngine::simgrid);
  for (std::size_t i = 0; i < own.jobs.size(); ++i)
    CHECK(own.jobs[i].repetitions[0].end.in(second) == Approx(simgrid.jobs[i].repetitions[0].end.in(second)).epsilon(1e-7));
  CHECK(own.link_bytes == simgrid.link_bytes);
  CHECK(simgrid.jobs[0].repetitions[0].duration() > 1.01 * idle_time(*topology, plan_of(*topology, traffic.jobs()[0].spec)));
}

TEST_CASE("random groups with links that come and go take the same time in both engines") {
  // 30 draws of five collectives over 64 accelerators on an oversubscribed fat tree, some of them several times.
  std::uint64_t state = 4711;
  const auto random = [&state](std::uint64_t n) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::uint32_t>((state >> 33) % n);
  };
  FabricDesign design = fat_tree(64, 12);
  design.oversubscription = 2;
  auto topology = make_topology(design, kFabrics.parts());
  std::size_t n_by_simgrid = 0;
  for (int draw = 0; draw < 30; ++draw) {
    std::vector<Job> jobs;
    for (int k = 0; k < 5; ++k) {
      const std::uint32_t n = 2u << random(3), stride = 1u << random(3);
      const auto group = ranks_from(random(65 - (n - 1) * stride - 1), n, stride);
      const Collective collective = random(2) ? Collective::all_reduce : Collective::all_to_all;
      jobs.push_back(job(fmt::format("{}", k), collective, collective == Collective::all_reduce ? Algorithm::ring : Algorithm::pairwise, group,
                         (1 + random(100)) * mega * byte));
      jobs.back().start = random(10) * milli * second;
      jobs.back().n_repetitions = 1 + random(3);
    }
    std::vector<LinkChange> changes;
    const LinkIndex link = random(topology->links().size());
    changes.push_back({random(20) * milli * second, link, 0.25 * random(4)});
    changes.push_back({(21 + random(20)) * milli * second, link, 1});
    const Traffic traffic(*topology, jobs, changes, 5 * milli * second);
    if (!traffic.fits_simgrid()) continue;
    ++n_by_simgrid;
    const auto own = simulate(traffic, FlowEngine::fluid), simgrid = simulate(traffic, FlowEngine::simgrid);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      REQUIRE(own.jobs[i].repetitions.size() == simgrid.jobs[i].repetitions.size());
      for (std::size_t k = 0; k < own.jobs[i].repetitions.size(); ++k)
        CHECK(own.jobs[i].repetitions[k].end.in(second) == Approx(simgrid.jobs[i].repetitions[k].end.in(second)).epsilon(1e-6));
    }
  }
  CHECK(n_by_simgrid >= 20);
}

TEST_CASE("the engine is chosen by what it can and what it costs") {
  auto topology = make_topology(nics(64), kFabrics.only_out());
  const auto engine_of = [&](std::vector<Job> jobs) { return Traffic(*topology, std::move(jobs)).choice(); };
  const auto send = [&](Rank a, Rank b) { return job("x", Collective::send, Algorithm::direct, {a, b}, mega * byte); };
  CHECK_THAT(engine_of({send(0, 1), send(2, 3)}).reason, Contains("no two transfers meet"));
  CHECK(engine_of({send(0, 1), send(0, 2)}).engine == FlowEngine::simgrid);
  Job every = job("v", Collective::all_to_all, Algorithm::pairwise, ranks_from(0, 40), mega * byte);
  every.spec.every_message = true;
  CHECK(engine_of({every}).engine == FlowEngine::fluid);
  CHECK_THAT(engine_of({every}).reason, Contains("1560 flows at once"));
}

TEST_CASE("messages of an all-to-all(v) end when they do") {
  // Three ranks with NICs of 10 GB/s; gpu 0 sends 30 MB to gpu 1 and 10 MB to gpu 2, gpu 1 sends 20 MB to gpu 2.
  // NIC 0 up: two flows of 5 GB/s; NIC 2 down: 5 GB/s of one, 5 left for the other; NIC 1 up gives 10. So all have
  // 5 GB/s: 0 -> 2 ends at 2 ms. Then 0 -> 1 and 1 -> 2 have 10 GB/s: the other 20 and 10 MB end at 4 and 3 ms.
  auto topology = make_topology(nics(4), kFabrics.only_out());
  Job v = job("v", Collective::all_to_all, Algorithm::pairwise, {0, 1, 2}, byte);
  const auto mb = [](double n) { return n * mega * byte; };
  v.spec.pair_bytes = {mb(0), mb(30), mb(10), mb(0), mb(0), mb(20), mb(0), mb(0), mb(0)};
  // As one flow all end with the most loaded link, 40 MB out of gpu 0.
  CHECK(ms(simulate(Traffic(*topology, {v})).jobs[0].repetitions[0].duration()) == Approx(4.004));
  v.spec.every_message = true;
  CHECK(ms(simulate(Traffic(*topology, {v}), FlowEngine::fluid).jobs[0].repetitions[0].duration()) == Approx(4.004));
  CHECK(ms(simulate(Traffic(*topology, {v}), FlowEngine::simgrid).jobs[0].repetitions[0].duration()) == Approx(4.004));
  // A neighbour on NIC 2 sees the messages go: 25 MB from gpu 3 share it with two until 3 ms, 10 GB/s / 3 each, ...
  const auto beside = simulate(Traffic(*topology, {v, job("n", Collective::send, Algorithm::direct, {3, 2}, mb(25))}));
  // 0 -> 2 and 1 -> 2 and 3 -> 2: 10/3 GB/s each. 0 -> 2 is over at 3 ms; then two have 5 GB/s: 1 -> 2 has 10 MB left,
  // over at 5 ms; the neighbour has moved 10 + 10 MB then, and its last 5 MB take 0.5 ms.
  CHECK(ms(beside.jobs[1].repetitions[0].duration()) == Approx(5.504));
  CHECK_THROWS_WITH(Traffic(*topology, {[&] { auto w = v; w.spec.pair_bytes.pop_back(); return w; }()}), Contains("3 ranks need 9"));
}

TEST_CASE("uneven all-to-alls in full detail: exact, and with rates worked out at intervals") {
  // 16 ranks in two domains, messages between 1 and 9 MB.
  auto topology = make_topology(fat_tree(16), kFabrics.parts());
  Job v = job("v", Collective::all_to_all, Algorithm::pairwise, ranks_from(0, 16), byte);
  std::uint64_t state = 99;
  for (std::size_t i = 0; i < 256; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    v.spec.pair_bytes.push_back(static_cast<double>(1 + (state >> 33) % 9) * mega * byte);
  }
  v.spec.every_message = true;
  const Traffic traffic(*topology, {v});
  const auto exact = simulate(traffic, FlowEngine::fluid).jobs[0].repetitions[0].duration();
  CHECK(ms(simulate(traffic, FlowEngine::simgrid).jobs[0].repetitions[0].duration()) == Approx(ms(exact)).epsilon(1e-6));
  // No exchange is faster than its most loaded link, but for the latency of the longest way.
  auto together = v;
  together.spec.every_message = false;
  CHECK(ms(exact) >= ms(simulate(Traffic(*topology, {together})).jobs[0].repetitions[0].duration()) - 0.01);
  const auto coarse = simulate(traffic, {}, 20 * micro * second).jobs[0].repetitions[0].duration();
  CHECK(ms(coarse) >= ms(exact) * (1 - 1e-9));
  CHECK(ms(coarse) <= 1.02 * ms(exact));
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
