// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <set>

#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/engine/child.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"

namespace {

using namespace waferwatt::engine;

class Walk : public EventHandler {
 public:
  explicit Walk(std::uint64_t seed) : state_(seed) {}
  void handle(const Event& event, EventLoop& loop) override {
    hash = (hash ^ state_ ^ static_cast<std::uint64_t>(loop.now() * 1e6)) * 0x100000001b3ULL;
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    if (loop.now() < 50) loop.after(static_cast<double>(state_ >> 40) * 0x1p-26, event.kind, event.target);
  }
  std::uint64_t hash = 1;

 private:
  std::uint64_t state_;
};

std::vector<ChildTask> walks(std::size_t count) {
  std::vector<ChildTask> tasks;
  for (std::size_t i = 0; i < count; ++i) {
    tasks.push_back({fmt::format("walk {}", i), [i](ProgressSink&) {
                       SimgridLoop loop;
                       Walk walk(i);
                       for (std::uint32_t target = 0; target < 8; ++target) loop.at(target, 0, target);
                       loop.run(walk);
                       return fmt::format("{} {:016x}", i, walk.hash);
                     }});
  }
  return tasks;
}

std::string joined(const std::vector<ChildResult>& results) {
  std::string text;
  for (const ChildResult& result : results) text += result.value() + "\n";
  return text;
}

}  // namespace

TEST_CASE("64 children on 2 jobs return in task order, whoever ends first") {
  std::vector<ChildTask> tasks;
  for (std::size_t i = 0; i < 64; ++i) {
    tasks.push_back({"task", [i](ProgressSink&) {
                       usleep(static_cast<useconds_t>((i * 7919) % 5 * 2000));
                       return std::to_string(i);
                     }});
  }
  std::set<std::size_t> done;
  std::vector<std::size_t> order;
  const auto results = run_children(tasks, 2, {}, {.on_done = [&](std::size_t index, const ChildResult& result) {
                                      REQUIRE(result.value() == std::to_string(index));
                                      order.push_back(index);
                                      done.insert(index);
                                    }});
  REQUIRE(results.size() == 64);
  REQUIRE(done.size() == 64);
  REQUIRE_FALSE(std::is_sorted(order.begin(), order.end()));
  for (std::size_t i = 0; i < 64; ++i) REQUIRE(results[i].value() == std::to_string(i));
}

TEST_CASE("same seed, same bytes, on any number of workers") {
  const std::string one = joined(run_children(walks(16), 1, {}));
  REQUIRE(joined(run_children(walks(16), 1, {})) == one);
  REQUIRE(joined(run_children(walks(16), 2, {})) == one);
  REQUIRE(joined(run_children(walks(16), 16, {})) == one);
}

TEST_CASE("a failure stays with its task") {
  std::vector<ChildTask> tasks{{"good", [](ProgressSink&) { return std::string("fine"); }},
                               {"crash", [](ProgressSink&) -> std::string { std::abort(); }},
                               {"slow",
                                [](ProgressSink&) -> std::string {
                                  for (;;) pause();
                                }},
                               {"typed", [](ProgressSink&) -> std::string { throw ChildFailure("typed", "payload"); }},
                               {"good too", [](ProgressSink& sink) {
                                  sink.progress(0.5, "half");
                                  return std::string("fine too");
                                }}};
  std::string progress;
  const auto results = run_children(tasks, 2, {.timeout = std::chrono::milliseconds(300)},
                                    {.on_progress = [&](std::size_t index, double fraction, const std::string& text) {
                                      progress += fmt::format("{} {} {}", index, fraction, text);
                                    }});
  REQUIRE(results[0].ok());
  REQUIRE(results[0].bytes == "fine");
  REQUIRE_THROWS_WITH(results[1].value(), "scenario \"crash\" crashed with signal 6 (Aborted)");
  REQUIRE_THROWS_AS(results[2].value(), ChildError);
  REQUIRE_THROWS_AS(results[3].value(), ChildFailure);
  REQUIRE(results[4].bytes == "fine too");
  REQUIRE(progress == "4 0.5 half");
}

TEST_CASE("no task, no job, and a callback that throws") {
  REQUIRE(run_children({}, 2, {}).empty());
  REQUIRE_THROWS_AS(run_children({}, 0, {}), std::logic_error);
  std::vector<ChildTask> tasks{{"quick", [](ProgressSink&) { return std::string(); }},
                               {"slow", [](ProgressSink&) -> std::string {
                                  for (;;) pause();
                                }}};
  const ChildCallbacks callbacks{
      .on_done = [](std::size_t, const ChildResult&) { throw std::runtime_error("enough"); }};
  REQUIRE_THROWS_WITH(run_children(tasks, 2, {}, callbacks), "enough");
  REQUIRE(waitpid(-1, nullptr, WNOHANG) == -1);
}
