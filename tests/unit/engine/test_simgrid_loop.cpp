// SPDX-License-Identifier: Apache-2.0
// Each case runs in children, for a process holds one SimGrid engine only.
#include <fmt/format.h>
#include <signal.h>

#include <bit>
#include <catch2/catch.hpp>
#include <functional>
#include <simgrid/s4u.hpp>

#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/engine/child.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"

namespace {

using namespace waferwatt::engine;
namespace s4u = simgrid::s4u;

const ChildLimits kLimits{.timeout = std::chrono::seconds(120)};

// A random workload with ties, zero delays and delays of very different sizes; hashes all it sees.
class Chaos : public EventHandler {
 public:
  Chaos(std::uint64_t seed, std::uint64_t events) : state_(seed), left_(events) {}

  void start(EventLoop& loop, std::uint32_t live) {
    for (std::uint32_t i = 0; i < live; ++i) loop.at(delay(), i % 3, i, state_);
  }

  void handle(const Event& event, EventLoop& loop) override {
    if (loop.now() != event.time) throw std::logic_error("now() is not the event's time");
    ++count;
    for (const std::uint64_t part : {std::bit_cast<std::uint64_t>(event.time), event.sequence,
                                     std::uint64_t{event.kind}, std::uint64_t{event.target}, event.payload}) {
      hash = (hash ^ part) * 0x100000001b3ULL;
    }
    if (left_ == 0) return;
    --left_;
    loop.after(delay(), event.kind, event.target, random());
    if (random() % 16 == 0 && left_ > 0) {
      --left_;
      loop.at(loop.now(), 7, event.target, 0);
    }
  }

  std::string summary(const EventLoop& loop) const {
    return fmt::format("{} events, hash {:016x}, end {:a}", count, hash, loop.now());
  }

  std::uint64_t hash = 0xcbf29ce484222325ULL;
  std::uint64_t count = 0;

 private:
  std::uint64_t random() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return state_ >> 20;
  }
  double delay() {
    const std::uint64_t draw = random();
    const double size = static_cast<double>(draw >> 16);
    switch (draw % 4) {
      case 0:
        return static_cast<double>(draw % 5);  // ties
      case 1:
        return size * 1e-14;  // microseconds
      case 2:
        return size * 1e-9 / 3.0;
      default:
        return 0.1 * static_cast<double>(draw % 7);  // sums that round
    }
  }
  std::uint64_t state_;
  std::uint64_t left_;
};

class Script : public EventHandler {
 public:
  explicit Script(std::function<void(const Event&, EventLoop&)> body) : body_(std::move(body)) {}
  void handle(const Event& event, EventLoop& loop) override { body_(event, loop); }

 private:
  std::function<void(const Event&, EventLoop&)> body_;
};

template <typename Loop>
std::string chaos(std::uint64_t seed, std::uint64_t events, std::uint32_t live) {
  Loop loop;
  Chaos workload(seed, events);
  workload.start(loop, live);
  loop.run_until(1.0 / 3.0, workload);
  const double middle = loop.now();
  loop.run(workload);
  return fmt::format("{:a} {}", middle, workload.summary(loop));
}

struct Pair {
  s4u::Host* from;
  s4u::Host* to;
};

// 1e9 bytes take one second.
Pair make_pair() {
  auto* zone = s4u::create_full_zone("zone");
  auto* a = zone->create_host("a", 1e9);
  auto* b = zone->create_host("b", 1e9);
  auto* link = zone->create_link("link", 1e9)->set_latency(0);
  zone->add_route(a->get_netpoint(), b->get_netpoint(), nullptr, nullptr, {s4u::LinkInRoute(link)}, true);
  zone->seal();
  return {a, b};
}

s4u::CommPtr send(const Pair& pair, std::uint64_t bytes) {
  auto comm = s4u::Comm::sendto_init(pair.from, pair.to);
  comm->set_payload_size(bytes);
  comm->start();
  return comm;
}

}  // namespace

TEST_CASE("SimGrid's loop and the bare loop hand out the same events at the same times") {
  for (const auto& [seed, events, live] :
       {std::tuple{1ULL, 5000ULL, 1u}, {2ULL, 20000ULL, 64u}, {3ULL, 50000ULL, 1024u}}) {
    const std::string bare = chaos<BareLoop>(seed, events, live);
    REQUIRE(run_in_child("simgrid", kLimits, [&] { return chaos<SimgridLoop>(seed, events, live); }) == bare);
    REQUIRE(bare.find(fmt::format(" {} events", events + live)) != std::string::npos);
  }
}

TEST_CASE("a million events pass through both loops") {
  const std::string bare = chaos<BareLoop>(4, 1'000'000, 1024);
  REQUIRE(run_in_child("simgrid", kLimits, [] { return chaos<SimgridLoop>(4, 1'000'000, 1024); }) == bare);
}

TEST_CASE("world scale: ten years in seconds keep their exact times") {
  const auto years = [](EventLoop& loop) {
    double sum = 0;
    Script script([&](const Event& event, EventLoop& at) {
      if (at.now() != event.time) throw std::logic_error("inexact");
      sum += event.time;
      if (event.time < 3.15e8) at.after(86400.0 / 7 * (1 + event.target % 3), 0, event.target + 1);
    });
    loop.at(0.1, 0);
    loop.run(script);
    return fmt::format("{:a} {:a}", sum, loop.now());
  };
  BareLoop bare;
  REQUIRE(run_in_child("years", kLimits, [&] {
            SimgridLoop loop;
            return years(loop);
          }) == years(bare));
}

TEST_CASE("stop and exceptions leave SimGrid's run, and a later run goes on") {
  const std::string seen = run_in_child("stop", kLimits, [] {
    SimgridLoop loop;
    std::string text;
    Script script([&](const Event& event, EventLoop& at) {
      text += fmt::format("{} ", event.target);
      if (event.target == 2) at.stop();
      if (event.target == 3) throw std::runtime_error("three");
    });
    for (std::uint32_t i = 1; i <= 4; ++i) loop.at(i, 0, i);
    loop.run(script);
    text += fmt::format("stopped at {} ", loop.now());
    try {
      loop.run(script);
    } catch (const std::runtime_error& problem) {
      text += fmt::format("threw {} at {} ", problem.what(), loop.now());
    }
    loop.run(script);
    loop.run_until(10.0, script);
    return text + fmt::format("end {}", loop.now());
  });
  REQUIRE(seen == "1 2 stopped at 2 3 threw three at 3 4 end 10");
}

TEST_CASE("a second loop in a process is refused") {
  REQUIRE(run_in_child("two", kLimits, [] {
            { const SimgridLoop first; }
            try {
              const SimgridLoop second;
            } catch (const std::logic_error& problem) {
              return std::string(problem.what());
            }
            return std::string("accepted");
          }) == "a second SimgridLoop in one process: run each scenario in a child of its own");
}

TEST_CASE("SimGrid's signal handlers are taken out again") {
  REQUIRE(run_in_child("signals", kLimits, [] {
            const auto mine = [](int) {};
            ::signal(SIGINT, mine);
            const SimgridLoop loop;
            struct sigaction interrupt {
            }, fault{}, bus{};
            sigaction(SIGINT, nullptr, &interrupt);
            sigaction(SIGSEGV, nullptr, &fault);
            sigaction(SIGBUS, nullptr, &bus);
            return fmt::format("{} {} {}", interrupt.sa_handler == static_cast<void (*)(int)>(mine),
                               fault.sa_handler == SIG_DFL, bus.sa_handler == SIG_DFL);
          }) == "true true true");
}

TEST_CASE("flows and events share one clock") {
  const std::string seen = run_in_child("flows", kLimits, [] {
    SimgridLoop loop;
    const Pair pair = make_pair();
    std::string text;
    std::vector<s4u::CommPtr> alive;
    s4u::Activity::on_completion_cb([&](const s4u::Activity&) {
      text += fmt::format("flow {:g}; ", loop.now());
      loop.after(0.0, 1, 8);
      loop.after(0.25, 1, 9);
    });
    Script script([&](const Event& event, EventLoop& at) {
      text += fmt::format("{} {:g}; ", event.target, at.now());
      if (event.target == 1) alive.push_back(send(pair, 1'000'000'000));
      if (event.target == 3) at.stop();
      if (event.target == 4) throw std::runtime_error("four");
    });
    loop.at(0.5, 0, 1);
    loop.run_until(1.0, script);  // the flow runs from 0.5 to 1.5
    text += fmt::format("until {:g}; ", loop.now());
    loop.at(1.25, 0, 3);
    loop.run(script);
    text += fmt::format("stopped {:g}; ", loop.now());
    loop.at(2.0, 0, 5);
    loop.at(1.5, 0, 4);  // throws at the instant when the flow ends
    try {
      loop.run(script);
    } catch (const std::runtime_error&) {
      text += "threw; ";
    }
    loop.run(script);
    return text;
  });
  REQUIRE(seen == "1 0.5; until 1; 3 1.25; stopped 1.25; 4 1.5; threw; flow 1.5; 8 1.5; 9 1.75; 5 2; ");
}

TEST_CASE("an abort inside SimGrid becomes an error with its text") {
  REQUIRE_THROWS_WITH(run_in_child("off", kLimits,
                                   [] {
                                     SimgridLoop loop;
                                     const Pair pair = make_pair();
                                     pair.from->turn_off();
                                     send(pair, 10);
                                     return std::string();
                                   }),
                      Catch::Matchers::StartsWith("scenario \"off\" crashed with signal 6 (Aborted): "));
}

TEST_CASE("a child may run the loop that its warm parent built") {
  const std::string seen = run_in_child("warm parent", kLimits, [] {
    SimgridLoop loop;
    const Pair pair = make_pair();
    std::vector<ChildTask> tasks;
    for (std::uint32_t i = 1; i <= 4; ++i) {
      tasks.push_back({"child", [&, i](ProgressSink&) {
                         const auto comm = send(pair, i * 1'000'000'000ULL);
                         Script script([](const Event&, EventLoop&) {});
                         loop.run(script);
                         return fmt::format("{:g}", loop.now());
                       }});
    }
    std::string text;
    for (const ChildResult& result : run_children(tasks, 2, kLimits)) text += result.value() + " ";
    return text;
  });
  REQUIRE(seen == "1 2 3 4 ");
}
