// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/cut.hpp"

#include <catch2/catch.hpp>

#include "chain_fixture.hpp"

using namespace waferwatt;
using namespace waferwatt::supply;

namespace {

Cut cut_of(ChainSpec spec) {
  ChainRun run(std::move(spec));
  run.run();
  return supply_cut(run.chain(), kStart + 20 * week, kStart + 60 * week);
}

Ramp<WaferRate> weekly(double wafers) { return Ramp<WaferRate>::constant(wafers * wafer / week); }

}  // namespace

TEST_CASE("where packaging is short, the cut is the customer's share of the line") {
  // 40 weeks of 50 wafers with 20 packages each, all of them used.
  const Cut cut = cut_of(tiny_spec());
  CHECK(cut.started == Approx(40 * 1000));
  CHECK(cut.bound == Approx(40 * 1000));
  REQUIRE(cut.lines.size() == 1);
  CHECK(cut.lines[0].line == "family share of v");
  CHECK(cut.lines[0].limit == Limit::packaging);
}

TEST_CASE("where memory is short, the cut goes through the makers that may deliver") {
  // 10 wafers x 100 stacks / 4 = 250 packages a week: one week's in store at the start, 39 come in.
  auto spec = tiny_spec();
  spec.memory_makers[0].capacity = weekly(10);
  const Cut cut = cut_of(std::move(spec));
  CHECK(cut.started == Approx(40 * 250));
  CHECK(cut.bound == Approx(40 * 250));
  CHECK(cut.lines[0].line == "maker");
}

TEST_CASE("where logic is short, the cut goes through the node") {
  auto spec = tiny_spec();
  spec.logic[0].capacity = weekly(5);
  const Cut cut = cut_of(std::move(spec));
  CHECK(cut.lines[0].line == "node");
  CHECK(cut.started == Approx(40 * 300));
  CHECK(cut.bound == Approx(40 * 300));
}

TEST_CASE("no run starts more packages than its cut") {
  for (const double wafers : {2.0, 8.0, 20.0, 50.0, 200.0}) {
    auto spec = tiny_spec();
    spec.products.push_back(tiny_product("b", "w"));
    spec.products[1].packages_per_wafer = 9;
    spec.products[1].dies_per_package = 2;
    spec.packaging[0].customer_shares["w"] = Ramp<double>::constant(0.4);
    spec.memory_makers[0].qualified[{"hbm", "w"}] = kStart;
    spec.memory_makers[0].capacity = weekly(wafers);
    const Cut cut = cut_of(std::move(spec));
    CHECK(cut.bound >= cut.started * (1 - 1e-9));
  }
}
