// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <numeric>

#include "fabrics.hpp"
#include "waferwatt/network/topologies.hpp"
#include "waferwatt/network/topology_graph.hpp"

using namespace waferwatt;
using namespace waferwatt::network;
using Catch::Matchers::Contains;

namespace {

const TestFabrics kFabrics;

double gb_per_s(Bandwidth bandwidth) { return bandwidth.in(giga * byte / second); }

std::vector<Rank> all_ranks(const Topology& topology) {
  std::vector<Rank> ranks(topology.n_ranks());
  std::iota(ranks.begin(), ranks.end(), 0u);
  return ranks;
}

/// Counting by place gives what following every route gives.
void require_same_loads(const Topology& topology, std::span<const Rank> ranks, std::span<const double> popularity = {}) {
  const auto counted = topology.exchange_loads(ranks, popularity), followed = topology.Topology::exchange_loads(ranks, popularity);
  REQUIRE(counted.size() == followed.size());
  for (std::size_t i = 0; i < counted.size(); ++i) {
    REQUIRE(counted[i].link == followed[i].link);
    INFO(topology.link_name(counted[i].link));
    CHECK(counted[i].times == Approx(followed[i].times));
  }
}

}  // namespace

TEST_CASE("in a rail-optimised fat tree a rail's neighbours share a leaf, and others meet above") {
  // Radix 4: leaves of two ranks; 32 accelerators in 4 domains of 8: two units of 8 leaves each. The
  // spines would need 16 ports, so there are pods of 8 leaves and a core.
  const auto topology = make_topology(fat_tree(32, 4), kFabrics.parts());
  CHECK(names(*topology, 0, 7) == "gpu 0 -> nvswitch 0, nvswitch 0 -> gpu 7");
  CHECK(names(*topology, 3, 11) == "gpu 3 -> leaf 3, leaf 3 -> gpu 11");
  CHECK(names(*topology, 3, 12) == "gpu 3 -> leaf 3, leaf 3 -> spine 0, spine 0 -> leaf 4, leaf 4 -> gpu 12");
  CHECK(names(*topology, 3, 19) ==
        "gpu 3 -> leaf 3, leaf 3 -> spine 0, spine 0 -> core 0, core 0 -> spine 1, spine 1 -> leaf 11, leaf 11 -> gpu 19");
  CHECK(topology->latency(topology->route(0, 7)).in(micro * second) == Approx(1));
  CHECK(topology->latency(topology->route(3, 11)).in(micro * second) == Approx(4));
  CHECK(topology->latency(topology->route(3, 19)).in(micro * second) == Approx(6));
  CHECK(topology->route(5, 5).empty());
}

TEST_CASE("in a plain fat tree a host's accelerators share a leaf") {
  FabricDesign design = fat_tree(64, 32);  // leaves of 16: two hosts
  design.rail_optimised = false;
  const auto topology = make_topology(design, kFabrics.parts());
  CHECK(names(*topology, 3, 12) == "gpu 3 -> leaf 0, leaf 0 -> gpu 12");
  CHECK(names(*topology, 3, 16) == "gpu 3 -> leaf 0, leaf 0 -> spine 0, spine 0 -> leaf 1, leaf 1 -> gpu 16");
}

TEST_CASE("a trunk has the bandwidth of the ports below it over the oversubscription") {
  // Radix 32: 16 down at 1:1, 21 at 2:1 (32 * 2/3), 21 * 10 GB/s / 2 up.
  FabricDesign design = fat_tree(512, 32);
  design.rail_optimised = false;
  CHECK(gb_per_s(make_topology(design, kFabrics.parts())->links()[2 * 2 * 512].capacity) == Approx(160));
  design.oversubscription = 2;
  // 21 ports, of which 16 serve two whole hosts of 8.
  CHECK(gb_per_s(make_topology(design, kFabrics.parts())->links()[2 * 2 * 512].capacity) == Approx(80));
}

TEST_CASE("a torus goes the shorter way round in each dimension") {
  // 4 x 3: rank = x + 4 y. From (0,0) to (3,2): x down one, y down one.
  const auto topology = make_torus({4, 3}, true, {10 * giga * byte / second, 1 * micro * second});
  CHECK(names(*topology, 0, 11) == "gpu 0 -> gpu 3, gpu 3 -> gpu 11");
  CHECK(names(*topology, 0, 2) == "gpu 0 -> gpu 1, gpu 1 -> gpu 2");  // two equal ways: upward
  topology->set_failed(topology->links_named("gpu 0 -> gpu 1")[0], true);
  CHECK(names(*topology, 0, 2) == "gpu 0 -> gpu 3, gpu 3 -> gpu 2");
  const auto mesh = make_torus({4}, false, {10 * giga * byte / second, 1 * micro * second});
  CHECK(names(*mesh, 0, 3) == "gpu 0 -> gpu 1, gpu 1 -> gpu 2, gpu 2 -> gpu 3");
}

TEST_CASE("a PCIe host crosses its sockets only where it must") {
  catalog::Fabric pcie = kFabrics.up;
  pcie.kind = catalog::FabricKind::pcie;
  FabricDesign design = fat_tree(8);
  const auto topology = make_topology(design, {&pcie, nullptr});
  CHECK(names(*topology, 0, 3) == "gpu 0 -> pcie switch 0, pcie switch 0 -> gpu 3");
  CHECK(names(*topology, 1, 6) ==
        "gpu 1 -> pcie switch 0, pcie switch 0 -> root 0, root 0 -> root 1, root 1 -> pcie switch 1, pcie switch 1 -> gpu 6");
}

TEST_CASE("groups of a dragonfly+ and sites are joined all to all") {
  FabricDesign design = fat_tree(64, 8);  // leaves of 4
  design.topology = ScaleOutKind::dragonfly_plus;
  design.accelerators_per_group = 16;
  const auto dragonfly = make_topology(design, kFabrics.only_out());
  CHECK(names(*dragonfly, 0, 63) ==
        "gpu 0 -> leaf 0, leaf 0 -> group 0, group 0 -> group 3, group 3 -> leaf 15, leaf 15 -> gpu 63");
  // 4 leaves of 4 ports at 10 GB/s, to three other groups.
  CHECK(gb_per_s(dragonfly->links()[dragonfly->links_named("group 0 -> group 3")[0]].capacity) == Approx(160.0 / 3));

  FabricDesign far = fat_tree(64, 64);
  far.sites = SitesDesign{2, 25 * giga * byte / second, 10 * milli * second};
  const auto sites = make_topology(far, kFabrics.parts());
  const auto route = sites->route(0, 32);
  CHECK(names(*sites, 0, 32) == "gpu 0 -> leaf 0, leaf 0 -> spine 0, spine 0 -> core 0, core 0 -> core 1, core 1 -> spine 1, "
                                "spine 1 -> leaf 8, leaf 8 -> gpu 32");
  CHECK(sites->latency(route).in(milli * second) == Approx(10.006));
}

TEST_CASE("a fabric written out takes the shortest ways") {
  FabricDesign design;
  design.n_accelerators = 3;
  const Bandwidth fast = 10 * giga * byte / second;
  design.cables = {{"gpu 0", "switch 0", fast, 1 * micro * second}, {"gpu 1", "switch 0", fast, 1 * micro * second},
                   {"gpu 2", "switch 1", fast, 1 * micro * second}, {"switch 0", "switch 1", fast, 1 * micro * second},
                   {"gpu 0", "gpu 2", fast, 5 * micro * second}};
  auto topology = make_topology(design, {});
  CHECK(names(*topology, 0, 2) == "gpu 0 -> switch 0, switch 0 -> switch 1, switch 1 -> gpu 2");
  for (const LinkIndex link : topology->links_named("switch 1")) topology->set_failed(link, true);
  CHECK(names(*topology, 0, 2) == "gpu 0 -> gpu 2");
}

TEST_CASE("around a dead leaf the data leaves through a neighbour's NIC") {
  const auto topology = make_topology(fat_tree(32, 64), kFabrics.parts());
  for (const LinkIndex link : topology->links_named("leaf 3")) topology->set_failed(link, true);
  CHECK(names(*topology, 3, 11) == "gpu 3 -> nvswitch 0, nvswitch 0 -> gpu 4, gpu 4 -> leaf 4, leaf 4 -> gpu 12, "
                                   "gpu 12 -> nvswitch 1, nvswitch 1 -> gpu 11");
  CHECK(names(*topology, 2, 10) == "gpu 2 -> leaf 2, leaf 2 -> gpu 10");
}

TEST_CASE("a host whose only leaf is dead is cut off, and the message says which") {
  FabricDesign design = fat_tree(64, 32);
  design.rail_optimised = false;
  const auto topology = make_topology(design, kFabrics.parts());
  for (const LinkIndex link : topology->links_named("leaf 0")) topology->set_failed(link, true);
  CHECK_THROWS_WITH(topology->route(0, 40), "no way from gpu 0 to gpu 40: the fabric is in pieces");
  CHECK(graph_measures(*topology).n_pieces == 3);  // two hosts of the leaf and the rest
}

TEST_CASE("counting an all-to-all by place equals following every route") {
  const std::vector<FabricDesign> designs = [] {
    std::vector<FabricDesign> list{fat_tree(64, 8), fat_tree(64, 16), fat_tree(128, 64)};
    list.push_back(fat_tree(96, 16));
    list.back().rail_optimised = false;
    list.push_back(fat_tree(64, 16));
    list.back().sites = SitesDesign{2, 25 * giga * byte / second, 10 * milli * second};
    return list;
  }();
  for (const auto& design : designs) {
    const auto topology = make_topology(design, kFabrics.parts());
    const auto ranks = all_ranks(*topology);
    require_same_loads(*topology, ranks);
    std::vector<Rank> some;
    for (Rank r = 0; r < topology->n_ranks(); r += 3) some.push_back(r);
    std::vector<double> popularity(some.size(), 0.9);
    popularity[0] = 2.5;
    require_same_loads(*topology, some, popularity);
  }
  const auto torus = make_torus({4, 5, 2}, true, {10 * giga * byte / second, 1 * micro * second});
  require_same_loads(*torus, all_ranks(*torus));
}

TEST_CASE("cuts and distances are those of the drawing board") {
  // 64 NICs of 10 GB/s without oversubscription: half of them across; NVLink joins no two domains.
  FabricDesign design = fat_tree(64, 16);
  design.rail_optimised = false;
  const auto full = graph_measures(*make_topology(design, kFabrics.parts()));
  CHECK(gb_per_s(full.bisection) == Approx(320));
  CHECK(full.n_pieces == 1);
  CHECK(full.diameter_links == 4);  // gpu, leaf, spine, leaf, gpu
  // Radix 24 at 2:1: 16 ports down, 80 GB/s up; two leaves on each side.
  design.radix = 24;
  design.oversubscription = 2;
  CHECK(gb_per_s(graph_measures(*make_topology(design, kFabrics.parts())).bisection) == Approx(160));
  // 8 x 4 torus of 10 GB/s links, cut between rows: 8 columns, two ways round.
  const auto torus = graph_measures(*make_torus({8, 4}, true, {10 * giga * byte / second, {}}));
  CHECK(gb_per_s(torus.bisection) == Approx(160));
  CHECK(torus.diameter_links == 6);
  const auto counted = parts(*make_topology(design, kFabrics.parts()));
  CHECK(counted.at("leaf") == 4);
  CHECK(counted.at("gpu -> leaf") == 64);
  CHECK_THAT(drawing(*make_torus({3}, true, {10 * giga * byte / second, {}})), Contains("\"gpu 0\" -- \"gpu 1\" [label=\"10 GB/s\"]"));
}

TEST_CASE("fabrics that cannot be are refused with the member and the numbers") {
  const auto make = [](const FabricDesign& design, const FabricParts& parts) { make_topology(design, parts); };
  CHECK_THROWS_WITH(make(fat_tree(16), kFabrics.only_up()),
                    Contains("n_accelerators: 16 accelerators are more than one domain of 8, and there is no scale_out"));
  CHECK_THROWS_WITH(make(fat_tree(16), {}), Contains("nothing joins the accelerators"));
  FabricDesign torus;
  torus.torus = {4, 4};
  torus.n_accelerators = 17;
  CHECK_THROWS_WITH(make(torus, kFabrics.only_up()), Contains("torus: 4 x 4 has 16 accelerators, n_accelerators says 17"));
  FabricDesign two = fat_tree(4096, 16);
  two.levels = 2;
  CHECK_THROWS_WITH(make(two, kFabrics.only_out()),
                    Contains("levels: 512 leaves need spines of as many ports, which have 16; two levels hold 128 accelerators"));
  CHECK_THROWS_WITH(make(fat_tree(100'000, 8), kFabrics.only_out()), Contains("three levels of 8-port switches join 8"));
  FabricDesign sites = fat_tree(24);
  sites.sites = SitesDesign{2, 25 * giga * byte / second, {}};
  CHECK_THROWS_WITH(make(sites, kFabrics.parts()), Contains("sites: 24 accelerators do not make 2 equal sites of whole domains of 8"));
  FabricDesign cables;
  cables.n_accelerators = 4;
  cables.cables = {{"gpu 0", "gpu 1", 1 * byte / second, {}}, {"gpu 2", "gpu 3", 1 * byte / second, {}}};
  CHECK_THROWS_WITH(make(cables, {}), Contains("the cables leave the fabric in pieces: no way from gpu 0 to gpu 2"));
  cables.cables = {{"gpu 0", "gpu 9", 1 * byte / second, {}}};
  CHECK_THROWS_WITH(make(cables, {}), Contains("\"gpu 9\" is beyond the 4 accelerators of the fabric"));
  cables.cables = {{"gpu 0", "middle", 1 * byte / second, {}}};
  CHECK_THROWS_WITH(make(cables, {}), Contains("\"middle\" is no end of a cable"));
  const auto good = make_topology(fat_tree(16), kFabrics.parts());
  CHECK_THROWS_WITH(good->links_named("leaf 99"), Contains("nothing in the fabric is called \"leaf 99\"; there are gpu 0 to 15"));
  CHECK_THROWS_WITH(good->links_named("gpu 0 -> gpu 1"), Contains("there is no link \"gpu 0 -> gpu 1\""));
}
