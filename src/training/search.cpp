// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/search.hpp"
#include "waferwatt/training/memory.hpp"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <thread>

#include <fmt/format.h>

namespace waferwatt::training {
namespace {

std::vector<std::int64_t> divisors(std::int64_t n, std::int64_t most) {
  std::vector<std::int64_t> found;
  for (std::int64_t d = 1; d <= std::min(n, most); ++d)
    if (n % d == 0) found.push_back(d);
  return found;
}

double value_of(const Candidate& c, Objective objective) {
  switch (objective) {
    case Objective::time:
      return c.time.in(second);
    case Objective::cost:
      return c.cost.in(usd);
    case Objective::energy:
      return c.energy.in(joule);
    case Objective::memory:
      return c.memory.in(byte);
  }
  return 0;
}

Money cost_of(Time time, Energy energy, const SearchSpace& space) {
  const auto& around = space.surroundings;
  const double n = static_cast<double>(space.n_accelerators);
  return n * time * around.accelerator_price + around.pue * (energy + n * time * around.server_share) * around.energy_price;
}

/// A total order, so that threads do not change the result.
bool better(const Candidate& a, const Candidate& b, Objective objective) {
  const double x = value_of(a, objective), y = value_of(b, objective);
  if (x != y) return x < y;
  if (a.time != b.time) return a.time < b.time;
  if (a.memory != b.memory) return a.memory < b.memory;
  return plan_text(a.plan) < plan_text(b.plan);
}

bool dominates(const Candidate& a, const Candidate& b) {
  return a.time <= b.time && a.memory <= b.memory && a.energy <= b.energy &&
         (a.time < b.time || a.memory < b.memory || a.energy < b.energy);
}

/// The best so far and the front, of one thread.
class Found {
 public:
  Found(Objective objective, std::size_t keep) : objective_(objective), keep_(keep) {}

  /// True if a plan of at least this time and exactly this memory cannot be among the best or on the front.
  /// Energy is bounded by nothing cheap, so that it takes a margin.
  bool excludes(Time least, DataSize memory) const {
    if (objective_ == Objective::memory) return best_.size() >= keep_ && memory > best_.back().memory;
    const double margin = objective_ == Objective::energy ? 1.25 : objective_ == Objective::cost ? 1.05 : 1;
    if (best_.size() < keep_ || least <= margin * best_.back().time) return false;
    return std::ranges::any_of(front_, [&](const Candidate& c) { return c.memory <= memory && c.time < least; });
  }
  void add(const Candidate& c) {
    const auto same = [&](const Candidate& other) {
      return other.time == c.time && other.memory == c.memory && plan_text(other.plan) == plan_text(c.plan);
    };
    if (std::ranges::any_of(best_, same) || std::ranges::any_of(front_, same)) return add_to_best(c);
    add_to_best(c);
    for (const auto& other : front_)
      if (dominates(other, c)) return;
    std::erase_if(front_, [&](const auto& other) { return dominates(c, other); });
    front_.push_back(c);
  }
  void add_to_best(const Candidate& c) {
    for (const auto& other : best_)
      if (other.time == c.time && other.memory == c.memory && plan_text(other.plan) == plan_text(c.plan)) return;
    const auto at = std::ranges::lower_bound(best_, c, [&](const auto& a, const auto& b) { return better(a, b, objective_); });
    if (at != best_.end() || best_.size() < keep_) best_.insert(at, c);
    if (best_.size() > keep_) best_.pop_back();
  }
  void add(const Found& other) {
    for (const auto& c : other.best_) add(c);
    for (const auto& c : other.front_) add(c);
    n_plans += other.n_plans, n_too_large += other.n_too_large, n_bounded += other.n_bounded;
  }
  const std::vector<Candidate>& best() const { return best_; }
  /// The front without plans that had been left out if better ones had been found first: it does not depend on the order, nor
  /// on the threads.
  std::vector<Candidate> front() const {
    std::vector<Candidate> settled;
    std::ranges::copy_if(front_, std::back_inserter(settled), [&](const Candidate& c) { return !excludes(c.time, c.memory); });
    return settled;
  }

  std::size_t n_plans = 0, n_too_large = 0, n_bounded = 0;

 private:
  Objective objective_;
  std::size_t keep_;
  std::vector<Candidate> best_, front_;
};

class Search {
 public:
  /// \param operators held while operators are estimated, which several threads may not do at once
  Search(const catalog::LanguageModel& model, const Machine& machine, const SearchSpace& space, Found& found, std::mutex& operators)
      : model_(model), machine_(machine), space_(space), found_(found), operators_(operators), steps_(model, machine) {}

  /// All plans of one choice of degrees.
  void look_at(const Parallelism& degrees) {
    Plan plan = space_.base;
    plan.parallel = degrees;
    const std::int64_t per_rank = plan.global_batch / degrees.data;
    plan.sequence_parallel = degrees.tensor > 1;
    for (const std::int64_t micro_batch : divisors(per_rank, space_.max_micro_batch)) {
      plan.micro_batch = micro_batch;
      for (const auto recompute : {Recompute::none, Recompute::selective, Recompute::full}) {
        if (recompute == Recompute::selective && plan.fused_attention && !model_.gated_ffn && !model_.mla)
          continue;  // the same as none
        plan.recompute = recompute;
        with_schedules(plan);
      }
    }
  }

 private:
  void with_schedules(Plan& plan) {
    if (plan.parallel.pipeline == 1) {
      plan.schedule = Schedule::one_forward_one_backward, plan.interleave = 1;
      with_states(plan);
      return;
    }
    const std::int64_t per_stage = (model_.n_layers.value + plan.parallel.pipeline - 1) / plan.parallel.pipeline;
    for (const auto schedule : space_.schedules) {
      plan.schedule = schedule, plan.interleave = 1;
      if (schedule != Schedule::interleaved) {
        with_states(plan);
        continue;
      }
      for (const std::int64_t v : divisors(per_stage, 16)) {
        if (v == 1) continue;
        plan.interleave = v;
        with_states(plan);
      }
      plan.interleave = 1;
    }
  }
  void with_states(Plan& plan) {
    const std::int64_t most = space_.allow_zero_3 ? 3 : 2, domain = machine_.network.domain_size();
    for (std::int64_t stage = 0; stage <= most; ++stage) {
      if (stage > 0 && plan.parallel.n_replicas() == 1) break;
      plan.zero_stage = stage, plan.partition_group = 0;
      evaluate(plan);
      if (const std::int64_t group = domain / plan.parallel.tensor;
          stage > 0 && group > 1 && group < plan.parallel.n_replicas() && plan.parallel.n_replicas() % group == 0) {
        plan.partition_group = group;
        evaluate(plan);
      }
    }
    plan.partition_group = 0;
  }
  void evaluate(const Plan& plan) {
    if (!problems(plan, model_, space_.n_accelerators).empty()) return;
    ++found_.n_plans;
    const auto first = stage_memory(model_, plan, 0).total();
    if (first > space_.memory_capacity) {
      ++found_.n_too_large;
      return;
    }
    if (found_.excludes(lower_bound(plan), first)) {
      ++found_.n_bounded;
      return;
    }
    const auto memory = peak_memory(model_, plan).total();
    if (memory > space_.memory_capacity) {
      ++found_.n_too_large;
      return;
    }
    const Step step = steps_.step(plan, true);
    found_.add({plan, step.iteration_time(), step.energy, memory, cost_of(step.iteration_time(), step.energy, space_), step.breakdown});
  }

  /// The first of a kind of layer estimates its operators, which step() then finds.
  Time lower_bound(const Plan& plan) {
    const std::lock_guard lock(operators_);
    return steps_.lower_bound(plan);
  }

  const catalog::LanguageModel& model_;
  const Machine& machine_;
  const SearchSpace& space_;
  Found& found_;
  std::mutex& operators_;
  StepModel steps_;
};

std::vector<Parallelism> all_degrees(const catalog::LanguageModel& model, const SearchSpace& space) {
  std::vector<Parallelism> found;
  const std::int64_t n = space.n_accelerators;
  for (const std::int64_t tensor : divisors(n, space.max_tensor)) {
    if (model.n_heads.value % tensor != 0) continue;
    for (const std::int64_t pipeline : divisors(n / tensor, model.n_layers.value)) {
      for (const std::int64_t context : divisors(n / tensor / pipeline, space.allow_context ? 32 : 1)) {
        if (context > 1 && space.base.sequence_length / context < 1024) continue;
        const std::int64_t data = n / (tensor * pipeline * context);
        if (space.base.global_batch % data != 0) continue;
        Parallelism degrees{.data = data, .tensor = tensor, .pipeline = pipeline, .context = context};
        if (!model.moe) {
          found.push_back(degrees);
          continue;
        }
        degrees.expert_tensor = 1;
        for (const std::int64_t expert : divisors(data * context * tensor, model.moe->n_routed_experts.value)) {
          if (model.moe->n_routed_experts.value % expert != 0) continue;
          degrees.expert = expert;
          found.push_back(degrees);
        }
      }
    }
  }
  return found;
}

}  // namespace

SearchResult best_plans(const catalog::LanguageModel& model, const Machine& machine, const SearchSpace& space,
                        Objective objective, unsigned n_jobs, std::size_t keep) {
  const auto degrees = all_degrees(model, space);
  std::atomic<std::size_t> next = 0;
  Found all(objective, 4 * keep);
  std::mutex mutex, operators;
  const auto work = [&] {
    Found mine(objective, 4 * keep);
    Search search(model, machine, space, mine, operators);
    for (std::size_t i = next++; i < degrees.size(); i = next++) search.look_at(degrees[i]);
    const std::lock_guard lock(mutex);
    all.add(mine);
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 1; i < n_jobs; ++i) threads.emplace_back(work);
    work();
  }
  // The schedule's formula chose; timelines decide.
  Found checked(objective, keep);
  StepModel steps(model, machine);
  for (Candidate c : all.best()) {
    const Step step = steps.step(c.plan);
    c.time = step.iteration_time(), c.energy = step.energy, c.breakdown = step.breakdown;
    c.cost = cost_of(c.time, c.energy, space);
    checked.add(c);
  }
  SearchResult result{.n_plans = all.n_plans, .n_too_large = all.n_too_large, .n_bounded = all.n_bounded,
                      .best = checked.best(), .pareto = all.front()};
  std::ranges::sort(result.pareto, [](const auto& a, const auto& b) { return better(a, b, Objective::time); });
  return result;
}

std::string why_slower(const Candidate& loser, const Candidate& winner) {
  std::vector<std::pair<double, std::string>> grown;
  const auto mine = loser.breakdown.parts(), theirs = winner.breakdown.parts();
  for (std::size_t i = 0; i < mine.size(); ++i)
    grown.emplace_back((mine[i].second - theirs[i].second).in(second), mine[i].first);
  std::ranges::stable_sort(grown, std::ranges::greater{}, &std::pair<double, std::string>::first);
  std::string text;
  const double least = 0.1 * std::max(1e-12, (loser.time - winner.time).in(second));
  for (std::size_t i = 0; i < 2; ++i)
    if (grown[i].first > least) text += fmt::format("{}{:.3g} s more {}", text.empty() ? "" : ", ", grown[i].first, grown[i].second);
  return text.empty() ? "as fast" : text;
}

std::string plan_text(const Plan& plan) {
  const auto& p = plan.parallel;
  std::string text = fmt::format("data {}, tensor {}, pipeline {}", p.data, p.tensor, p.pipeline);
  if (p.context > 1) text += fmt::format(", context {}", p.context);
  if (p.expert > 1) text += fmt::format(", expert {}", p.expert);
  if (p.pipeline > 1) text += fmt::format(", {}", io::enum_text(plan.schedule));
  if (plan.n_chunks() > 1) text += fmt::format(" x{}", plan.n_chunks());
  text += fmt::format(", micro-batch {}, recompute {}, zero {}", plan.micro_batch, io::enum_text(plan.recompute),
                      plan.zero_stage);
  if (plan.partition_group > 0) text += fmt::format(" over {}", plan.partition_group);
  return text;
}

}  // namespace waferwatt::training
