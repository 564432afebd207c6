// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/engine/child.hpp"
#include "waferwatt/engine/fluid_flows.hpp"
#include "waferwatt/engine/simgrid_flows.hpp"

using namespace waferwatt::engine;

namespace {

constexpr ChildLimits kLimits{std::chrono::seconds(60), 0};
constexpr std::uint32_t kEnded = 1, kDo = 2;

/// A script of flows: what happens when, and the instants at which flows end.
struct Stage : EventHandler {
  Stage(EventLoop& loop, FlowNetwork& network) : loop(loop), flows(network) {}
  void at(double time, std::function<void()> action) {
    loop.at(time, kDo, static_cast<std::uint32_t>(actions.size()));
    actions.push_back(std::move(action));
  }
  FlowNetwork::FlowId start(std::uint32_t name, std::vector<LinkUse> uses, double bytes, double latency = 0) {
    return flows.start(uses, bytes, latency, {kEnded, name, 0});
  }
  void handle(const Event& event, EventLoop&) override {
    if (flows.handle(event)) return;
    if (event.kind == kDo) return actions[event.target]();
    ended[event.target] = event.time;
  }
  EventLoop& loop;
  FlowNetwork& flows;
  std::vector<std::function<void()>> actions;
  std::map<std::uint32_t, double> ended;
};

using Play = std::function<void(Stage&)>;

std::map<std::uint32_t, double> play_fluid(const std::vector<double>& capacities, const Play& play) {
  BareLoop loop;
  FluidFlows flows(loop, capacities);
  Stage stage(loop, flows);
  play(stage);
  loop.run(stage);
  return stage.ended;
}

/// In a child: a process has one SimGrid.
std::map<std::uint32_t, double> play_simgrid(const std::vector<double>& capacities, const Play& play) {
  const std::string bytes = run_in_child("simgrid flows", kLimits, [&] {
    SimgridLoop loop;
    SimgridFlows flows(loop, capacities);
    Stage stage(loop, flows);
    play(stage);
    loop.run(stage);
    std::string text;
    for (const auto& [name, time] : stage.ended) text += fmt::format("{} {:.17g} ", name, time);
    return text;
  });
  std::map<std::uint32_t, double> ended;
  std::uint32_t name = 0;
  double time = 0;
  int n_read = 0;
  for (const char* at = bytes.c_str(); std::sscanf(at, "%u %lf %n", &name, &time, &n_read) == 2; at += n_read)
    ended[name] = time;
  return ended;
}

/// Both networks end the flows at these instants, to 1e-9.
void require_ends(const std::vector<double>& capacities, const Play& play,
                  const std::map<std::uint32_t, double>& expected) {
  for (const auto& [solver, ended] : {std::pair{"own", play_fluid(capacities, play)},
                                      std::pair{"SimGrid", play_simgrid(capacities, play)}}) {
    INFO(solver);
    REQUIRE(ended.size() == expected.size());
    for (const auto& [name, time] : expected) {
      INFO("flow " << name);
      CHECK(ended.at(name) == Approx(time).epsilon(1e-9));
    }
  }
}

}  // namespace

TEST_CASE("a flow alone takes its latency and its bytes over the narrowest link") {
  // 2 us + 1 MB / 50 GB/s = 22 us; the 100 GB/s link does not matter.
  require_ends({50e9, 100e9}, [](Stage& s) { s.start(1, {{0}, {1}}, 1e6, 2e-6); }, {{1, 22e-6}});
  // Weight 3 on the 100 GB/s link: 100/3 GB/s is less than 50.
  require_ends({50e9, 100e9}, [](Stage& s) { s.start(1, {{0}, {1, 3}}, 1e6); }, {{1, 30e-6}});
  // The same link three times is weight 3.
  require_ends({50e9}, [](Stage& s) { s.start(1, {{0}, {0}, {0}}, 1e6); }, {{1, 60e-6}});
}

TEST_CASE("flows share as max-min says, whatever their latencies") {
  // Both meet on link 0. From 4 us flow 1 has it alone, from 8 us both have 25 GB/s: by 8 us flow 1 moved
  // 200 kB, its other 800 kB end at 8 + 32 = 40 us; by then flow 2 moved 800 kB, the rest ends at 44 us.
  require_ends({50e9},
               [](Stage& s) {
                 s.start(1, {{0}}, 1e6, 4e-6);
                 s.start(2, {{0}}, 1e6, 8e-6);
               },
               {{1, 40e-6}, {2, 44e-6}});
}

TEST_CASE("a flow held back elsewhere leaves its share to others") {
  // Links of 10, 10 and 2 B/us. Flow 1 uses A, flow 2 uses A and C, flow 3 uses B and C. C is the
  // narrowest per flow: flows 2 and 3 get 1, flow 1 gets 9. Flow 1 ends its 90 at 10; 2 and 3 end 10 at 10.
  require_ends({10e6, 10e6, 2e6},
               [](Stage& s) {
                 s.start(1, {{0}}, 90);
                 s.start(2, {{0}, {2}}, 10);
                 s.start(3, {{1}, {2}}, 10);
               },
               {{1, 10e-6}, {2, 10e-6}, {3, 10e-6}});
}

TEST_CASE("a ring and a message through one of its links have half each, and the whole ring slows down") {
  // Eight links of 50 GB/s; the ring moves 50 MB, the message 25 MB. Each at 25 GB/s until 1 ms, then
  // the ring's other 25 MB at 50 GB/s: 1.5 ms.
  require_ends(std::vector<double>(8, 50e9),
               [](Stage& s) {
                 s.start(1, {{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}}, 50e6);
                 s.start(2, {{3}}, 25e6);
               },
               {{1, 1.5e-3}, {2, 1e-3}});
}

TEST_CASE("a link degraded and restored during a flow costs what it did not carry") {
  // 100 MB at 100 MB/s; half speed from 0.5 s to 1.5 s carries 50 MB: 0.5 + 1 + 0 s left -> ends 1.5 s.
  require_ends({100e6},
               [](Stage& s) {
                 s.start(1, {{0}}, 100e6);
                 s.at(0.5, [&] { s.flows.set_capacity(0, 50e6); });
                 s.at(1.5, [&] { s.flows.set_capacity(0, 100e6); });
               },
               {{1, 1.5}});
}

TEST_CASE("a flow that starts on a degraded link goes faster when the link is restored") {
  // From 0.5 s at 50 MB/s until 1.5 s: 50 MB; the other 150 MB at 100 MB/s: ends 3 s. SimGrid alone would
  // keep 50 MB/s for ever and end at 4.5 s.
  require_ends({100e6},
               [](Stage& s) {
                 s.at(0.25, [&] { s.flows.set_capacity(0, 50e6); });
                 s.at(0.5, [&] { s.start(1, {{0}}, 200e6); });
                 s.at(1.5, [&] { s.flows.set_capacity(0, 100e6); });
               },
               {{1, 3.0}});
}

TEST_CASE("a dead link stalls its flows until it is restored") {
  // Flow 1: 100 MB of its 200 MB by 1 s, nothing until 3 s, the rest by 4 s. Flow 2 starts on the dead
  // link at 2 s with a latency of 0.5 s, which is over when the link returns: both have 50 MB/s from 3 s.
  // Flow 2's 25 MB end at 3.5 s; flow 1 then has 75 MB left at 100 MB/s: 4.25 s.
  require_ends({100e6},
               [](Stage& s) {
                 s.start(1, {{0}}, 200e6);
                 s.at(1, [&] { s.flows.set_capacity(0, 0); });
                 s.at(2, [&] { s.start(2, {{0}}, 25e6, 0.5); });
                 s.at(3, [&] { s.flows.set_capacity(0, 100e6); });
               },
               {{1, 4.25}, {2, 3.5}});
}

TEST_CASE("a cancelled flow tells what is left, and its share goes to the others") {
  // Two flows at 50 MB/s each; at 1 s the first has 50 of 100 MB left; the second's other 50 MB then take
  // 0.5 s.
  const Play play = [](Stage& s) {
    const auto first = s.start(1, {{0}}, 100e6);
    s.start(2, {{0}}, 100e6);
    s.at(1, [&s, first] { REQUIRE(s.flows.cancel(first) == Approx(50e6)); });
  };
  require_ends({100e6}, play, {{2, 1.5}});
}

TEST_CASE("a flow without bytes takes its latency") {
  require_ends({100e6}, [](Stage& s) { s.start(1, {{0}}, 0, 3e-6); s.start(2, {}, 5, 4e-6); }, {{1, 3e-6}, {2, 4e-6}});
}

TEST_CASE("our solver and SimGrid's agree on random flows") {
  // 60 flows over 12 links, whole weights, starting at random, two links changing.
  std::uint64_t state = 12345;
  const auto random = [&state](std::uint64_t n) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % n;
  };
  struct Spec {
    double time, bytes, latency;
    std::vector<LinkUse> uses;
  };
  std::vector<double> capacities;
  for (int i = 0; i < 12; ++i) capacities.push_back(1e6 * static_cast<double>(1 + random(9)));
  std::vector<Spec> specs;
  for (int i = 0; i < 60; ++i) {
    Spec spec{0.01 * static_cast<double>(random(100)), 1e4 * static_cast<double>(1 + random(100)),
              0.001 * static_cast<double>(random(5)), {}};
    for (std::uint64_t n = 1 + random(4); n > 0; --n)
      spec.uses.push_back({static_cast<std::uint32_t>(random(12)), static_cast<double>(1 + random(3))});
    specs.push_back(std::move(spec));
  }
  const Play play = [&](Stage& s) {
    for (std::uint32_t i = 0; i < specs.size(); ++i)
      s.at(specs[i].time, [&s, &specs, i] { s.start(i, specs[i].uses, specs[i].bytes, specs[i].latency); });
    s.at(0.3, [&s] { s.flows.set_capacity(3, 0.5e6); });
    s.at(0.9, [&s, &capacities] { s.flows.set_capacity(3, capacities[3]); });
    s.at(0.4, [&s] { s.flows.set_capacity(5, 0); });
    s.at(0.8, [&s, &capacities] { s.flows.set_capacity(5, capacities[5]); });
  };
  const auto own = play_fluid(capacities, play), simgrid = play_simgrid(capacities, play);
  REQUIRE(own.size() == specs.size());
  REQUIRE(simgrid.size() == specs.size());
  for (const auto& [name, time] : own) CHECK(simgrid.at(name) == Approx(time).epsilon(1e-6));
}

TEST_CASE("what links have carried is what flows have moved over them") {
  BareLoop loop;
  FluidFlows flows(loop, {10, 20, 5});
  Stage stage(loop, flows);
  stage.start(1, {{0}, {1, 0.5}}, 100);
  const auto cut = stage.start(2, {{2}}, 100);
  stage.at(4, [&] { stage.flows.cancel(cut); });  // at 5 B/s: 20 B
  loop.run(stage);
  REQUIRE(flows.carried(0) == Approx(100));
  REQUIRE(flows.carried(1) == Approx(50));
  REQUIRE(flows.carried(2) == Approx(20));
  REQUIRE(flows.n_alive() == 0);
}

TEST_CASE("a flow over a link that stays dead is still alive when the loop has run dry") {
  BareLoop loop;
  FluidFlows flows(loop, {0});
  Stage stage(loop, flows);
  stage.start(1, {{0}}, 1);
  loop.run(stage);
  REQUIRE(stage.ended.empty());
  REQUIRE(flows.n_alive() == 1);
}

TEST_CASE("what makes no sense of a flow is refused") {
  using Catch::Matchers::Contains;
  BareLoop loop;
  FluidFlows flows(loop, {1, 1});
  const auto start = [&](LinkUse use, double bytes, double latency) {
    flows.start(std::vector<LinkUse>{use}, bytes, latency, {kEnded});
  };
  REQUIRE_THROWS_WITH(start({2}, 1, 0), "link 2 of 2");
  REQUIRE_THROWS_WITH(start({0, 0}, 1, 0), Contains("weight must be finite and above zero, not 0"));
  REQUIRE_THROWS_WITH(start({0}, -1, 0), Contains("bytes must be finite and not negative, not -1"));
  REQUIRE_THROWS_WITH(start({0}, 1, -1), Contains("latency must be finite and not negative, not -1"));
  REQUIRE_THROWS_WITH(flows.set_capacity(0, -2), Contains("capacity must be finite and not negative, not -2"));
  REQUIRE_THROWS_WITH(flows.set_capacity(7, 1), "link 7 of 2");
  REQUIRE_THROWS_WITH(flows.cancel(5), "flow 5 is not alive");
  REQUIRE_FALSE(SimgridFlows::takes(std::vector<LinkUse>{{0, 0.5}}));
  REQUIRE_FALSE(SimgridFlows::takes(std::vector<LinkUse>{{0, 1025}}));
  REQUIRE(SimgridFlows::takes(std::vector<LinkUse>{{0, 64}}));
}
