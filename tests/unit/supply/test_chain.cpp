// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>

#include "chain_fixture.hpp"

using namespace waferwatt;
using namespace waferwatt::supply;

namespace {

Ramp<WaferRate> weekly(double wafers) { return Ramp<WaferRate>::constant(wafers * wafer / week); }

}  // namespace

TEST_CASE("a packaging-limited chain delivers its share of the line times the yields after the exact lag") {
  // Parts in store: packages start in week 0, 100 x 0.5 x 20 = 1,000 a week; 1,000 x 0.72 = 720 delivered a week
  // from week 3 + 1 + 2 + 1 = 7 on.
  auto spec = tiny_spec();
  spec.stocks = {dies_of("a", 1e6), stacks_for("v", 4e6)};
  ChainRun run(std::move(spec));
  const auto weeks = run.run().by_week(0);
  for (std::size_t w = 0; w < weeks.size(); ++w) {
    CAPTURE(w);
    REQUIRE(weeks[w] == Approx(w < 7 ? 0 : 720));
    REQUIRE(run.limit(0, static_cast<int>(w)) == Limit::packaging);
  }
  for (const auto& entry : run.chain().weeks()) {
    CHECK(entry.slots == Approx(1000));
    CHECK(entry.waiting == 0);  // infinite orders
  }
  const auto& account = run.chain().accounts()[0];
  CHECK(account.packages_started == Approx(60 * 1000));
  CHECK(account.packages_delivered == Approx(53 * 720));
  CHECK(account.dies_used == Approx(60 * 1000));
  CHECK(account.stacks_used == Approx(60 * 4000));
}

TEST_CASE("an empty chain fills in the cycle time of its slowest part and planners keep it full") {
  // Week 0 orders dies for 8 + 4 and stacks for 10 + 4 weeks; stacks come in week 10, packages are delivered
  // from week 17 on. The cover carries the line from then without a gap.
  ChainRun run(tiny_spec());
  const auto weeks = run.run().by_week(0);
  for (std::size_t w = 0; w < weeks.size(); ++w) {
    CAPTURE(w);
    REQUIRE(weeks[w] == Approx(w < 17 ? 0 : 720));
  }
  CHECK(run.limit(0, 7) == Limit::logic);   // no dies yet
  CHECK(run.limit(0, 9) == Limit::memory);  // dies, no stacks
  CHECK(run.limit(0, 10) == Limit::packaging);
  CHECK(run.worst_balance() < 1e-9);
}

TEST_CASE("a memory-limited chain delivers what the stacks allow") {
  // 10 wafers a week x 100 stacks / 4 = 250 packages a week, 180 delivered, from week 10 + 7 on.
  auto spec = tiny_spec();
  spec.memory_makers[0].capacity = weekly(10);
  ChainRun run(std::move(spec), {1e6});
  const auto weeks = run.run().by_week(0);
  for (std::size_t w = 0; w < weeks.size(); ++w) REQUIRE(weeks[w] == Approx(w < 17 ? 0 : 180));
  for (int w = 10; w < 60; ++w) REQUIRE(run.limit(0, w) == Limit::memory);
  // In week 10 all of the million are open and nothing is on its way: 1e6 / 0.72 wanted, 250 started.
  for (const auto& entry : run.chain().weeks())
    if (week_of(entry.week) == 10) CHECK(entry.waiting == Approx(1e6 / 0.72 - 250));
  CHECK(run.chain().pools()[0].wafers_started == Approx(60 * 10));
}

TEST_CASE("a logic-limited chain delivers what the dies allow") {
  // 20 wafers a week, half for accelerators, 60 dies each, two a package: 300 packages, 216 delivered,
  // from week 8 + 7 on.
  auto spec = tiny_spec();
  spec.products[0].dies_per_package = 2;
  spec.logic[0].capacity = weekly(20);
  spec.logic[0].ai_share = Ramp<double>::constant(0.5);
  spec.stocks = {stacks_for("v", 4e6)};
  ChainRun run(std::move(spec));
  const auto weeks = run.run().by_week(0);
  for (std::size_t w = 0; w < weeks.size(); ++w) REQUIRE(weeks[w] == Approx(w < 15 ? 0 : 216));
  for (int w = 0; w < 60; ++w) REQUIRE(run.limit(0, w) == Limit::logic);
  CHECK(run.chain().accounts()[0].wafers_started == Approx(60 * 10));
}

TEST_CASE("a node that cannot start all wafers serves its products in proportion to their orders") {
  // b needs twice the dies of a, so it gets twice the wafers.
  auto spec = tiny_spec();
  spec.products.push_back(tiny_product("b", "v"));
  spec.products[1].dies_per_package = 2;
  spec.logic[0].capacity = weekly(3);
  ChainRun run(std::move(spec));
  run.run();
  const auto& accounts = run.chain().accounts();
  CHECK(accounts[0].wafers_started + accounts[1].wafers_started == Approx(180));
  CHECK(accounts[1].wafers_started == Approx(120).epsilon(0.1));
}

TEST_CASE("an order book is filled exactly and then nothing more is made") {
  // 144 ordered: 144 / 0.72 = 200 packages in week 0, all delivered in week 7.
  auto spec = tiny_spec();
  spec.stocks = {dies_of("a", 1e6), stacks_for("v", 4e6)};
  ChainRun run(std::move(spec), {144});
  const auto weeks = run.run().by_week(0);
  CHECK(run.started(0, 0) == Approx(200));
  CHECK(weeks[7] == Approx(144));
  CHECK(run.delivered(0) == Approx(144));
  for (int w = 0; w < 60; ++w) REQUIRE(run.limit(0, w) == Limit::orders);
  for (const auto& entry : run.chain().weeks()) CHECK(entry.waiting == Approx(0).margin(1e-9));
}

TEST_CASE("orders beyond a week's slots wait for packaging, less what is on its way") {
  // 7,200 ordered: 10,000 packages wanted, 1,000 a week; in week 3, 3,000 are on their way and 6,000 wait.
  auto spec = tiny_spec();
  spec.stocks = {dies_of("a", 1e6), stacks_for("v", 4e6)};
  ChainRun run(std::move(spec), {7200});
  run.run();
  for (const auto& entry : run.chain().weeks())
    if (week_of(entry.week) == 3) CHECK(entry.waiting == Approx(6000));
  CHECK(run.limit(0, 8) == Limit::packaging);
  CHECK(run.limit(0, 10) == Limit::orders);
  CHECK(run.delivered(0) == Approx(7200));
  // 10,000 packages started and 7,200 good ones: nothing is left in the pipeline.
  CHECK(run.chain().in_pipeline(0) == Approx(0).margin(1e-6));
}

TEST_CASE("what one product of a vendor leaves of the line its other product takes") {
  // Mix 1:1 of 50 wafers: a could take 25 x 20 = 500, b 25 x 10 = 250. a has no stacks; its 25 wafers give b
  // 250 more.
  auto spec = tiny_spec();
  spec.products.push_back(tiny_product("b", "v"));
  spec.products[0].memory = "none";
  spec.products[1].packages_per_wafer = 10;
  spec.stocks = {dies_of("a", 1e6), dies_of("b", 1e6), stacks_for("v", 4e6)};
  ChainRun run(std::move(spec));
  run.run();
  for (int w = 0; w < 60; ++w) {
    REQUIRE(run.started(0, w) == 0);
    REQUIRE(run.limit(0, w) == Limit::memory);
    REQUIRE(run.started(1, w) == Approx(500));
    REQUIRE(run.limit(1, w) == Limit::packaging);
  }
}

TEST_CASE("what a vendor leaves of its share no other vendor takes") {
  auto spec = tiny_spec();
  spec.products.push_back(tiny_product("b", "w"));
  spec.packaging[0].customer_shares["w"] = Ramp<double>::constant(0.3);
  spec.stocks = {dies_of("a", 1e6), dies_of("b", 1e6), stacks_for("w", 4e6)};
  spec.memory_makers[0].qualified.clear();
  ChainRun run(std::move(spec));
  run.run();
  CHECK(run.started(0, 30) == 0);
  CHECK(run.started(1, 30) == Approx(600));  // 100 x 0.3 x 20
}

TEST_CASE("memory of a maker that is not qualified is never used") {
  auto spec = tiny_spec();
  spec.products.push_back(tiny_product("b", "w"));
  spec.products[1].node = "other node";  // without a line: b never has dies, so its stacks pile up
  spec.packaging[0].customer_shares["w"] = Ramp<double>::constant(0.5);
  spec.stocks = {dies_of("a", 1e6)};
  SECTION("never qualified") {
    spec.memory_makers[0].qualified = {{{"hbm", "w"}, kStart}};
    ChainRun run(std::move(spec));
    run.run();
    CHECK(run.chain().pools()[0].store > 0);
    CHECK(run.chain().pools()[0].used == 0);
    CHECK(run.delivered(0) == 0);
    CHECK(run.limit(0, 40) == Limit::memory);
  }
  SECTION("usable on the day of qualification and not before") {
    spec.memory_makers[0].qualified = {{{"hbm", "w"}, kStart}, {{"hbm", "v"}, kStart + 20 * week}};
    ChainRun run(std::move(spec));
    run.run();
    CHECK(run.started(0, 19) == 0);
    CHECK(run.started(0, 20) == Approx(1000));
  }
}

TEST_CASE("a maker starts wafers a cycle time before the day on which it will be qualified") {
  auto spec = tiny_spec();
  spec.memory_makers[0].qualified = {{{"hbm", "v"}, kStart + 20 * week}};
  ChainRun run(std::move(spec));
  const auto weeks = run.run().by_week(0);
  CHECK(run.started(0, 19) == 0);
  CHECK(run.started(0, 20) == Approx(1000));
  CHECK(weeks[26] == 0);
  CHECK(weeks[27] == Approx(720));
}

TEST_CASE("a stock serves its owner only") {
  // 4,000 stacks are 1,000 packages of v; w has none.
  auto spec = tiny_spec();
  spec.products.push_back(tiny_product("b", "w"));
  spec.packaging[0].customer_shares["w"] = Ramp<double>::constant(0.5);
  spec.memory_makers.clear();
  spec.stocks = {dies_of("a", 1e6), dies_of("b", 1e6), stacks_for("v", 4000)};
  ChainRun run(std::move(spec));
  run.run();
  CHECK(run.delivered(0) == Approx(720));
  CHECK(run.delivered(1) == 0);
  REQUIRE(run.chain().pools().size() == 1);
  CHECK(run.chain().pools()[0].only_for == "v");
  CHECK(run.chain().pools()[0].used == Approx(4000));
  CHECK(run.worst_balance() < 1e-9);
}

TEST_CASE("scarce stacks are shared in proportion to what each product could package") {
  // Both vendors qualified the maker and could start 1,000 and 500 packages; 600 packages' worth of stacks come a week.
  auto spec = tiny_spec();
  spec.products.push_back(tiny_product("b", "w"));
  spec.packaging[0].customer_shares["w"] = Ramp<double>::constant(0.25);
  spec.memory_makers[0].capacity = weekly(24);
  spec.memory_makers[0].qualified[{"hbm", "w"}] = kStart;
  ChainRun run(std::move(spec));
  run.run();
  CHECK(run.started(0, 40) == Approx(400));
  CHECK(run.started(1, 40) == Approx(200));
}

TEST_CASE("a product without a packaging line is built as orders come") {
  auto spec = tiny_spec();
  spec.products[0].family.clear();
  spec.products[0].memory.clear();
  spec.products[0].node.clear();
  ChainRun run(std::move(spec), {720});
  run.run();
  CHECK(run.started(0, 0) == Approx(1000));
  CHECK(run.delivered(0) == Approx(720));
}

TEST_CASE("without a packaging line orders decide the starts, unless the node was short") {
  auto spec = tiny_spec();
  spec.products[0].family.clear();
  spec.products[0].memory.clear();
  ChainRun ample(spec, {720000});
  ample.run();
  CHECK(ample.started(0, 8) > 0);
  CHECK(ample.limit(0, 8) == Limit::orders);
  spec.logic[0].capacity = weekly(10);
  ChainRun scarce(spec, {720000});
  scarce.run();
  CHECK(scarce.limit(0, 20) == Limit::logic);
  CHECK(scarce.started(0, 20) == Approx(600));
}

TEST_CASE("stacks that one vendor cannot use do not starve another") {
  // v and w have qualified one maker each; w has no dies, so its maker's stacks pile up. v keeps its 1,000 slots.
  auto spec = tiny_spec();
  spec.products.push_back(tiny_product("b", "w"));
  spec.products[1].node = "other node";
  spec.packaging[0].customer_shares["w"] = Ramp<double>::constant(0.5);
  spec.memory_makers = {{"of v", weekly(1e6), {{{"hbm", "v"}, kStart}}}, {"of w", weekly(1e6), {{{"hbm", "w"}, kStart}}}};
  spec.stocks = {dies_of("a", 1e6)};
  ChainRun run(std::move(spec));
  run.run();
  for (int w = 10; w < 60; ++w) {
    CAPTURE(w);
    REQUIRE(run.started(0, w) == Approx(1000));
    REQUIRE(run.started(1, w) == 0);
    REQUIRE(run.limit(1, w) == Limit::logic);
  }
  REQUIRE(run.chain().pools().size() == 2);
  CHECK(run.chain().pools()[1].store > 0);
  CHECK(run.chain().pools()[1].used == 0);
  // The stock of w is held to what its plan needs over 10 + 4 weeks: 14 x 4,000.
  CHECK(run.chain().pools()[1].store + run.chain().pools()[1].in_fab == Approx(56000));
  CHECK(run.worst_balance() < 1e-9);
}

TEST_CASE("a sold-out product without a packaging line is limited by its node") {
  // 10 wafers a week x 60 dies are 600 packages a week, from the eighth week on.
  auto spec = tiny_spec();
  spec.products[0].family.clear();
  spec.products[0].memory.clear();
  spec.logic[0].capacity = weekly(10);
  ChainRun run(std::move(spec));
  run.run();
  for (int w = 0; w < 60; ++w) {
    CAPTURE(w);
    REQUIRE(run.started(0, w) == Approx(w < 8 ? 0 : 600));
    REQUIRE(run.limit(0, w) == Limit::logic);
  }
  CHECK(run.chain().accounts()[0].wafers_started == Approx(600));
}

TEST_CASE("a balance that is not a number is infinitely wrong") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  ProductAccount account;
  CHECK(account.balance_error() == 0);
  account.packages_started = nan;
  CHECK(std::isinf(account.balance_error()));
  account = {.dies_bank = nan};
  CHECK(std::isinf(account.balance_error()));
  MemoryPool pool;
  CHECK(pool.balance_error() == 0);
  pool.started = nan;
  CHECK(std::isinf(pool.balance_error()));
  pool = {.store = nan};
  CHECK(std::isinf(pool.balance_error()));
}


TEST_CASE("the shares of a vendor's products follow their mix over time") {
  auto spec = tiny_spec();
  spec.products.push_back(tiny_product("b", "v"));
  spec.products[0].mix = Ramp<double>({{kStart, 1.0}, {kStart + 40 * week, 0.0}});
  spec.products[1].mix = Ramp<double>({{kStart, 0.0}, {kStart + 40 * week, 1.0}});
  spec.stocks = {dies_of("a", 1e6), dies_of("b", 1e6), stacks_for("v", 4e6)};
  ChainRun run(std::move(spec));
  run.run();
  CHECK(run.started(0, 0) == Approx(1000));
  CHECK(run.started(0, 10) == Approx(750));
  CHECK(run.started(1, 10) == Approx(250));
  CHECK(run.started(0, 45) == 0);
  CHECK(run.started(1, 45) == Approx(1000));
}

TEST_CASE("limits have names") {
  CHECK(limit_name(Limit::packaging) == "packaging");
  CHECK(limit_name(Limit::memory) == "memory");
  CHECK(limit_name(Limit::logic) == "logic");
  CHECK(limit_name(Limit::orders) == "orders");
}
