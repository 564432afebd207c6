// SPDX-License-Identifier: Apache-2.0
// Shocks, expansions and allocation policies on the chain of chain_fixture.hpp: 1,000 packages a week for
// vendor "v", yield 0.72, delivered 7 weeks after their start.
#include <catch2/catch.hpp>
#include <cmath>

#include "chain_fixture.hpp"
#include "waferwatt/supply/random_events.hpp"

using namespace waferwatt;
using namespace waferwatt::supply;

namespace {

ChainSpec stocked() {
  ChainSpec spec = tiny_spec();
  spec.stocks = {stacks_for("v", 1e6), dies_of("a", 1e6)};
  return spec;
}

Shock shock(ShockKind kind, int week, int weeks, std::vector<std::string> lines = {"family"}) {
  return {.kind = kind, .date = kStart + week * core::week, .duration = weeks * core::week, .loss = 1, .lines = std::move(lines)};
}

}  // namespace

TEST_CASE("an earthquake stops a line, destroys a part of its lots and fades over the recovery") {
  ChainSpec spec = stocked();
  spec.shocks = {shock(ShockKind::earthquake, 20, 4)};
  spec.shocks[0].recovery = 4 * week;
  spec.shocks[0].scrap = 0.5;
  ChainRun run(spec);
  run.run();
  CHECK(run.started(0, 19) == Approx(1000));
  CHECK(run.started(0, 20) == Approx(0).margin(1e-6));
  CHECK(run.started(0, 23) == Approx(0).margin(1e-6));
  // Half way through the recovery: 500.
  CHECK(run.started(0, 26) == Approx(500));
  CHECK(run.started(0, 28) == Approx(1000));
  // The lots of weeks 17 (just done), 18 and 19 are in assembly (3 weeks): the two later ones lose half.
  const auto weeks = run.by_week(0);
  CHECK(weeks[23] == Approx(720));
  CHECK(weeks[25] == Approx(360));
  CHECK(weeks[26] == Approx(360));
  CHECK(weeks[27] == Approx(0).margin(1e-6));
  CHECK(run.worst_balance() < 1e-9);
}

TEST_CASE("a fab that comes six months late delivers its ramp six months later") {
  const Ramp<WaferRate> planned({{kStart, 100 * wafer / week}, {kStart + 52 * week, 200 * wafer / week}});
  const Ramp<WaferRate> late = delayed(planned, kStart + 26 * week, 26 * week);
  CHECK(late.at(kStart + 26 * week).in(wafer / week) == Approx(150));
  CHECK(late.at(kStart + 52 * week).in(wafer / week) == Approx(150));
  CHECK(late.at(kStart + 78 * week).in(wafer / week) == Approx(200));
}

TEST_CASE("a trade stop takes a company's share and its memory") {
  ChainSpec spec = stocked();
  spec.shocks = {shock(ShockKind::trade_stop, 10, 5)};
  spec.shocks[0].company = "v";
  ChainRun run(spec);
  run.run();
  CHECK(run.started(0, 9) == Approx(1000));
  CHECK(run.started(0, 12) == Approx(0).margin(1e-6));
  CHECK(run.started(0, 16) == Approx(1000));

  ChainSpec memory = tiny_spec();
  memory.shocks = {shock(ShockKind::trade_stop, 30, 100, {"maker"})};
  memory.shocks[0].company = "v";
  ChainRun cut(memory);
  cut.run();
  CHECK(cut.started(0, 29) > 0);
  CHECK(cut.started(0, 31) == 0);
  CHECK(cut.limit(0, 31) == Limit::memory);
}

TEST_CASE("what is finished during a ban is held, and comes when it ends") {
  ChainSpec spec = stocked();
  spec.shocks = {shock(ShockKind::ban, 20, 10, {})};
  spec.shocks[0].accelerator = "a";
  ChainRun run(spec);
  run.run();
  const auto weeks = run.by_week(0);
  CHECK(weeks[19] == Approx(720));
  for (int week = 20; week < 30; ++week) CHECK(weeks[static_cast<std::size_t>(week)] == 0);
  // Starts of weeks 13 to 19 were on their way: 7 x 720.
  CHECK(weeks[30] == Approx(7 * 720.0));
  CHECK(run.started(0, 25) == 0);
  CHECK(run.worst_balance() < 1e-9);
}

TEST_CASE("a yield excursion costs good dies") {
  ChainSpec spec = tiny_spec();
  spec.shocks = {shock(ShockKind::yield_excursion, 0, 500, {"node"})};
  spec.shocks[0].loss = 0.25;
  ChainRun run(spec), base(tiny_spec());
  run.run();
  base.run();
  const auto& a = run.chain().accounts()[0];
  CHECK(a.dies_finished == Approx(a.wafers_finished * 60 * 0.75));
  CHECK(base.chain().accounts()[0].dies_finished == Approx(base.chain().accounts()[0].wafers_finished * 60));
}

TEST_CASE("a line that binds is expanded by the rule, once a project is full") {
  ChainSpec spec = stocked();
  spec.end = kStart + 104 * week;
  Expansion expansion{.line = "family", .review = 13 * week, .build_time = 20 * week, .ramp_time = 10 * week, .capacity = 50 * wafer / week};
  expansion.max_projects = 2;
  spec.expansions = {expansion};
  ChainRun run(spec);
  run.run();
  REQUIRE(run.chain().projects().size() == 2);
  CHECK(week_of(run.chain().projects()[0].decided) == 13);
  CHECK(week_of(run.chain().projects()[1].decided) == 43);
  CHECK(run.started(0, 33) == Approx(1000));
  CHECK(run.started(0, 43) == Approx(1500));
  CHECK(run.started(0, 80) == Approx(2000));

  // A plan is built whether it binds or not; a line that does not bind is not expanded by rule.
  spec.expansions[0].decided = kStart + 5 * week;
  spec.expansions.push_back({.line = "maker", .build_time = 1 * week, .capacity = 1 * wafer / week});
  ChainRun planned(spec);
  planned.run();
  REQUIRE(planned.chain().projects().size() == 1);
  CHECK(planned.started(0, 35) == Approx(1500));
}

TEST_CASE("idle shares are lost, released, or shared out, by the line's policy") {
  // Vendor "v" has half of 2,000 packages a week and all it needs; "w" has the other half and no dies.
  const auto started = [](Allocation allocation, std::vector<std::string> priority = {}, double dies_of_w = 0) {
    ChainSpec spec = tiny_spec();
    spec.end = kStart + 3 * week;
    spec.products.push_back(tiny_product("b", "w"));
    spec.packaging[0].customer_shares["w"] = Ramp<double>::constant(0.5);
    spec.packaging[0].allocation = allocation;
    spec.packaging[0].priority = std::move(priority);
    spec.stocks = {stacks_for("v", 1e6), stacks_for("w", 1e6), dies_of("a", 1e5), dies_of("b", dies_of_w)};
    ChainRun run(spec);
    run.run();
    return std::pair{run.started(0, 0), run.started(1, 0)};
  };
  CHECK(started(Allocation::agreement).first == Approx(1000));
  CHECK(started(Allocation::release).first == Approx(2000));
  CHECK(started(Allocation::pro_rata).first == Approx(2000));
  // With 200,000 dies against 100,000: 2 to 1.
  CHECK(started(Allocation::pro_rata, {}, 2e5).second == Approx(4000 / 3.0));
  CHECK(started(Allocation::agreement, {}, 3e5).second == Approx(1000));
  CHECK(started(Allocation::release, {}, 3e5).second == Approx(1000));
  CHECK(started(Allocation::priority, {"w", "v"}, 500).second == Approx(500));
  CHECK(started(Allocation::priority, {"w", "v"}, 500).first == Approx(1500));
  CHECK(started(Allocation::priority, {"w"}, 3e5).first == Approx(0).margin(1e-9));
}

TEST_CASE("events of chance come as often as their rate says, and depend on the stream alone") {
  const Risk quake{{.kind = ShockKind::earthquake, .date = {}, .duration = 1 * week, .loss = 0.5, .lines = {"family"}}, 2 / year};
  const Date end = kStart + 2000 * year;
  const auto events = draw_events({quake}, kStart, end, RandomStream(3, "events"));
  // 4,000 expected, standard deviation 63.
  CHECK(std::abs(static_cast<double>(events.size()) - 4000) < 4 * 63);
  for (std::size_t i = 1; i < events.size(); ++i) REQUIRE(events[i - 1].date < events[i].date);
  CHECK(events.back().date < end);
  CHECK(draw_events({quake}, kStart, end, RandomStream(3, "events")).size() == events.size());
  CHECK(draw_events({{quake.event, Frequency{}}}, kStart, end, RandomStream(3, "events")).empty());
}

namespace {

/// Starts of a week of two vendors with half a line of 2,000 packages each, and dies for as many as they like.
std::pair<double, double> started_by(AllocationRule rule) {
  ChainSpec spec = tiny_spec();
  spec.end = kStart + 3 * week;
  spec.products.push_back(tiny_product("b", "w"));
  spec.packaging[0].customer_shares["w"] = Ramp<double>::constant(0.5);
  spec.packaging[0].prepaid = {{"w", 7 * usd}};
  spec.stocks = {stacks_for("v", 1e6), stacks_for("w", 1e6), dies_of("a", 1e5), dies_of("b", 1000)};
  spec.allocation_rule = std::move(rule);
  ChainRun run(spec);
  run.run();
  return {run.started(0, 0), run.started(1, 0)};
}

}  // namespace

TEST_CASE("a rule of the caller's own shares out a line, and nobody gets more than it can use") {
  // 100 wafers of 20 packages. "v" could use 5,000 wafers and "w", with 1,000 dies, 50.
  AllocationCase seen;
  std::vector<std::string> names;
  const auto [v, w] = started_by([&](const AllocationCase& question) {
    if (names.empty()) {
      seen = question;
      for (const auto& order : question.orders) names.emplace_back(order.who);
    }
    return std::vector{0.3, 0.7};
  });
  CHECK(v == Approx(0.3 * 2000));
  CHECK(w == Approx(1000));  // of 1,400 granted
  CHECK(names == std::vector<std::string>{"v", "w"});
  CHECK(seen.date == kStart);
  CHECK(seen.supply == Approx(100));
  REQUIRE(seen.orders.size() == 2);
  CHECK(seen.orders[0].wanted == Approx(5000));
  CHECK(seen.orders[1].wanted == Approx(50));
  CHECK(seen.orders[0].share == Approx(0.5));
  CHECK(seen.orders[1].prepaid.in(usd) == Approx(7));
}

TEST_CASE("an answer of a rule that breaks the contract ends the run and says why") {
  using Catch::Contains;
  CHECK_THROWS_WITH(started_by([](const AllocationCase&) { return std::vector{0.5}; }), Contains("the allocation rule gave 1 parts for family on 2024-01-01; it has to give each of 2 orders"));
  CHECK_THROWS_WITH(started_by([](const AllocationCase&) { return std::vector{-0.1, 0.5}; }), Contains("gave v the part -0.1"));
  CHECK_THROWS_WITH(started_by([](const AllocationCase&) { return std::vector{0.6, 0.5}; }), Contains("parts that come to 1.1"));
  CHECK_THROWS_WITH(started_by([](const AllocationCase&) { return std::vector{0.5, std::nan("")}; }), Contains("gave w the part nan"));
}
