// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/collectives.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace waferwatt;
using namespace waferwatt::network;

namespace {

constexpr LinkSpec kUp{200 * giga * byte / second, 1 * micro* second, 0.5};  // 100 GB/s
constexpr LinkSpec kOut{20 * giga * byte / second, 4 * micro* second, 0.5};  // 10 GB/s
const TwoLevelNetwork kNetwork(kUp, 8, kOut, Time{});

double ms(Time time) { return time.in(milli * second); }

}  // namespace

TEST_CASE("ring collectives on one level follow latency and bandwidth") {
  // 8 ranks, 800 MB: 7 steps of 100 MB at 100 GB/s and 1 us each: 7.007 ms; all-reduce twice that.
  CHECK(ms(kNetwork.all_gather_time({8, 8}, 800 * mega * byte)) == Approx(7.007));
  CHECK(ms(kNetwork.reduce_scatter_time({8, 8}, 800 * mega * byte)) == Approx(7.007));
  CHECK(ms(kNetwork.all_reduce_time({8, 8}, 800 * mega * byte)) == Approx(14.014));
  // To seven others 100 MB each.
  CHECK(ms(kNetwork.all_to_all_time({8, 8}, 800 * mega * byte)) == Approx(7.001));
  CHECK(ms(kNetwork.send_time(false, 100 * mega * byte)) == Approx(1.001));
  CHECK(ms(kNetwork.send_time(true, 100 * mega * byte)) == Approx(10.004));
}

TEST_CASE("a group of one needs no time") {
  const TwoLevelNetwork launched(kUp, 8, kOut);
  for (const auto time : {launched.all_reduce_time({1, 1}, giga * byte), launched.all_gather_time({1, 1}, giga * byte),
                          launched.all_to_all_time({1, 1}, giga * byte)})
    CHECK(time == Time{});
}

TEST_CASE("across domains each accelerator carries its slice") {
  // 16 ranks in 2 domains, 800 MB: inside 2 * 7.007 ms; across a ring of 2 with 100 MB: 2 steps of 50 MB
  // at 10 GB/s and 4 us: 10.008 ms.
  CHECK(ms(kNetwork.all_reduce_time({16, 8}, 800 * mega * byte)) == Approx(14.014 + 10.008));
  // All-gather: across 1 step of 50 MB, then inside.
  CHECK(ms(kNetwork.all_gather_time({16, 8}, 800 * mega * byte)) == Approx(5.004 + 7.007));
  // All-to-all: 8 of 16 pieces of 50 MB leave the domain: 400 MB at 10 GB/s.
  CHECK(ms(kNetwork.all_to_all_time({16, 8}, 800 * mega * byte)) == Approx(40.004));
}

TEST_CASE("small all-reduces over many ranks use the tree") {
  // 1,024 ranks: 10 levels up and down of 4 us instead of 2,046 steps.
  CHECK(tree_all_reduce_time(kOut, 1024, 8 * byte).in(micro * second) == Approx(80).epsilon(1e-3));
  CHECK(tree_all_reduce_time(kOut, 1024, 8 * byte) < ring_all_reduce_time(kOut, 1024, 8 * byte));
  CHECK(ring_all_reduce_time(kOut, 4, giga * byte) < tree_all_reduce_time(kOut, 4, giga * byte));
  CHECK(tree_all_reduce_time(kOut, 1, giga * byte) == Time{});
}

TEST_CASE("times grow with the size and with the number of ranks") {
  for (const std::int64_t n : {2, 4, 8, 16, 64, 512}) {
    const auto group = kNetwork.group(n), twice = kNetwork.group(2 * n);
    CHECK(kNetwork.all_reduce_time(group, giga * byte) < kNetwork.all_reduce_time(group, 2 * giga * byte));
    CHECK(kNetwork.all_reduce_time(group, giga * byte) < kNetwork.all_reduce_time(twice, giga * byte));
    CHECK(kNetwork.all_to_all_time(group, giga * byte) < kNetwork.all_to_all_time(twice, giga * byte));
    CHECK(kNetwork.all_gather_time(group, giga * byte) < kNetwork.all_reduce_time(group, giga * byte));
  }
}

TEST_CASE("a stride spreads a group over more domains") {
  CHECK(kNetwork.group(4).per_domain == 4);
  CHECK_FALSE(kNetwork.group(8).spans_domains());
  CHECK(kNetwork.group(4, 4).per_domain == 2);
  CHECK(kNetwork.group(4, 16).per_domain == 1);
}

TEST_CASE("all-reduces on 8 H200 take about the measured time") {
  const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  const auto& h200 = catalog.accelerators.at("nvidia-h200-sxm");
  const auto network = network_of(h200, catalog.system_of(h200.id), nullptr, 8, catalog);
  REQUIRE(network);
  // NCCL 2.29.2 (aiconfigurator). The last one is reduced in the switch.
  const std::pair<double, double> measured_us[] = {{1024, 16.5},    {16384, 17.8},   {262144, 20.0},   {4194304, 51.8},
                                                   {16777216, 121}, {67108864, 320}, {536870912, 2042}};
  for (const auto& [bytes, us] : measured_us) {
    INFO(bytes << " B");
    CHECK(network->all_reduce_time(network->group(8), bytes * byte).in(micro * second) == Approx(us).epsilon(0.4));
  }
}

TEST_CASE("the network of a cluster comes from the catalog") {
  const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  const auto& h100 = catalog.accelerators.at("nvidia-h100-sxm");
  const auto& dgx = catalog.systems.at("nvidia-dgx-h100");
  const auto network = network_of(h100, &dgx, &catalog.fabrics.at("infiniband-ndr"), 2048, catalog);
  REQUIRE(network);
  CHECK(network->domain_size() == 8);
  CHECK(network->scale_up().bandwidth.in(giga * byte / second) == Approx(450));
  CHECK(network->scale_out().bandwidth.in(giga * byte / second) == Approx(50));
  // Without a system or fabric, the accelerator's own figures; both directions are quoted summed.
  const auto bare = network_of(h100, nullptr, nullptr, 2048, catalog);
  REQUIRE(bare);
  CHECK(bare->scale_up().bandwidth.in(giga * byte / second) == Approx(450));
  auto lonely = h100;
  lonely.nic_bandwidth.reset();
  CHECK_FALSE(network_of(lonely, nullptr, nullptr, 16, catalog));
  CHECK(network_of(lonely, nullptr, nullptr, 8, catalog));
  lonely.scale_up_bandwidth.reset();
  CHECK(network_of(lonely, nullptr, nullptr, 1, catalog));
  CHECK_FALSE(network_of(lonely, nullptr, nullptr, 2, catalog));
}

TEST_CASE("calibrated collectives inside a domain are the measured ones") {
  catalog::CollectiveCalibration calibration;
  calibration.curves.push_back({.operation = "all-reduce", .library = "nccl 2.29.2", .n_ranks = 8, .sizes_byte = {1e6, 4e6}, .times_us = {20, 40}});
  TwoLevelNetwork network = kNetwork;
  network.calibrate(calibration);
  CHECK(network.all_reduce_time({8, 8}, 1 * mega * byte).in(micro * second) == Approx(20));
  CHECK(network.all_reduce_time({8, 8}, 2 * mega * byte).in(micro * second) == Approx(std::sqrt(800)));  // halfway in logs
  CHECK(network.all_reduce_time({8, 8}, 10 * mega * byte).in(micro * second) == Approx(80));             // 20 us for each 3 MB
  CHECK(network.all_reduce_time({4, 8}, 1 * mega * byte).in(micro * second) == Approx(20 * 0.75 / 0.875));
  CHECK(network.all_gather_time({8, 8}, 1 * mega * byte) == kNetwork.all_gather_time({8, 8}, 1 * mega * byte));
  CHECK(network.all_reduce_time({16, 8}, 1 * mega * byte) == kNetwork.all_reduce_time({16, 8}, 1 * mega * byte));
}
