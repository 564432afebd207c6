// SPDX-License-Identifier: Apache-2.0
// The step as a graph agrees with the timeline.
#include "waferwatt/training/step_graph.hpp"

#include <catch2/catch.hpp>

using namespace waferwatt;
using namespace waferwatt::training;

namespace {

Plan plan_of(Schedule schedule, std::int64_t interleave = 1) {
  return {.parallel = {1, 1, 4, 1}, .global_batch = 12, .micro_batch = 1, .sequence_length = 128, .schedule = schedule, .interleave = interleave};
}

}  // namespace

TEST_CASE("the longest path of the graph is the timeline, and its passes have no slack") {
  for (const auto schedule : {Schedule::gpipe, Schedule::one_forward_one_backward, Schedule::interleaved,
                              Schedule::zero_bubble_h1, Schedule::zero_bubble_v, Schedule::dual_pipe}) {
    const Plan plan = plan_of(schedule, schedule == Schedule::interleaved ? 2 : 1);
    std::vector<ChunkTimes> chunks(static_cast<std::size_t>(4 * plan.n_chunks()), {1 * second, 1.2 * second, 0.8 * second});
    chunks[1].forward = 1.5 * second;  // an uneven stage
    const Time send = 0.05 * second;
    const auto line = timeline(plan, chunks, send);
    const auto graph = step_graph(plan, line, send);
    CHECK(graph.length.in(second) == Approx(line.length.in(second)));
    REQUIRE_FALSE(graph.longest_path.empty());
    for (const std::size_t i : graph.longest_path) CHECK(graph.passes[i].slack().in(second) == Approx(0).margin(1e-9));
    for (std::size_t i = 0; i < line.tasks.size(); ++i) {
      CHECK(graph.passes[i].slack().in(second) > -1e-9);
      CHECK(graph.passes[i].earliest_start.in(second) == Approx(line.tasks[i].start.in(second)).margin(1e-9));
    }
    CHECK(graph.n_edges >= line.tasks.size() - 4);
  }
}

TEST_CASE("two stages and one micro-batch: each pass waits for the one before it") {
  const Plan plan{.parallel = {1, 1, 2, 1}, .global_batch = 1, .micro_batch = 1, .sequence_length = 128};
  const std::vector<ChunkTimes> chunks(2, {1 * second, 1 * second, 1 * second});
  const auto line = timeline(plan, chunks, 0.5 * second);
  const auto graph = step_graph(plan, line, 0.5 * second);
  CHECK(graph.length.in(second) == Approx(2 * (1 + 2) + 2 * 0.5));
  CHECK(graph.longest_path.size() == 4);
}
