// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/timeline.hpp"

#include <algorithm>
#include <cmath>

#include "earliest.hpp"
#include "stage_queue.hpp"

namespace waferwatt::training {
namespace {

/// To multiples of 2^-40 s: sums up to hours are then exact, and which of two passes is ready first does not hang on
/// the last bit of how their times were added up.
Time rounded(Time t) { return std::ldexp(std::round(std::ldexp(t.in(second), 40)), -40) * second; }

std::vector<ChunkTimes> rounded(std::vector<ChunkTimes> chunks) {
  for (auto& t : chunks) t = {rounded(t.forward), rounded(t.backward_input), rounded(t.backward_weight)};
  return chunks;
}

/// Chunks that a micro-batch passes and where, both directions of a DualPipe included.
class Route {
 public:
  explicit Route(const Plan& plan)
      : plan_(plan),
        p_(static_cast<std::int32_t>(plan.parallel.pipeline)),
        m_(static_cast<std::int32_t>(plan.n_micro_batches())),
        n_chunks_(static_cast<std::int32_t>(plan.parallel.pipeline * plan.n_chunks())) {}

  std::int32_t n_stages() const { return p_; }
  std::int32_t n_micro_batches() const { return m_; }
  std::int32_t n_chunks() const { return n_chunks_; }
  bool mirrored(std::int32_t micro_batch) const {
    return plan_.schedule == Schedule::dual_pipe && micro_batch % 2 == 1;
  }
  std::int32_t stage(std::int32_t chunk, std::int32_t micro_batch) const {
    const auto at = static_cast<std::int32_t>(stage_of_chunk(plan_, chunk));
    return mirrored(micro_batch) ? p_ - 1 - at : at;
  }

 private:
  const Plan& plan_;
  std::int32_t p_, m_, n_chunks_;
};

/// The fixed order of one stage.
std::vector<Passage> order_of_stage(const Plan& plan, const Route& route, std::int32_t stage) {
  const std::int32_t p = route.n_stages(), m = route.n_micro_batches(),
                     v = static_cast<std::int32_t>(plan.n_chunks()), total = m * v;
  // The i-th forward (backward) pass: groups of p micro-batches go through the chunks in turn.
  const auto at = [&](std::int32_t i, bool forward) -> Passage {
    if (v == 1) return {forward ? Pass::forward : Pass::backward, stage, i};
    const std::int32_t round = i / (p * v), within = i % (p * v), turn = within / p;
    return {forward ? Pass::forward : Pass::backward, (forward ? turn : v - 1 - turn) * p + stage,
            round * p + within % p};
  };
  std::int32_t warm_up = total;
  if (plan.schedule != Schedule::gpipe)
    warm_up = std::min(total, v == 1 ? p - 1 - stage : (v - 1) * p + 2 * (p - 1 - stage));
  std::vector<Passage> order;
  order.reserve(static_cast<std::size_t>(2 * total));
  for (std::int32_t i = 0; i < warm_up; ++i) order.push_back(at(i, true));
  for (std::int32_t i = warm_up; i < total; ++i) order.push_back(at(i, true)), order.push_back(at(i - warm_up, false));
  for (std::int32_t i = total - warm_up; i < total; ++i) order.push_back(at(i, false));
  return order;
}

class Execution {
 public:
  Execution(const Plan& plan, const std::vector<ChunkTimes>& chunks, Time send, const std::vector<double>& slowdown)
      : plan_(plan), chunks_(rounded(chunks)), send_(rounded(send)), slowdown_(slowdown), route_(plan), n_stages_(route_.n_stages()) {
    const auto stages = static_cast<std::size_t>(n_stages_);
    result_.busy.assign(stages, Time{});
    result_.in_flight.assign(stages, 0);
    held_.assign(stages, 0);
    held_of_chunk_.assign(2 * static_cast<std::size_t>(route_.n_chunks()), 0);
    free_at_.assign(stages, Time{});
    last_task_.assign(stages, -1);
    done_.assign(2 * static_cast<std::size_t>(route_.n_chunks() * route_.n_micro_batches()), -1);
    result_.tasks.reserve(3 * done_.size() / 2);
  }

  Timeline fixed_order() {
    std::vector<std::vector<Passage>> orders;
    for (std::int32_t s = 0; s < n_stages_; ++s) orders.push_back(order_of_stage(plan_, route_, s));
    return in_order(orders);
  }

  /// Every stage does its passes one after the other.
  Timeline in_order(const std::vector<std::vector<Passage>>& orders) {
    std::vector<std::size_t> next(orders.size(), 0);
    std::vector<std::int32_t> work;
    for (std::int32_t s = n_stages_ - 1; s >= 0; --s) work.push_back(s);
    while (!work.empty()) {
      const std::int32_t s = work.back();
      work.pop_back();
      auto& i = next[static_cast<std::size_t>(s)];
      const auto& order = orders[static_cast<std::size_t>(s)];
      for (; i < order.size() && can_run(order[i]); ++i) {
        perform(order[i], s, order[i].pass == Pass::backward_weight ? Time{} : ready_time(order[i]));
        if (order[i].pass == Pass::backward_weight) continue;
        if (const std::int32_t wake = stage_waiting_for(order[i]); wake >= 0 && wake != s) work.push_back(wake);
      }
    }
    return finish();
  }

  Timeline greedy();

 private:
  std::int32_t& done(Pass pass, std::int32_t chunk, std::int32_t micro_batch) {
    const std::size_t half = pass == Pass::forward ? 0 : 1;
    return done_[2 * static_cast<std::size_t>(chunk * route_.n_micro_batches() + micro_batch) + half];
  }
  /// The task that a step waits for, -1 not done yet, -2 none.
  std::int32_t before(const Passage& step) {
    if (step.pass == Pass::forward) return step.chunk == 0 ? -2 : done(Pass::forward, step.chunk - 1, step.micro_batch);
    if (step.chunk == route_.n_chunks() - 1) return done(Pass::forward, step.chunk, step.micro_batch);
    return done(Pass::backward, step.chunk + 1, step.micro_batch);
  }
  bool can_run(const Passage& step) {
    if (step.pass == Pass::backward_weight) return done(Pass::backward, step.chunk, step.micro_batch) >= 0;
    if (step.pass == Pass::backward && done(Pass::forward, step.chunk, step.micro_batch) < 0) return false;
    return before(step) != -1;
  }
  Time ready_time(const Passage& step) {
    const std::int32_t task = before(step);
    if (task < 0) return {};
    const Task& t = result_.tasks[static_cast<std::size_t>(task)];
    return t.end + (t.stage != route_.stage(step.chunk, step.micro_batch) ? send_ : Time{});
  }
  std::int32_t stage_waiting_for(const Passage& step) const {
    const std::int32_t next = step.pass == Pass::forward ? step.chunk + 1 : step.chunk - 1;
    return next < 0 || next >= route_.n_chunks() ? -1 : route_.stage(next, step.micro_batch);
  }
  std::int32_t& held_of(const Passage& step) {
    return held_of_chunk_[2 * static_cast<std::size_t>(step.chunk) + (route_.mirrored(step.micro_batch) ? 1 : 0)];
  }
  /// A chunk may have as many micro-batches on their way back as chunks are left behind it, as in 1F1B; with
  /// those whose weights' gradients are still to do a stage holds no more than the first one of 1F1B.
  bool has_room(const Passage& step) {
    const std::int32_t most = plan_.schedule == Schedule::zero_bubble_h1  ? n_stages_
                              : plan_.schedule == Schedule::zero_bubble_v ? 2 * n_stages_ + 1
                                                                          : n_stages_ + 1;
    const auto stage = static_cast<std::size_t>(route_.stage(step.chunk, step.micro_batch));
    return held_of(step) < route_.n_chunks() - step.chunk && held_[stage] < most;
  }
  void perform(const Passage& step, std::int32_t stage, Time ready) {
    const auto s = static_cast<std::size_t>(stage);
    const ChunkTimes& times = chunks_[static_cast<std::size_t>(step.chunk)];
    const bool parted = plan_.schedule == Schedule::zero_bubble_h1 || plan_.schedule == Schedule::zero_bubble_v ||
                        plan_.schedule == Schedule::dual_pipe;
    Time length = step.pass == Pass::forward    ? times.forward
                  : step.pass == Pass::backward ? times.backward_input + (parted ? Time{} : times.backward_weight)
                                                : times.backward_weight;
    if (!slowdown_.empty()) length = rounded(slowdown_[s] * length);
    Task task{.pass = step.pass, .stage = stage, .chunk = step.chunk, .micro_batch = step.micro_batch};
    task.start = std::max(ready, free_at_[s]), task.end = task.start + length;
    if (ready > free_at_[s] && step.pass != Pass::backward_weight) {
      task.waits_for = before(step);
      task.waits_for_send = task.waits_for >= 0 && result_.tasks[static_cast<std::size_t>(task.waits_for)].stage != stage;
    } else {
      task.waits_for = last_task_[s];
    }
    const auto index = static_cast<std::int32_t>(result_.tasks.size());
    if (step.pass != Pass::backward_weight) done(step.pass, step.chunk, step.micro_batch) = index;
    const Pass last = parted ? Pass::backward_weight : Pass::backward;
    const std::int32_t change = step.pass == Pass::forward ? 1 : step.pass == last ? -1 : 0;
    held_[s] += change;
    if (step.pass != Pass::backward_weight) held_of(step) += step.pass == Pass::forward ? 1 : -1;
    result_.in_flight[s] = std::max(result_.in_flight[s], static_cast<double>(held_[s]));
    result_.busy[s] += length;
    result_.length = std::max(result_.length, task.end);
    free_at_[s] = task.end, last_task_[s] = index;
    result_.tasks.push_back(task);
  }
  Timeline finish() { return std::move(result_); }

  const Plan& plan_;
  const std::vector<ChunkTimes> chunks_;
  Time send_;
  const std::vector<double>& slowdown_;
  Route route_;
  std::int32_t n_stages_;
  Timeline result_;
  std::vector<std::int32_t> held_, held_of_chunk_, last_task_, done_;
  std::vector<Time> free_at_;
};

Timeline Execution::greedy() {
  const std::int32_t p = n_stages_, m = route_.n_micro_batches();
  std::vector<StageQueue> queues(static_cast<std::size_t>(p));
  const auto lane_of = [&](const Passage& step) -> Lane& {
    StageQueue& q = queues[static_cast<std::size_t>(route_.stage(step.chunk, step.micro_batch))];
    const std::size_t lane = step.chunk >= p || route_.mirrored(step.micro_batch) ? 1 : 0;
    return (step.pass == Pass::forward ? q.forward : q.backward)[lane];
  };
  for (std::int32_t i = 0; i < m; ++i) lane_of({Pass::forward, 0, i}).push({Pass::forward, 0, i}, Time{});
  Earliest wakes(p);  // when a stage has something to decide

  // Of the passes ready now, the one deepest in the model, then the earliest micro-batch.
  const auto best = [&](std::array<Lane, 2>& lanes, Time now) {
    Lane* found = nullptr;
    for (Lane& lane : lanes) {
      if (lane.empty() || lane.front().ready > now) continue;
      const Passage& step = lane.front().step;
      if (step.pass == Pass::forward && !has_room(step)) continue;
      if (found) {
        const Passage& other = found->front().step;
        if (step.chunk < other.chunk || (step.chunk == other.chunk && step.micro_batch > other.micro_batch)) continue;
      }
      found = &lane;
    }
    return found;
  };
  while (true) {
    const std::int32_t s = wakes.first();
    if (wakes.at(s) == Earliest::kNever) break;
    const Time now = wakes.at(s) * second;
    const auto i = static_cast<std::size_t>(s);
    StageQueue& q = queues[i];
    Lane* from = best(q.backward, now);
    if (!from) from = best(q.forward, now);
    if (!from && !q.weight.empty()) from = &q.weight;
    if (!from) {
      wakes.set(s, q.next_arrival_s(now));
      continue;
    }
    const auto [step, ready] = from->pop();
    perform(step, s, ready);
    wakes.set(s, free_at_[i].in(second));
    if (step.pass == Pass::backward_weight) continue;
    if (step.pass == Pass::backward) q.weight.push({Pass::backward_weight, step.chunk, step.micro_batch}, Time{});
    const bool turn = step.pass == Pass::forward && step.chunk == route_.n_chunks() - 1;
    const Passage next{turn || step.pass == Pass::backward ? Pass::backward : Pass::forward,
                     turn ? step.chunk : step.chunk + (step.pass == Pass::forward ? 1 : -1), step.micro_batch};
    if (next.chunk < 0) continue;
    const Time arrival = ready_time(next);
    const std::int32_t to = route_.stage(next.chunk, next.micro_batch);
    lane_of(next).push(next, arrival);
    const double decides_s = std::max(arrival, free_at_[static_cast<std::size_t>(to)]).in(second);
    if (decides_s < wakes.at(to)) wakes.set(to, decides_s);
  }
  return finish();
}

}  // namespace

std::vector<std::size_t> Timeline::critical_path() const {
  std::vector<std::size_t> path;
  std::int32_t at = -1;
  for (std::size_t i = 0; i < tasks.size(); ++i)
    if (tasks[i].end == length) at = static_cast<std::int32_t>(i);
  for (; at >= 0; at = tasks[static_cast<std::size_t>(at)].waits_for) path.push_back(static_cast<std::size_t>(at));
  std::ranges::reverse(path);
  return path;
}

std::size_t Timeline::pacing_stage() const {
  return static_cast<std::size_t>(std::ranges::max_element(busy) - busy.begin());
}

namespace {

std::vector<std::vector<Passage>> orders_of(const Timeline& line, std::size_t n_stages) {
  std::vector<std::vector<Passage>> orders(n_stages);
  for (const Task& task : line.tasks)
    orders[static_cast<std::size_t>(task.stage)].push_back({task.pass, task.chunk, task.micro_batch});
  return orders;
}

}  // namespace

Timeline timeline(const Plan& plan, const std::vector<ChunkTimes>& chunks, Time send,
                  const std::vector<double>& slowdown) {
  Execution execution(plan, chunks, send, slowdown);
  switch (plan.schedule) {
    case Schedule::gpipe:
    case Schedule::one_forward_one_backward:
    case Schedule::interleaved:
      return execution.fixed_order();
    case Schedule::zero_bubble_h1:
    case Schedule::zero_bubble_v:
    case Schedule::dual_pipe:
      break;
  }
  Timeline found = execution.greedy();
  if (send <= Time{}) return found;
  // An order found as if passes arrived at once is often the better one also when they do not.
  const Timeline at_once = Execution(plan, chunks, {}, slowdown).greedy();
  Timeline kept = Execution(plan, chunks, send, slowdown).in_order(orders_of(at_once, static_cast<std::size_t>(plan.parallel.pipeline)));
  return kept.length < found.length ? kept : found;
}

Time closed_form_length(const Plan& plan, const ChunkTimes& stage, Time send) {
  const double m = static_cast<double>(plan.n_micro_batches()), p = static_cast<double>(plan.parallel.pipeline),
               v = static_cast<double>(plan.n_chunks());
  const Time all = stage.forward + stage.backward_input + stage.backward_weight;
  switch (plan.schedule) {
    case Schedule::gpipe:
    case Schedule::one_forward_one_backward:
      return (m + p - 1) * all + 2 * (p - 1) * send;
    case Schedule::interleaved:
      return m * all + (p - 1) / v * all + 2 * (p * v - 1) * send;
    case Schedule::zero_bubble_h1:
      return m * all + (p - 1) * (stage.forward + stage.backward_input - stage.backward_weight) +
             std::max(0.0, p - m) * stage.backward_weight + 2 * (p - 1) * send;
    case Schedule::zero_bubble_v:
      return m * all + (p - 1) * std::min(1.0, m / (2 * p)) * stage.forward +
             std::max(Time{}, (p + (m - 1) / 2) * (stage.forward + stage.backward_input) - m * all) + 2 * (2 * p - 1) * send;
    case Schedule::dual_pipe:
      return m * all + std::max(0.0, p / 2 - 1) * std::min(1.0, m / (2 * p)) * (stage.forward + stage.backward_input) +
             std::max(Time{}, (p + m / 2 - 1) * (stage.forward + stage.backward_input) - m * all) + 2 * (p - 1) * send;
  }
  return m * all;
}

}  // namespace waferwatt::training
