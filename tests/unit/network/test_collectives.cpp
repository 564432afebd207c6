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

TEST_CASE("across domains both levels carry pieces at once") {
  // 16 ranks in 2 domains, 800 MB: a ring through both domains leaves by 8 NICs, 100 MB each at 10 GB/s, 10 ms,
  // while NVLink needs 8 ms; twice 15/16 of that and of the way round, 2 (8 + 4) us: 18.795 ms. In turn it
  // would be 14.014 inside and 10.008 across. Chains and a tree: 2 max(7 ms, 10 ms) + 2 (4 + 7) us: 20.022.
  CHECK(ms(kNetwork.all_reduce_time({16, 8}, 800 * mega * byte)) == Approx(2 * 15.0 / 16 * (10 + 0.024)));
  // Small ones take the tree of chains: 2 ceil(log2 64) 4 us + 2 * 7 * 1 us, far less than 2 * 64 * 12 us round.
  CHECK(ms(kNetwork.all_reduce_time({512, 8}, 8 * byte)) == Approx(0.062).epsilon(1e-3));
  // All-gather: the ring again, or across 1 step of 50 MB, then inside 7.007 ms.
  CHECK(ms(kNetwork.all_gather_time({16, 8}, 800 * mega * byte)) == Approx(15.0 / 16 * (10 + 0.024)));
  CHECK(ms(kNetwork.all_gather_time({16, 8}, 80 * byte)) == Approx(0.004 + 0.007).epsilon(1e-3));
  // One rank in each domain: the NICs alone.
  CHECK(ms(kNetwork.all_reduce_time({2, 1}, 100 * mega * byte)) == Approx(10.008));
  // All-to-all: 8 of 16 pieces of 50 MB leave the domain: 400 MB at 10 GB/s.
  CHECK(ms(kNetwork.all_to_all_time({16, 8}, 800 * mega * byte)) == Approx(40.004));
}

TEST_CASE("rings whose ranks share adapters with other groups only have half of the bandwidth beyond a domain") {
  const auto shared = kNetwork.with_shared_adapters(2);
  // 4 ranks in each of 4 domains, each beside an adapter of its own: 5 GB/s instead of 10. In turn: inside 3 steps of
  // 200 MB at 100 GB/s, 6.003 ms, twice; across 6 steps of 50 MB, 10.004 ms each. The ring through all, 75.06 ms, is slower.
  CHECK(ms(shared.all_reduce_time(shared.group(16, 2), 800 * mega * byte)) == Approx(2 * 6.003 + 6 * 10.004));
  CHECK(ms(shared.all_gather_time(shared.group(16, 2), 800 * mega * byte)) == Approx(6.003 + 3 * 10.004));
  // Groups that fill the domain, or half of it in pairs, have neighbours on one adapter; one rank in a domain has no other way
  // than its own.
  for (const Group group : {Group{16, 8}, Group{16, 4}, Group{4, 1}, Group{8, 8}}) {
    CHECK(shared.all_reduce_time(group, 800 * mega * byte) == kNetwork.all_reduce_time(group, 800 * mega * byte));
    CHECK(shared.all_gather_time(group, 800 * mega * byte) == kNetwork.all_gather_time(group, 800 * mega * byte));
  }
  // Pairs go straight.
  CHECK(shared.all_to_all_time(shared.group(16, 2), 800 * mega * byte) == kNetwork.all_to_all_time({16, 4}, 800 * mega * byte));
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
    CHECK(network->all_reduce_time(network->group(8), bytes * byte).in(micro * second) == Approx(us).epsilon(0.03));
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
  calibration.curves.push_back({.operation = "all-reduce", .library = "nccl 2.20.0", .n_ranks = 8, .sizes_byte = {1e6, 4e6}, .times_us = {30, 50}});
  calibration.curves.push_back({.operation = "all-reduce", .library = "nccl 2.29.2", .n_ranks = 2, .sizes_byte = {1e6, 4e6}, .times_us = {10, 20}});
  TwoLevelNetwork network = kNetwork;
  network.calibrate(MeasuredCollectives(calibration));
  const auto us = [&](std::int64_t n, double bytes, const char* library = "nccl") {
    return network.all_reduce_time({n, 8}, bytes * byte, library).in(micro * second);
  };
  CHECK(us(8, 1e6) == Approx(20));
  CHECK(us(8, 2e6) == Approx(std::sqrt(800)));  // halfway in logs
  CHECK(us(8, 10e6) == Approx(80));             // 20 us for each 3 MB
  CHECK(us(4, 1e6) == Approx(std::sqrt(200)));  // halfway between 2 and 8 in logs
  CHECK(us(8, 1e6, "nccl 2.20.0") == Approx(30));
  CHECK(us(8, 1e6, "vllm graph") == Approx(20));  // not measured: NCCL
  CHECK(network.all_gather_time({8, 8}, 1 * mega * byte) == kNetwork.all_gather_time({8, 8}, 1 * mega * byte));

  // More ranks than were measured: as the formula grows, here that of two trees, 2 log2(n) 1 us + 2 * 10 us.
  TwoLevelNetwork large(kUp, 16, kOut, Time{});
  large.calibrate(MeasuredCollectives(calibration));
  const double formula_16 = 28, formula_8 = 26;
  CHECK(large.all_reduce_time({16, 16}, 1 * mega * byte).in(micro * second) == Approx(20 * formula_16 / formula_8));

  // Links twice as fast: 2 MB take as long as 1 MB did.
  network.calibrate(MeasuredCollectives(calibration, 2));
  CHECK(us(8, 2e6) == Approx(20));
}

TEST_CASE("unmeasured accelerators take the curves of the nearest measured one") {
  const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  const auto measured_for = [&](const char* id) {
    const auto& accelerator = catalog.accelerators.at(id);
    return network_of(accelerator, catalog.system_of(id), nullptr, 8, catalog)->measured();
  };
  CHECK(measured_for("nvidia-h200-sxm")->provenance() == "measured on nvidia-h200-sxm");
  // The H800 has an H100's rate and 200 of its 450 GB/s, the A800 an A100's and 200 of 300 GB/s.
  CHECK(measured_for("nvidia-h800-sxm")->calibration().accelerator == "nvidia-h100-sxm");
  CHECK(measured_for("nvidia-h800-sxm")->bandwidth_ratio() == Approx(200.0 / 450));
  CHECK(measured_for("nvidia-a800-sxm")->provenance() == "nvidia-a100-sxm-80gb's measured times at 0.667 times its bandwidth");
  // The H20 shares the fabric of H100 and H200, though an A100's rate is nearer to its own.
  CHECK(measured_for("nvidia-h20")->bandwidth_ratio() == 1);
  CHECK_FALSE(measured_for("amd-mi300x"));  // no accelerator of the vendor was measured
  CHECK_FALSE(measured_for("google-tpu-v5p"));
}
