// SPDX-License-Identifier: Apache-2.0
#include "shortlist.hpp"

#include <algorithm>
#include <iterator>

namespace waferwatt::training {
bool dominates(const Candidate& a, const Candidate& b) {
  return a.time <= b.time && a.memory <= b.memory && a.energy <= b.energy &&
         (a.time < b.time || a.memory < b.memory || a.energy < b.energy);
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

bool better(const Candidate& a, const Candidate& b, Objective objective) {
  const double x = value_of(a, objective), y = value_of(b, objective);
  if (x != y) return x < y;
  if (a.time != b.time) return a.time < b.time;
  if (a.memory != b.memory) return a.memory < b.memory;
  return plan_text(a.plan) < plan_text(b.plan);
}

bool Shortlist::excludes(double least_value, Time least, DataSize memory) const {
  if (least_value <= limit()) return false;
  return std::ranges::any_of(front_, [&](const Candidate& c) { return c.memory <= memory && c.time < least; });
}

void Shortlist::add(Draft draft) {
  add_to_front(draft.candidate);
  const double least = draft.least_value(objective_), most = draft.most_value(objective_);
  if (least > limit()) return;
  drafts_.push_back(std::move(draft));
  if (most >= limit()) return;
  most_.push_back(most);
  std::ranges::push_heap(most_);
  if (most_.size() <= keep_) return;
  std::ranges::pop_heap(most_);
  most_.pop_back();
}

void Shortlist::add(const Shortlist& other) {
  for (const auto& c : other.front_) add_to_front(c);
  for (const auto& draft : other.drafts_) add(draft);
  if (other.n_too_large > 0) least_too_large = n_too_large == 0 ? other.least_too_large : std::min(least_too_large, other.least_too_large);
  n_plans += other.n_plans, n_too_large += other.n_too_large, n_bounded += other.n_bounded;
}

void Shortlist::add_to_front(const Candidate& c) {
  for (const auto& other : front_) {
    if (dominates(other, c)) return;
    if (other.time == c.time && other.memory == c.memory && other.energy == c.energy && plan_text(other.plan) == plan_text(c.plan)) return;
  }
  std::erase_if(front_, [&](const auto& other) { return dominates(c, other); });
  front_.push_back(c);
}

std::vector<Candidate> Shortlist::front() const {
  std::vector<Candidate> settled;
  std::ranges::copy_if(front_, std::back_inserter(settled),
                       [&](const Candidate& c) { return !excludes(value_of(c, objective_), c.time, c.memory); });
  return settled;
}

std::vector<Draft> Shortlist::promising() const {
  std::vector<Draft> found;
  for (const auto& draft : drafts_)
    if (draft.least_value(objective_) <= limit()) found.push_back(draft);
  std::ranges::sort(found, [&](const Draft& a, const Draft& b) {
    const double x = a.least_value(objective_), y = b.least_value(objective_);
    return x != y ? x < y : better(a.candidate, b.candidate, objective_);
  });
  return found;
}

}  // namespace waferwatt::training
