// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "chain_fixture.hpp"
#include "waferwatt/core/random.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"

using namespace waferwatt;
using namespace waferwatt::supply;

namespace {

Ramp<WaferRate> random_capacity(RandomStream& random, double largest) {
  std::vector<Ramp<WaferRate>::Point> points;
  Date at = kStart - 10 * week;
  for (int i = 0; i < 4; ++i)
    points.emplace_back(at = at + random.uniform(1, 30) * week, random.uniform(0, largest) * wafer / week);
  return Ramp<WaferRate>(std::move(points));
}

std::string pick(RandomStream& random, const char* stem, std::uint64_t n) {
  return stem + std::to_string(random.below(n));
}

Product random_product(RandomStream& random, int index) {
  Product p = tiny_product("chip" + std::to_string(index), pick(random, "vendor", 3));
  p.node = random.below(8) == 0 ? "" : pick(random, "node", 2);
  p.family = pick(random, "family", 2);
  p.memory = random.below(8) == 0 ? "" : pick(random, "hbm", 3);
  p.dies_per_package = static_cast<double>(1 + random.below(4));
  p.stacks_per_package = static_cast<double>(1 + random.below(8));
  p.packages_per_wafer = random.uniform(5, 40);
  p.harvest_fraction = random.uniform();
  p.die_area = random.uniform(1, 8) * square_centimetre;
  p.defect_density = Ramp<DefectDensity>::constant(random.uniform(0, 0.3) / square_centimetre);
  p.assembly_yield = Ramp<double>({{kStart, random.uniform(0.3, 0.8)}, {kStart + 50 * week, random.uniform(0.8, 1)}});
  p.test_yield = random.uniform(0.5, 1);
  p.logic_cycle_time = random.uniform(5, 20) * week;
  p.packaging_cycle_time = random.uniform(0, 8) * week;
  p.test_time = random.uniform(0, 4) * week;
  p.mix = Ramp<double>({{kStart, random.uniform()}, {kStart + random.uniform(10, 90) * week, random.uniform()}});
  return p;
}

/// Lines that are now ample, now short; makers that qualify late or never; stocks.
ChainSpec random_spec(std::uint64_t seed, int n_products) {
  RandomStream random(seed, "chain");
  ChainSpec spec;
  spec.start = kStart;
  spec.end = kStart + 100 * week;
  for (int i = 0; i < n_products; ++i) spec.products.push_back(random_product(random, i));
  for (const char* node : {"node0", "node1"})
    spec.logic.push_back({node, random_capacity(random, 300), Ramp<double>::constant(random.uniform())});
  for (const char* family : {"family0", "family1"}) {
    PackagingLine line{family, random_capacity(random, 500), {}};
    for (const char* vendor : {"vendor0", "vendor1", "vendor2"})
      line.customer_shares[vendor] = Ramp<double>::constant(random.uniform(0, 0.33));
    spec.packaging.push_back(std::move(line));
  }
  for (int maker = 0; maker < 3; ++maker) {
    MemoryLine line{"maker" + std::to_string(maker), random_capacity(random, 400), {}};
    for (const char* memory : {"hbm0", "hbm1", "hbm2"})
      for (const char* vendor : {"vendor0", "vendor1", "vendor2"})
        if (random.below(3) > 0) line.qualified[{memory, vendor}] = kStart + random.uniform(-30, 60) * week;
    spec.memory_makers.push_back(std::move(line));
  }
  for (const char* memory : {"hbm0", "hbm1", "hbm2"})
    spec.memories.push_back({memory, Ramp<double>::constant(random.uniform(20, 150)), random.uniform(8, 25) * week});
  for (int i = 0; i < 3; ++i) {
    spec.stocks.push_back(stacks_for(pick(random, "vendor", 3), random.uniform(0, 1e5), pick(random, "hbm", 3)));
    spec.stocks.push_back(
        dies_of(pick(random, "chip", static_cast<std::uint64_t>(n_products)), random.uniform(0, 1e5)));
  }
  spec.assembly_time = random.uniform(0, 6) * week;
  spec.shipping_time = random.uniform(0, 3) * week;
  spec.cover = random.uniform(0, 10) * week;
  for (const auto stage : {catalog::Stage::packaging, catalog::Stage::test, catalog::Stage::system}) {
    PartLine line{.part = "part", .stage = stage, .is_service = random.below(2) == 0, .capacity = Ramp<Frequency>::constant(random.uniform(0, 5000) / week), .units = {}};
    for (int i = 0; i < n_products; ++i) line.units.push_back(random.below(2) == 0 ? 0 : random.uniform(0, 3));
    spec.parts.push_back(std::move(line));
  }
  for (auto& line : spec.packaging) line.conversion_time = random.below(2) == 0 ? 0 * week : random.uniform(0, 20) * week;
  return spec;
}

std::vector<double> random_orders(std::uint64_t seed, int n_products) {
  RandomStream random(seed, "orders");
  std::vector<double> orders;
  for (int i = 0; i < n_products; ++i) orders.push_back(random.below(2) == 0 ? kSoldOut : random.uniform(0, 2e5));
  return orders;
}

}  // namespace

TEST_CASE("whatever the chain, every wafer, die, stack and package is somewhere") {
  const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 61)));
  CAPTURE(seed);
  const auto orders = random_orders(seed, 5);
  ChainRun run(random_spec(seed, 5), orders);
  run.run();
  CHECK(run.worst_balance() < 1e-9);

  std::vector<double> started(5, 0.0);
  for (const auto& entry : run.chain().weeks()) {
    REQUIRE(entry.started >= 0);
    REQUIRE(entry.waiting >= -1e-9);
    started[entry.product] += entry.started;
  }
  double stacks_used = 0, stacks_taken = 0;
  for (std::size_t p = 0; p < 5; ++p) {
    const auto& account = run.chain().accounts()[p];
    const auto& product = run.chain().spec().products[p];
    CHECK(account.packages_started == Approx(started[p]));
    CHECK(account.packages_delivered == Approx(run.delivered(p)));
    CHECK(account.dies_bank >= -1e-6);
    if (!product.node.empty()) CHECK(account.dies_used == Approx(started[p] * product.dies_per_package));
    if (!product.memory.empty()) CHECK(account.stacks_used == Approx(started[p] * product.stacks_per_package));
    if (product.node.empty() && product.memory.empty()) CHECK(account.dies_used == 0);
    stacks_used += account.stacks_used;
    // Never more than was ordered, but for what a better assembly yield than expected brings.
    CHECK(run.delivered(p) <= orders[p] * 2.5);
  }
  for (const auto& pool : run.chain().pools()) {
    REQUIRE(pool.store >= -1e-6);
    stacks_taken += pool.used;
  }
  CHECK(stacks_taken == Approx(stacks_used));
}

TEST_CASE("no vendor is given more of a packaging line than its share") {
  const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 31)));
  CAPTURE(seed);
  ChainRun run(random_spec(seed, 5));
  run.run();
  const auto& spec = run.chain().spec();
  std::map<std::tuple<int, std::string, std::string>, double> wafers;
  for (const auto& entry : run.chain().weeks()) {
    const auto& p = spec.products[entry.product];
    wafers[{week_of(entry.week), p.vendor, p.family}] += entry.started / p.packages_per_wafer;
  }
  for (const auto& [key, n] : wafers) {
    const auto& [week, vendor, family] = key;
    const Date date = kStart + week * core::week;
    const auto& line = family == "family0" ? spec.packaging[0] : spec.packaging[1];
    REQUIRE(n <= (line.capacity.at(date) * core::week).in(wafer)*line.customer_shares.at(vendor).at(date) * (1 + 1e-9) +
                     1e-9);
  }
}

TEST_CASE("more of any capacity never delivers less of a single product") {
  const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 41)));
  const int which = GENERATE(0, 1, 2);
  CAPTURE(seed, which);
  const auto delivered = [&](double factor) {
    auto spec = random_spec(seed, 1);
    // With a yield that rises, parts that are packaged earlier give fewer good ones: rightly less.
    spec.products[0].assembly_yield = Ramp<double>::constant(0.9);
    const auto scale = [&](Ramp<WaferRate>& capacity) {
      auto points = capacity.points();
      for (auto& [date, value] : points) value *= factor;
      capacity = Ramp<WaferRate>(points);
    };
    for (auto& line : spec.packaging)
      if (which == 0) scale(line.capacity);
    for (auto& line : spec.memory_makers)
      if (which == 1) scale(line.capacity);
    for (auto& line : spec.logic)
      if (which == 2) scale(line.capacity);
    ChainRun run(std::move(spec));
    return run.run().delivered(0);
  };
  const double base = delivered(1);
  CHECK(delivered(1.3) >= base * (1 - 1e-9));
  CHECK(delivered(3) >= base * (1 - 1e-9));
}

TEST_CASE("the bare loop and the SimGrid loop deliver the same, bit for bit") {
  ChainRun bare(random_spec(4, 5)), simgrid(random_spec(4, 5));
  engine::SimgridLoop loop;
  bare.run();
  simgrid.run(loop);
  REQUIRE_FALSE(bare.deliveries().empty());
  CHECK(bare.deliveries() == simgrid.deliveries());
}
