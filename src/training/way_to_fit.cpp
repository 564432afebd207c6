// SPDX-License-Identifier: Apache-2.0
// The nearest legal plan that fits.
#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "waferwatt/training/memory.hpp"

namespace waferwatt::training {
namespace {

/// One setting with another legal value. Those that cost least speed come first.
struct Change {
  int setting;
  std::string text;
  std::function<void(Plan&)> apply;
};

/// Splits that take their accelerators from data parallelism.
void add_splits(const Plan& plan, std::vector<Change>& found) {
  struct Degree {
    int setting;
    const char* name;
    std::int64_t Parallelism::*degree;
  };
  for (const auto& [setting, name, degree] : {Degree{4, "tensor", &Parallelism::tensor}, Degree{5, "pipeline", &Parallelism::pipeline}})
    for (std::int64_t split = 2; split <= plan.parallel.data; ++split) {
      if (plan.parallel.data % split != 0) continue;
      const std::int64_t to = plan.parallel.*degree * split;
      found.push_back({setting, fmt::format("{} {} and data {}", name, to, plan.parallel.data / split),
                       [degree, split](Plan& p) { p.parallel.*degree *= split, p.parallel.data /= split; }});
    }
}

std::vector<Change> changes(const catalog::LanguageModel& model, const Plan& plan) {
  std::vector<Change> found;
  for (std::int64_t zero = plan.zero_stage + 1; zero <= 3; ++zero)
    found.push_back({zero == 3 ? 6 : 0, fmt::format("zero_stage {}", zero), [zero](Plan& p) { p.zero_stage = zero; }});
  for (std::int64_t m = plan.micro_batch - 1; m >= 1; --m)
    if (plan.micro_batch % m == 0)
      found.push_back({1, fmt::format("micro_batch {}", m), [m](Plan& p) { p.micro_batch = m; }});
  if (plan.recompute == Recompute::none)
    found.push_back({2, "recompute selective", [](Plan& p) { p.recompute = Recompute::selective; }});
  if (model.moe)
    for (std::int64_t expert = 2 * plan.parallel.expert; expert <= model.moe->n_routed_experts.value; expert *= 2)
      found.push_back({3, fmt::format("expert {}", expert), [expert](Plan& p) { p.parallel.expert = expert; }});
  add_splits(plan, found);
  if (plan.recompute != Recompute::full)
    found.push_back({2, "recompute full", [](Plan& p) { p.recompute = Recompute::full; }});
  if (!plan.offload_optimizer)
    found.push_back({7, "offload_optimizer true", [](Plan& p) { p.offload_optimizer = true; }});
  if (!plan.offload_weights)
    found.push_back({8, "offload_weights true", [](Plan& p) { p.offload_weights = true; }});
  return found;
}

std::string gigabytes(DataSize size) { return fmt::format("{:.1f} GB", size.in(giga * byte)); }

class Ways {
 public:
  Ways(const catalog::LanguageModel& model, const Plan& plan, DataSize capacity)
      : model_(model), plan_(plan), capacity_(capacity), n_(plan.parallel.n_accelerators()), changes_(changes(model, plan)) {}

  /// All plans with so many changed settings; the first that fits of each set of settings.
  std::vector<WayToFit> with(std::size_t n_changes) {
    found_.clear();
    add(plan_, 0, n_changes, "");
    return found_;
  }

 private:
  void add(const Plan& plan, std::size_t from, std::size_t left, const std::string& text) {
    if (left == 0) {
      // Two splits may ask for more of data parallelism than there is.
      if (plan.parallel.data < 1 || !problems(plan, model_, n_).empty()) return;
      if (const MemoryUse use = peak_memory(model_, plan); use.total() <= capacity_) found_.push_back({text, plan, use});
      return;
    }
    constexpr std::size_t kEnough = 4;
    for (std::size_t i = from; i < changes_.size() && found_.size() < kEnough; ++i) {
      // One value of each setting.
      std::size_t next = i + 1;
      while (next < changes_.size() && changes_[next].setting == changes_[i].setting) ++next;
      Plan changed = plan;
      changes_[i].apply(changed);
      add(changed, next, left - 1, text + (text.empty() ? "" : left == 1 ? " and " : ", ") + changes_[i].text);
    }
  }

  const catalog::LanguageModel& model_;
  const Plan& plan_;
  DataSize capacity_;
  std::int64_t n_;
  std::vector<Change> changes_;
  std::vector<WayToFit> found_;
};

}  // namespace

std::vector<WayToFit> ways_to_fit(const catalog::LanguageModel& model, const Plan& plan, DataSize capacity) {
  Ways ways(model, plan, capacity);
  for (std::size_t n_changes = 1; n_changes <= 3; ++n_changes)
    if (auto found = ways.with(n_changes); !found.empty()) return found;
  return {};
}

std::string way_to_fit(const catalog::LanguageModel& model, const Plan& plan, DataSize capacity) {
  const auto ways = ways_to_fit(model, plan, capacity);
  if (!ways.empty()) {
    std::string text = fmt::format("with {} it needs {}", ways[0].changes, gigabytes(ways[0].memory.total()));
    if (ways.size() > 1) text += fmt::format("; with {}, {}", ways[1].changes, gigabytes(ways[1].memory.total()));
    return text;
  }
  const double states = model.parameters() * (2 + plan.gradient_bytes + plan.optimizer_bytes);
  return fmt::format("no three changes make it fit: the states of {:.3g} G parameters alone take {:.0f} accelerators",
                     model.parameters() / 1e9, std::ceil(states / capacity.in(byte)));
}

}  // namespace waferwatt::training
