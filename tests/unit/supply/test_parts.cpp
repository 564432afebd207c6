// SPDX-License-Identifier: Apache-2.0
// Further parts that can bind, tools that serve one process only, prepayment and auction.
#include <catch2/catch.hpp>

#include "chain_fixture.hpp"

using namespace waferwatt;
using namespace waferwatt::supply;
using catalog::Stage;

namespace {

/// Ample dies and stacks, 1,000 packages a week, a yield of 0.9 x 0.8, delivered 7 weeks after their start.
ChainSpec ample() {
  auto spec = tiny_spec();
  spec.stocks = {dies_of("a", 1e6), stacks_for("v", 4e6)};
  return spec;
}

PartLine part(Stage stage, double a_week, double units, bool is_service = false) {
  return {.part = "part", .stage = stage, .is_service = is_service, .capacity = Ramp<Frequency>::constant(a_week / week), .units = {units}};
}

}  // namespace

TEST_CASE("parts that suffice change nothing") {
  ChainRun plain(ample());
  auto spec = ample();
  spec.parts = {part(Stage::packaging, 1e6, 1), part(Stage::test, 1e6, 1, true), part(Stage::system, 1e6, 0.5)};
  ChainRun with(std::move(spec));
  CHECK(plain.run().by_week(0) == with.run().by_week(0));
  CHECK(with.chain().part_waits().empty());
  CHECK(with.worst_balance() < 1e-9);
}

TEST_CASE("scarce substrates hold package starts and are charged") {
  // 200 a week for packages that need half a substrate: 400 starts of 1,000. The store of the first week holds four more weeks.
  auto spec = ample();
  spec.parts = {part(Stage::packaging, 200, 0.5)};
  ChainRun run(std::move(spec));
  run.run();
  CHECK(run.started(0, 0) == Approx(1000));  // out of the first week's 1,000 substrates
  CHECK(run.started(0, 10) == Approx(400));
  CHECK(run.limit(0, 10) == Limit::parts);
  const auto& account = run.chain().part_accounts()[0];
  CHECK(account.used == Approx(run.chain().accounts()[0].packages_started * 0.5));
  CHECK(account.balance_error() < 1e-9);
}

TEST_CASE("a step's capacity lapses where it is not used, and a scarce one makes packages wait") {
  // 900 packages a week come out of assembly from week 3 on; 600 test cells take two thirds of them.
  auto spec = ample();
  spec.parts = {part(Stage::test, 600, 1, true)};
  ChainRun run(std::move(spec));
  const auto weeks = run.run().by_week(0);
  CHECK(weeks[6] == Approx(0).margin(1e-9));
  CHECK(weeks[7] == Approx(600 * 0.8));
  CHECK(weeks[30] == Approx(600 * 0.8));
  // In the n-th week from week 3 on, 300 n packages are left waiting.
  for (const auto& wait : run.chain().part_waits()) REQUIRE(wait.packages == Approx(300 * (week_of(wait.week) - 2)));
  CHECK(run.chain().part_accounts()[0].lapsed == Approx(3 * 600));  // weeks 0 to 2
  CHECK(run.worst_balance() < 1e-9);
}

TEST_CASE("racks that carry 72 hold finished packages, and two products share them by what waits") {
  // 720 good packages a week and product; 10 racks a week carry 720 of the 1,440.
  auto spec = ample();
  spec.products.push_back(tiny_product("b", "w"));
  spec.packaging[0].customer_shares["w"] = Ramp<double>::constant(0.5);
  spec.stocks.push_back(dies_of("b", 1e6));
  spec.stocks.push_back(stacks_for("w", 4e6));
  spec.cover = 0 * week;
  auto racks = part(Stage::system, 10, 1.0 / 72);
  racks.units = {1.0 / 72, 1.0 / 72};
  spec.parts = {racks};
  ChainRun run(std::move(spec));
  run.run();
  CHECK(run.by_week(0)[20] == Approx(360));
  CHECK(run.by_week(1)[20] == Approx(360));
  CHECK(run.chain().accounts()[0].packages_awaiting_system > 1000);
  CHECK(run.worst_balance() < 1e-9);
}

TEST_CASE("tools of one process serve another only a conversion time after the plan changed") {
  // "a" on process s is banned in week 20; its share of the vendor's slots falls to "b" on process l. The tools follow 10 weeks later.
  auto spec = tiny_spec();
  spec.products.push_back(tiny_product("b", "v"));
  spec.products[1].packaging = "l";
  spec.stocks = {dies_of("a", 1e6), dies_of("b", 1e6), stacks_for("v", 8e6)};
  spec.packaging[0].conversion_time = 10 * week;
  spec.shocks = {{.kind = ShockKind::ban, .date = kStart + 20 * week, .duration = 5 * year, .accelerator = "a"}};
  ChainRun run(std::move(spec));
  run.run();
  CHECK(run.started(0, 19) == Approx(500));
  CHECK(run.started(1, 19) == Approx(500));
  CHECK(run.started(0, 21) == Approx(0).margin(1e-9));
  CHECK(run.started(1, 21) == Approx(500));
  CHECK(run.started(1, 29) == Approx(500));
  CHECK(run.started(1, 31) == Approx(1000));
}

TEST_CASE("money paid ahead buys a part of the line; what it leaves goes to the others") {
  // 2,000 packages a week; "v" paid three times as much as "w", whose dies suffice for 300 only.
  const auto started = [](double dies_of_w) {
    auto spec = tiny_spec();
    spec.end = kStart + 3 * week;
    spec.products.push_back(tiny_product("b", "w"));
    spec.packaging[0].customer_shares["w"] = Ramp<double>::constant(0.5);
    spec.packaging[0].allocation = Allocation::prepayment;
    spec.packaging[0].prepaid = {{"v", 3e9 * usd}, {"w", 1e9 * usd}};
    spec.stocks = {stacks_for("v", 1e6), stacks_for("w", 1e6), dies_of("a", 1e5), dies_of("b", dies_of_w)};
    ChainRun run(std::move(spec));
    run.run();
    return std::pair{run.started(0, 0), run.started(1, 0)};
  };
  CHECK(started(1e5).first == Approx(1500));
  CHECK(started(1e5).second == Approx(500));
  CHECK(started(300).first == Approx(1700));
  CHECK(started(300).second == Approx(300));
}

TEST_CASE("an auction serves the highest bid first; the price is the bid that was left out") {
  auto spec = tiny_spec();
  spec.end = kStart + 2 * week;
  spec.products.push_back(tiny_product("b", "w"));
  spec.packaging[0].customer_shares["w"] = Ramp<double>::constant(0.5);
  spec.packaging[0].allocation = Allocation::auction;
  spec.packaging[0].bids = {{"v", 9000 * usd / wafer}, {"w", 12000 * usd / wafer}};
  spec.stocks = {stacks_for("v", 1e6), stacks_for("w", 1e6), dies_of("a", 1e5), dies_of("b", 500)};
  ChainRun run(std::move(spec));
  run.run();
  CHECK(run.started(1, 0) == Approx(500));
  CHECK(run.started(0, 0) == Approx(1500));
  REQUIRE(!run.chain().auctions().empty());
  CHECK(run.chain().auctions()[0].price.in(usd / wafer) == Approx(9000));
}
