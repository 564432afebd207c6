// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/timeline.hpp"

#include <catch2/catch.hpp>

using namespace waferwatt;
using namespace waferwatt::training;

namespace {

Plan plan_of(Schedule schedule, std::int64_t stages, std::int64_t micro_batches, std::int64_t interleave = 1) {
  return {.parallel = {1, 1, stages, 1}, .global_batch = micro_batches, .schedule = schedule, .interleave = interleave};
}

std::vector<ChunkTimes> equal(const Plan& plan, double f, double b, double w) {
  const double v = static_cast<double>(plan.n_chunks());
  return std::vector<ChunkTimes>(static_cast<std::size_t>(plan.parallel.pipeline * plan.n_chunks()),
                                 {f / v * second, b / v * second, w / v * second});
}

constexpr Schedule kAll[] = {Schedule::gpipe,          Schedule::one_forward_one_backward,
                             Schedule::interleaved,    Schedule::zero_bubble_h1,
                             Schedule::zero_bubble_v,  Schedule::dual_pipe};

}  // namespace

TEST_CASE("timelines of equal stages take the closed forms") {
  const ChunkTimes stage{1 * second, 1 * second, 1 * second};
  for (const auto schedule : {Schedule::gpipe, Schedule::one_forward_one_backward, Schedule::interleaved}) {
    const auto plan = plan_of(schedule, 4, 12, 3);
    CHECK(timeline(plan, equal(plan, 1, 1, 1), {}).length.in(second) ==
          Approx(closed_form_length(plan, stage, {}).in(second)));
  }
  // With a send of 0.1 s: the first micro-batch crosses three borders down and three up.
  const auto plan = plan_of(Schedule::gpipe, 4, 12);
  CHECK(timeline(plan, equal(plan, 1, 1, 1), 0.1 * second).length.in(second) == Approx(45 + 0.6));
}

TEST_CASE("every pass of every micro-batch is done once, after those it needs") {
  for (const auto schedule : kAll) {
    const auto plan = plan_of(schedule, 4, 8, 2);
    const auto line = timeline(plan, equal(plan, 1, 1.1, 0.9), 0.05 * second);
    const bool parted = schedule >= Schedule::zero_bubble_h1;
    CHECK(line.tasks.size() == static_cast<std::size_t>(8 * 4 * plan.n_chunks() * (parted ? 3 : 2)));
    // Each stage does 8 micro-batches of 3 s, one at a time.
    for (const Time busy : line.busy) CHECK(busy.in(second) == Approx(24));
    std::vector<Time> last(4);
    for (const auto& task : line.tasks) {
      CHECK(task.start >= last[static_cast<std::size_t>(task.stage)]);
      last[static_cast<std::size_t>(task.stage)] = task.end;
    }
  }
}

TEST_CASE("the critical path has no gaps but sends") {
  const auto plan = plan_of(Schedule::one_forward_one_backward, 4, 8);
  const auto line = timeline(plan, equal(plan, 1, 1, 1), 0.25 * second);
  const auto path = line.critical_path();
  REQUIRE_FALSE(path.empty());
  CHECK(line.tasks[path.front()].start == Time{});
  CHECK(line.tasks[path.back()].end == line.length);
  Time sum;
  for (const std::size_t i : path) {
    const auto& task = line.tasks[i];
    sum += task.end - task.start + (task.waits_for_send ? 0.25 * second : Time{});
  }
  CHECK(sum.in(second) == Approx(line.length.in(second)));
}

TEST_CASE("later schedules have smaller bubbles") {
  const auto bubble = [](Schedule schedule) {
    const auto plan = plan_of(schedule, 8, 32, 2);
    const auto line = timeline(plan, equal(plan, 1, 1, 1), {});
    return (line.length - line.busy[0]).in(second);
  };
  CHECK(bubble(Schedule::one_forward_one_backward) == Approx(7 * 3));
  CHECK(bubble(Schedule::interleaved) == Approx(7 * 3 / 2.0));
  // Qi et al. 2024, table 2: (p - 1)(f + b - w) = 7 where the passes take as long; list scheduling comes near.
  CHECK(bubble(Schedule::zero_bubble_h1) >= 7);
  CHECK(bubble(Schedule::zero_bubble_h1) < 10);
  CHECK(bubble(Schedule::zero_bubble_v) < 7);
  CHECK(bubble(Schedule::dual_pipe) < 21);
}

TEST_CASE("a stage holds no more than its schedule allows") {
  const auto most = [](Schedule schedule) {
    const auto plan = plan_of(schedule, 4, 16, 2);
    return timeline(plan, equal(plan, 1, 1, 1), {}).in_flight[0];
  };
  CHECK(most(Schedule::gpipe) == 16);
  CHECK(most(Schedule::one_forward_one_backward) == 4);
  CHECK(most(Schedule::zero_bubble_h1) == 4);
  CHECK(most(Schedule::interleaved) == 11);  // ((v - 1) p + 2 (p - 1) + 1) chunks
  CHECK(most(Schedule::dual_pipe) <= 5);
  CHECK(most(Schedule::zero_bubble_v) <= 9);
}

TEST_CASE("a straggler slows all stages") {
  const auto plan = plan_of(Schedule::one_forward_one_backward, 4, 16);
  const auto even = timeline(plan, equal(plan, 1, 1, 1), {}), slow = timeline(plan, equal(plan, 1, 1, 1), {}, {1, 1.2, 1, 1});
  CHECK(slow.length > even.length);
  CHECK(slow.pacing_stage() == 1);
  CHECK(slow.length.in(second) > 1.2 * 48);
}
