// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/search.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <iterator>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "placements.hpp"
#include "shortlist.hpp"
#include "waferwatt/core/parallel.hpp"
#include "waferwatt/training/memory.hpp"

namespace waferwatt::training {
namespace {

std::vector<std::int64_t> divisors(std::int64_t n, std::int64_t most) {
  std::vector<std::int64_t> found;
  for (std::int64_t d = 1; d <= std::min(n, most); ++d)
    if (n % d == 0) found.push_back(d);
  return found;
}

Money cost_of(Time time, Energy energy, const SearchSpace& space) {
  const auto& around = space.surroundings;
  const double n = static_cast<double>(space.n_accelerators);
  return n * time * around.accelerator_price + around.pue * (energy + n * time * around.server_share) * around.energy_price;
}

Candidate candidate_of(const Plan& plan, const Step& step, DataSize memory, const SearchSpace& space) {
  return {plan, step.iteration_time(), step.energy, memory, cost_of(step.iteration_time(), step.energy, space), step.breakdown};
}

class Search {
 public:
  Search(const catalog::LanguageModel& model, const Machine& machine, const SearchSpace& space, Objective objective, Shortlist& found)
      : model_(model), machine_(machine), space_(space), objective_(objective), found_(found), steps_(model, machine) {}

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
    const std::int64_t most = space_.allow_zero_3 ? 3 : 2,
                       group = machine_.network.group(plan.parallel.layout(network::GroupKind::data)).per_domain;
    for (std::int64_t stage = 0; stage <= most; ++stage) {
      if (stage > 0 && plan.parallel.n_replicas() == 1) break;
      plan.zero_stage = stage, plan.partition_group = 0, plan.group_reduction = GroupReduction::iteration;
      with_places(plan);
      if (stage > 0 && group > 1 && group < plan.parallel.n_replicas() && plan.parallel.n_replicas() % group == 0) {
        plan.partition_group = group;
        if (stage >= 2) plan.group_reduction = space_.base.group_reduction;
        with_places(plan);
        plan.group_reduction = GroupReduction::iteration;
      }
    }
    plan.partition_group = 0;
  }
  /// What the given plan offloads to the host may also stay on the accelerator.
  void with_places(Plan& plan) {
    const Plan& base = space_.base;
    for (const bool weights : {false, true})
      for (const bool optimizer : {false, true})
        for (const bool activations : {false, true}) {
          if (weights > base.offload_weights || optimizer > base.offload_optimizer || activations > base.offload_activations) continue;
          plan.offload_weights = weights, plan.offload_optimizer = optimizer, plan.offload_activations = activations;
          evaluate(plan);
        }
  }
  void evaluate(const Plan& plan) {
    if (!problems(plan, model_, space_.n_accelerators).empty()) return;
    ++found_.n_plans;
    const auto first = stage_memory(model_, plan, 0).total();
    if (first > space_.memory_capacity) {
      found_.leave_out(first);
      return;
    }
    const Time least = steps_.lower_bound(plan);
    if (found_.excludes(least_value(least, first), least, first)) {
      ++found_.n_bounded;
      return;
    }
    const auto memory = peak_memory(model_, plan).total();
    if (memory > space_.memory_capacity) {
      found_.leave_out(memory);
      return;
    }
    const auto [step, shortest] = steps_.closed_form(plan);
    // The order of a schedule that is found in time is no worse than 1F1B's; formulas are within 5 % of fixed ones.
    const Time bubble = static_cast<double>(plan.parallel.pipeline - 1) / static_cast<double>(plan.n_micro_batches()) * least;
    found_.add({candidate_of(plan, step, memory, space_), shortest, 1.05 * (step.iteration_time() + bubble)});
  }

  /// Of a plan of which no more is known than what time it takes at least.
  double least_value(Time least, DataSize memory) const {
    const double n = static_cast<double>(space_.n_accelerators);
    switch (objective_) {
      case Objective::time:
        return least.in(second);
      case Objective::cost:
        return cost_of(least, n * machine_.operators.idle_power() * least, space_).in(usd);
      case Objective::energy:
        return (n * machine_.operators.idle_power() * least).in(joule);
      case Objective::memory:
        return memory.in(byte);
    }
    return 0;
  }

  const catalog::LanguageModel& model_;
  const Machine& machine_;
  const SearchSpace& space_;
  Objective objective_;
  Shortlist& found_;
  StepModel steps_;
};

/// Takes the timelines of the most promising until no other can be among the best.
class Decision {
 public:
  Decision(const catalog::LanguageModel& model, const Machine& machine, const SearchSpace& space, Objective objective, std::size_t keep,
           std::vector<Draft> drafts)
      : model_(model), machine_(machine), space_(space), objective_(objective), keep_(keep), drafts_(std::move(drafts)) {}

  /// One thread's part.
  void work() {
    StepModel steps(model_, machine_);
    for (std::size_t i = next_++; i < drafts_.size(); i = next_++) {
      if (is_decided(drafts_[i])) return;
      const Plan& plan = drafts_[i].candidate.plan;
      add(candidate_of(plan, steps.step(plan), drafts_[i].candidate.memory, space_));
    }
  }
  std::vector<Candidate> best() && { return std::move(best_); }

 private:
  bool is_decided(const Draft& draft) {
    const std::lock_guard lock(mutex_);
    return best_.size() >= keep_ && draft.least_value(objective_) > value_of(best_.back(), objective_);
  }
  void add(Candidate c) {
    const std::lock_guard lock(mutex_);
    const auto at = std::ranges::lower_bound(best_, c, [&](const auto& a, const auto& b) { return better(a, b, objective_); });
    if (at != best_.end() && plan_text(at->plan) == plan_text(c.plan)) return;
    best_.insert(at, std::move(c));
    if (best_.size() > keep_) best_.pop_back();
  }

  const catalog::LanguageModel& model_;
  const Machine& machine_;
  const SearchSpace& space_;
  Objective objective_;
  std::size_t keep_;
  std::vector<Draft> drafts_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::vector<Candidate> best_;
};

/// All choices of degrees and placements, those together whose layers cost the same under the same placement.
std::vector<std::vector<Parallelism>> all_degrees(const catalog::LanguageModel& model, const network::TwoLevelNetwork& network,
                                                  const SearchSpace& space) {
  std::map<std::array<std::int64_t, 3>, std::vector<Parallelism>> found;
  const auto take = [&](const Parallelism& degrees) {
    auto& group = found[{degrees.tensor, degrees.context, degrees.expert}];
    std::ranges::copy(placed(degrees, network, space), std::back_inserter(group));
  };
  const std::int64_t n = space.n_accelerators;
  for (const std::int64_t tensor : divisors(n, space.max_tensor)) {
    if (model.n_heads.value % tensor != 0) continue;
    for (const std::int64_t pipeline : divisors(n / tensor, model.n_layers.value)) {
      for (const std::int64_t context : divisors(n / tensor / pipeline, space.allow_context ? 32 : 1)) {
        if (context > 1 && space.base.sequence_length / context < 1024) continue;
        const std::int64_t data = n / (tensor * pipeline * context);
        if (space.base.global_batch % data != 0) continue;
        Parallelism degrees{.data = data, .tensor = tensor, .pipeline = pipeline, .context = context, .placement = space.base.parallel.placement};
        if (!model.moe) {
          take(degrees);
          continue;
        }
        degrees.expert_tensor = 1;
        for (const std::int64_t expert : divisors(data * context * tensor, model.moe->n_routed_experts.value)) {
          if (model.moe->n_routed_experts.value % expert != 0) continue;
          degrees.expert = expert;
          take(degrees);
        }
      }
    }
  }
  std::vector<std::vector<Parallelism>> groups;
  for (auto& [shape, degrees] : found) groups.push_back(std::move(degrees));
  return groups;
}

/// Of many micro-batches the bubble is so small a part that its formula says as much as the timeline, which takes long.
bool has_short_timeline(const Plan& plan) {
  return plan.n_micro_batches() <= 4 * plan.parallel.pipeline;
}

/// The front with timelines in place of formulas where those matter.
std::vector<Candidate> timed_front(const catalog::LanguageModel& model, const Machine& machine, const SearchSpace& space,
                                   std::vector<Candidate> front, unsigned n_jobs) {
  std::atomic<std::size_t> next = 0;
  core::in_parallel(std::max(1u, n_jobs), n_jobs, [&](std::size_t) {
    StepModel steps(model, machine);
    for (std::size_t i = next++; i < front.size(); i = next++)
      if (has_short_timeline(front[i].plan)) front[i] = candidate_of(front[i].plan, steps.step(front[i].plan), front[i].memory, space);
  });
  std::vector<Candidate> left;
  for (const Candidate& c : front)
    if (std::ranges::none_of(front, [&](const Candidate& other) { return dominates(other, c); })) left.push_back(c);
  return left;
}

}  // namespace

SearchResult best_plans(const catalog::LanguageModel& model, const Machine& machine, const SearchSpace& space,
                        Objective objective, unsigned n_jobs, std::size_t keep) {
  const auto groups = all_degrees(model, machine.network, space);
  std::atomic<std::size_t> next = 0;
  Shortlist all(objective, keep);
  std::mutex mutex;
  const std::size_t n_threads = std::max(1u, n_jobs);
  core::in_parallel(n_threads, n_jobs, [&](std::size_t) {
    Shortlist mine(objective, keep);
    Search search(model, machine, space, objective, mine);
    for (std::size_t i = next++; i < groups.size(); i = next++)
      for (const Parallelism& degrees : groups[i]) search.look_at(degrees);
    const std::lock_guard lock(mutex);
    all.add(mine);
  });
  // The schedule's formula chose; timelines decide.
  Decision decision(model, machine, space, objective, keep, all.promising());
  core::in_parallel(n_threads, n_jobs, [&](std::size_t) { decision.work(); });
  SearchResult result{.n_plans = all.n_plans, .n_too_large = all.n_too_large, .least_too_large = all.least_too_large,
                      .n_bounded = all.n_bounded,
                      .best = std::move(decision).best(), .pareto = timed_front(model, machine, space, all.front(), n_jobs)};
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

namespace {

/// The order of the axes that there are, where it is not the default.
std::string placement_text(const Parallelism& p) {
  const auto order_of = [&](const network::Placement& placement) {
    std::string text;
    for (const auto axis : placement.order)
      if (p.degrees().degree(axis) > 1) text += fmt::format("{}{}", text.empty() ? "" : " ", io::enum_text(axis));
    return text;
  };
  const std::string order = order_of(p.placement);
  return order == order_of({}) ? "" : fmt::format(", placed {}", order);
}

}  // namespace

std::string plan_text(const Plan& plan) {
  const auto& p = plan.parallel;
  std::string text = fmt::format("data {}, tensor {}, pipeline {}", p.data, p.tensor, p.pipeline);
  if (p.context > 1) text += fmt::format(", context {}", p.context);
  if (p.expert > 1) text += fmt::format(", expert {}", p.expert);
  text += placement_text(p);
  if (p.pipeline > 1) text += fmt::format(", {}", io::enum_text(plan.schedule));
  if (plan.n_chunks() > 1) text += fmt::format(" x{}", plan.n_chunks());
  text += fmt::format(", micro-batch {}, recompute {}, zero {}", plan.micro_batch, io::enum_text(plan.recompute),
                      plan.zero_stage);
  if (plan.partition_group > 0) text += fmt::format(" over {}", plan.partition_group);
  if (plan.offload_weights) text += ", weights on the host";
  if (plan.offload_optimizer) text += ", optimizer on the host";
  if (plan.offload_activations) text += ", activations on the host";
  return text;
}

}  // namespace waferwatt::training
