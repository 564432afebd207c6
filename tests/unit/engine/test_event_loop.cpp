// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "waferwatt/engine/bare_loop.hpp"

namespace {

using namespace waferwatt::engine;

class Script : public EventHandler {
 public:
  explicit Script(std::function<void(const Event&, EventLoop&)> body) : body_(std::move(body)) {}
  void handle(const Event& event, EventLoop& loop) override {
    REQUIRE(loop.now() == event.time);
    seen.push_back(event);
    if (body_) body_(event, loop);
  }
  std::vector<Event> seen;

 private:
  std::function<void(const Event&, EventLoop&)> body_;
};

std::vector<std::uint32_t> targets(const std::vector<Event>& events) {
  std::vector<std::uint32_t> found;
  for (const Event& event : events) found.push_back(event.target);
  return found;
}

}  // namespace

TEST_CASE("the queue sorts by time, ties first in first out, as a stable sort does") {
  std::mt19937_64 random(1);
  EventQueue queue;
  std::vector<Event> expected;
  for (std::uint32_t i = 0; i < 20000; ++i) {
    const double time = static_cast<double>(random() % 500) / 7.0;
    queue.push(time, 1, i, 2);
    expected.push_back({time, i, 1, i, 2});
  }
  std::stable_sort(expected.begin(), expected.end(), [](const Event& a, const Event& b) { return a.time < b.time; });
  REQUIRE(queue.size() == expected.size());
  for (const Event& event : expected) {
    REQUIRE(queue.top().target == event.target);
    const Event popped = queue.pop();
    REQUIRE(popped.target == event.target);
    REQUIRE(popped.time == event.time);
    REQUIRE(popped.payload == 2);
  }
  REQUIRE(queue.empty());
}

TEST_CASE("the queue stays sorted while events come and go") {
  std::mt19937_64 random(2);
  for (const std::size_t live : {1u, 2u, 5u, 6u, 21u, 100u}) {
    EventQueue queue;
    double now = 0;
    std::uint64_t last = 0;
    for (int i = 0; i < 5000; ++i) {
      while (queue.size() < live) queue.push(now + static_cast<double>(random() % 4), 0, 0, 0);
      const Event event = queue.pop();
      REQUIRE((event.time > now || (event.time == now && (i == 0 || event.sequence > last))));
      now = event.time;
      last = event.sequence;
    }
  }
}

TEST_CASE("ties are handed out in the order of scheduling, new ones last") {
  BareLoop loop;
  Script script([](const Event& event, EventLoop& at) {
    if (event.target == 0) at.after(0.0, 0, 9);
  });
  loop.at(1.0, 0, 0);
  loop.at(1.0, 0, 1);
  loop.at(0.5, 0, 2);
  loop.at(1.0, 0, 3);
  loop.run(script);
  REQUIRE(targets(script.seen) == std::vector<std::uint32_t>{2, 0, 1, 3, 9});
  REQUIRE(loop.now() == 1.0);
}

TEST_CASE("impossible times are refused with a message") {
  BareLoop loop;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  REQUIRE_THROWS_AS(loop.at(nan, 0), std::logic_error);
  REQUIRE_THROWS_WITH(loop.at(infinity, 3, 7),
                      "event of kind 3 for target 7 cannot be scheduled at inf: the time must be finite");
  REQUIRE_THROWS_AS(loop.after(nan, 0), std::logic_error);
  REQUIRE_THROWS_AS(loop.after(infinity, 0), std::logic_error);
  REQUIRE_THROWS_AS(loop.after(-1e-300, 0), std::logic_error);
  Script script(nullptr);
  loop.run_until(2.0, script);
  REQUIRE_THROWS_WITH(loop.at(1.5, 3, 7),
                      "event of kind 3 for target 7 cannot be scheduled at 1.5: it is before now, 2");
  REQUIRE_THROWS_AS(loop.run_until(1.0, script), std::logic_error);
  REQUIRE_THROWS_AS(loop.run_until(infinity, script), std::logic_error);
  REQUIRE(loop.pending() == 0);
}

TEST_CASE("run_until includes its instant and leaves the clock there") {
  BareLoop loop;
  Script script(nullptr);
  for (std::uint32_t i = 1; i <= 4; ++i) loop.at(i, 0, i);
  loop.run_until(2.0, script);
  REQUIRE(targets(script.seen) == std::vector<std::uint32_t>{1, 2});
  loop.run_until(2.5, script);
  REQUIRE(loop.now() == 2.5);
  loop.run(script);
  REQUIRE(script.seen.size() == 4);
  loop.run_until(10.0, script);
  REQUIRE(loop.now() == 10.0);
}

TEST_CASE("stop returns after the present event and a later run goes on") {
  BareLoop loop;
  Script script([](const Event& event, EventLoop& at) {
    if (event.target == 2) at.stop();
  });
  for (std::uint32_t i = 1; i <= 4; ++i) loop.at(i, 0, i);
  loop.run_until(3.5, script);
  REQUIRE(loop.now() == 2.0);
  REQUIRE(loop.pending() == 2);
  loop.run(script);
  REQUIRE(targets(script.seen) == std::vector<std::uint32_t>{1, 2, 3, 4});
}

TEST_CASE("an exception leaves run and consumes its event only") {
  BareLoop loop;
  Script script([](const Event& event, EventLoop&) {
    if (event.target == 2) throw std::runtime_error("from the handler");
  });
  for (std::uint32_t i = 1; i <= 3; ++i) loop.at(i, 0, i);
  REQUIRE_THROWS_WITH(loop.run(script), "from the handler");
  loop.run(script);
  REQUIRE(targets(script.seen) == std::vector<std::uint32_t>{1, 2, 3});
}

TEST_CASE("a handler cannot run the loop") {
  BareLoop loop;
  Script inner(nullptr);
  Script script([&](const Event&, EventLoop& at) { at.run(inner); });
  loop.at(1.0, 0);
  REQUIRE_THROWS_AS(loop.run(script), std::logic_error);
}
