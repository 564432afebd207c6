// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <numeric>

#include "fabrics.hpp"
#include "waferwatt/network/binary_tree.hpp"

using namespace waferwatt;
using namespace waferwatt::network;
using Catch::Matchers::Contains;

namespace {

const TestFabrics kFabrics;

std::vector<Rank> first_ranks(std::uint32_t n, std::uint32_t stride = 1) {
  std::vector<Rank> ranks(n);
  for (std::uint32_t i = 0; i < n; ++i) ranks[i] = i * stride;
  return ranks;
}

double ms(Time time) { return time.in(milli * second); }

double idle_ms(const Topology& topology, Collective collective, Algorithm algorithm, std::uint32_t n, DataSize size) {
  return ms(idle_time(topology, plan_of(topology, {collective, algorithm, first_ranks(n), size, 1})));
}

}  // namespace

TEST_CASE("in the two complementary trees nobody forwards twice, and each is as deep as it must be") {
  for (std::size_t n = 2; n < 70; ++n) {
    for (const bool complement : {false, true}) {
      const auto parents = complementary_tree(n, complement);
      std::size_t n_roots = 0, deepest = 0;
      for (std::size_t i = 0; i < n; ++i) {
        if (parents[i] == kRoot) ++n_roots;
        std::size_t depth = 0;
        for (std::size_t at = i; parents[at] != kRoot; at = parents[at]) REQUIRE(++depth <= n);
        deepest = std::max(deepest, depth);
      }
      CHECK(n_roots == 1);
      CHECK((std::size_t{1} << deepest) < 2 * n);  // ceil(log2 n)
    }
    const auto a = complementary_tree(n, false), b = complementary_tree(n, true);
    for (std::size_t i = 0; i < n; ++i) {
      const auto count = [&](const auto& parents) { return std::count(parents.begin(), parents.end(), i); };
      CHECK(std::min(count(a), count(b)) <= 1);  // a root has one child
      if (a[i] != kRoot && b[i] != kRoot) CHECK(std::min(count(a), count(b)) == 0);
    }
  }
}

TEST_CASE("collectives in a domain take what theory says") {
  const auto topology = make_topology(fat_tree(8), kFabrics.only_up());
  const DataSize size = 800 * mega * byte;
  // 100 GB/s, 1 us. All-reduce by ring: 14 steps of 100 MB and 1 us.
  CHECK(idle_ms(*topology, Collective::all_reduce, Algorithm::ring, 8, size) == Approx(14.014));
  CHECK(idle_ms(*topology, Collective::all_gather, Algorithm::ring, 8, size) == Approx(7.007));
  // Two trees of 400 MB: five links out of an inner rank in all, 2 * 800 MB; depth 3 up and down.
  CHECK(idle_ms(*topology, Collective::all_reduce, Algorithm::double_binary_tree, 8, size) == Approx(16.006));
  CHECK(idle_ms(*topology, Collective::all_reduce, Algorithm::tree, 8, size) == Approx(24.006));
  // Rounds of 400, 200, 100 MB, twice: 14 ms and 6 us.
  CHECK(idle_ms(*topology, Collective::all_reduce, Algorithm::halving_doubling, 8, size) == Approx(14.006));
  // Six ranks: two pairs join with 800 MB each way, four go on with 400 and 200 MB twice.
  CHECK(idle_ms(*topology, Collective::all_reduce, Algorithm::halving_doubling, 6, size) == Approx(16.002 + 12.004));
  // The switch adds up: (1 + 1/8) * 800 MB each way.
  CHECK(idle_ms(*topology, Collective::all_reduce, Algorithm::in_network, 8, size) == Approx(9.002));
  CHECK(idle_ms(*topology, Collective::all_to_all, Algorithm::pairwise, 8, size) == Approx(7.001));
  CHECK(idle_ms(*topology, Collective::broadcast, Algorithm::ring, 8, size) == Approx(8.007));
  CHECK(idle_ms(*topology, Collective::send, Algorithm::direct, 2, size) == Approx(8.001));
}

TEST_CASE("across domains each NIC carries its slice") {
  const auto topology = make_topology(fat_tree(32), kFabrics.parts());
  const DataSize size = 800 * mega * byte;
  // Inside 7.007 ms twice; across a ring of 4 with 100 MB at 10 GB/s: 6 steps of 25 MB and 4 us: 15.024.
  CHECK(idle_ms(*topology, Collective::all_reduce, Algorithm::hierarchical, 32, size) == Approx(14.014 + 15.024));
  // By tree 2 * 100 MB at 10 GB/s and 4 steps.
  CHECK(idle_ms(*topology, Collective::all_reduce, Algorithm::hierarchical_tree, 32, size) == Approx(14.014 + 20.016));
  // Chains and trees at once: inside 7 times 100 MB up and down, 14 ms, across 2 * 100 MB, 20 ms, which binds; up and
  // down 2 levels of 4 us and 7 steps of 1 us.
  CHECK(idle_ms(*topology, Collective::all_reduce, Algorithm::tree_of_chains, 32, size) == Approx(20.030));
  // By switches 100 MB once.
  CHECK(idle_ms(*topology, Collective::all_reduce, Algorithm::in_network, 32, size) == Approx(14.014 + 10.004));
  // One ring per NIC: 2 * 31/32 of 100 MB, four times (8 + 4) us around.
  CHECK(idle_ms(*topology, Collective::all_reduce, Algorithm::ring, 32, size) == Approx(2 * 31.0 / 32 * (10 + 0.048)));
  // To 24 others 25 MB each.
  CHECK(idle_ms(*topology, Collective::all_to_all, Algorithm::pairwise, 32, size) == Approx(60.005));
  // 7/8 inside, then 3/4 along the rails.
  CHECK(idle_ms(*topology, Collective::all_to_all, Algorithm::hierarchical, 32, size) == Approx(7.001 + 60.004));
}

TEST_CASE("an oversubscribed leaf costs what its uplinks lack") {
  FabricDesign design = fat_tree(64, 24);  // plain, leaves of 16 ports, 8 up
  design.rail_optimised = false;
  design.oversubscription = 2;
  const auto topology = make_topology(design, kFabrics.parts());
  // 64 ranks, 640 MB: 48 of 64 messages of 10 MB leave the leaf, 16 ranks through 80 GB/s: 96 ms. Without
  // oversubscription the NIC would bind: 56 messages, 56 ms.
  CHECK(idle_ms(*topology, Collective::all_to_all, Algorithm::pairwise, 64, 640 * mega * byte) == Approx(96.005));
  design.oversubscription = 1;
  design.radix = 32;
  CHECK(idle_ms(*make_topology(design, kFabrics.parts()), Collective::all_to_all, Algorithm::pairwise, 64, 640 * mega * byte) == Approx(56.005));
}

TEST_CASE("a popular expert's rank holds the exchange back") {
  const auto topology = make_topology(fat_tree(8), kFabrics.only_up());
  const Time even = idle_time(*topology, plan_of(*topology, {Collective::all_to_all, Algorithm::pairwise, first_ranks(8), 800 * mega * byte, 1}));
  const Time hot = idle_time(*topology, plan_of(*topology, {Collective::all_to_all, Algorithm::pairwise, first_ranks(8), 800 * mega * byte, 1.5}));
  CHECK(ms(even) == Approx(7.001));
  CHECK(ms(hot) == Approx(10.501));
}

TEST_CASE("a group that makes no sense is refused") {
  const auto topology = make_topology(fat_tree(16), kFabrics.parts());
  const auto plan = [&](Collective collective, Algorithm algorithm, std::vector<Rank> ranks) {
    plan_of(*topology, {collective, algorithm, std::move(ranks), 1 * byte, 1});
  };
  CHECK_THROWS_WITH(plan(Collective::all_reduce, Algorithm::ring, {0, 1, 0}), Contains("all-reduce: rank 0 stands twice in the group"));
  CHECK_THROWS_WITH(plan(Collective::all_reduce, Algorithm::ring, {0, 16}), Contains("rank 16 is beyond the fabric's 16 accelerators"));
  CHECK_THROWS_WITH(plan(Collective::all_reduce, Algorithm::ring, {}), Contains("a group without ranks"));
  CHECK_THROWS_WITH(plan(Collective::all_reduce, Algorithm::pairwise, {0, 1}), Contains("all-reduce has no algorithm pairwise"));
  CHECK_THROWS_WITH(plan(Collective::send, Algorithm::direct, {0, 1, 2}), Contains("send: needs two ranks, not 3"));
  CHECK_THROWS_WITH(plan(Collective::all_reduce, Algorithm::hierarchical, {0, 1, 8}), Contains("the same number of ranks in every domain"));
  CHECK_THROWS_WITH(plan(Collective::all_gather, Algorithm::halving_doubling, {0, 1, 2}), Contains("needs a power of two ranks, not 3"));
}

TEST_CASE("the closed form is taken only where it is within 1 % of the flows") {
  FabricDesign plain = fat_tree(64, 32), tight = fat_tree(64, 24), dragonfly = fat_tree(64, 16), torus, sites = fat_tree(64);
  plain.rail_optimised = tight.rail_optimised = false;
  tight.oversubscription = 2;
  dragonfly.topology = ScaleOutKind::dragonfly_plus;
  dragonfly.rail_optimised = false;
  dragonfly.accelerators_per_group = 16;
  torus.torus = {4, 4, 4};
  sites.sites = SitesDesign{2, 50 * giga * byte / second, 5 * milli * second};
  const std::tuple<const char*, FabricDesign, FabricParts> fabrics[] = {
      {"domain", fat_tree(8), kFabrics.only_up()}, {"rails", fat_tree(64), kFabrics.parts()},
      {"rails, three levels", fat_tree(64, 8), kFabrics.parts()}, {"plain", plain, kFabrics.parts()},
      {"2:1", tight, kFabrics.parts()}, {"NICs only", fat_tree(64), kFabrics.only_out()},
      {"dragonfly+", dragonfly, kFabrics.parts()}, {"torus", torus, kFabrics.only_up()}, {"sites", sites, kFabrics.parts()}};
  int n_taken = 0, n_not = 0, n_needless = 0;
  for (const auto& [name, design, parts] : fabrics) {
    const Evaluator evaluator(design, parts);
    for (const auto& [n, stride] : {std::pair{2, 1}, {3, 1}, {4, 2}, {8, 1}, {8, 8}, {16, 1}, {24, 1}, {64, 1}}) {
      if (static_cast<std::uint32_t>(n * stride) > evaluator.topology().n_ranks()) continue;
      for (const Collective collective : {Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter, Collective::broadcast, Collective::all_to_all, Collective::send})
        for (const Algorithm algorithm : algorithms_of(collective))
          for (const double bytes : {1e3, 1e6, 1e9}) {
            const Question q{collective, algorithm, collective == Collective::send ? 2 : n, stride, 0, bytes * byte, 1};
            const auto closed = evaluator.answer_by(Evaluation::closed_form, q);
            std::optional<Answer> flows;
            try {
              flows = evaluator.answer_by(Evaluation::flows, q);
            } catch (const InputError&) {  // the algorithm does not fit the group
              continue;
            }
            INFO(name << ": " << io::enum_text(collective) << " by " << io::enum_text(algorithm) << " of " << q.n_ranks << " every " << stride << ", " << bytes << " B: closed "
                      << (closed ? closed->time.in(micro * second) : -1) << " us, flows " << flows->time.in(micro * second) << " us");
            const double off = closed ? std::abs(closed->time / flows->time - 1) : 1;
            if (!evaluator.closed_form_holds(q)) {
              ++n_not;
              if (off <= 0.01) ++n_needless;
              continue;
            }
            ++n_taken;
            REQUIRE(closed);
            CHECK(off <= 0.01);
          }
    }
  }
  WARN(n_taken << " cases by closed form; " << n_not << " by flows, of which the closed form would have been right in " << n_needless);
  CHECK(n_taken > 500);
}
