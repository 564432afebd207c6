// SPDX-License-Identifier: Apache-2.0
#include "training_tables.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "waferwatt/training/memory.hpp"
#include "waferwatt/training/step_graph.hpp"

namespace waferwatt::scenario {

/// 2048 as "2,048".
std::string grouped(double value) {
  std::string digits = fmt::format("{:.0f}", value);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

/// Three significant digits with the count's unit: "15 T tokens", "950 accelerator-hours".
std::string counted(double value, const char* unit) {
  constexpr std::pair<double, const char*> kScales[] = {{1e12, "T "}, {1e9, "G "}, {1e6, "M "}, {1e3, "k "}};
  for (const auto& [scale, name] : kScales)
    if (value >= scale) return fmt::format("{:.3g} {}{}", value / scale, name, unit);
  return fmt::format("{:.3g} {}", value, unit);
}

std::string gigabytes(DataSize size) { return fmt::format("{:.1f} GB", size.in(giga * byte)); }

/// The parts of an iteration as resources one waits for.
std::vector<Binding> bindings(const training::Step& step, const training::Plan& plan, const network::TwoLevelNetwork& network, const Slowdown& slowdown) {
  const auto& b = step.breakdown;
  using network::GroupKind;
  const auto level = [&](GroupKind kind) {
    return network.group(plan.parallel.layout(kind)).spans_domains() ? "scale-out network" : "scale-up network";
  };
  std::vector<Binding> found;
  const auto charge = [&](const std::string& resource, Time time) {
    const double share = time / (slowdown.time * step.iteration_time());
    const auto same = std::ranges::find(found, resource, &Binding::resource);
    if (same != found.end())
      same->share += share;
    else if (share > 0)
      found.push_back({.resource = resource, .share = share});
  };
  charge("compute", b.compute + b.recompute);
  charge("memory bandwidth", b.memory + b.optimizer);
  charge("kernel launches", b.launch);
  charge(level(GroupKind::tensor), b.tensor);
  charge(level(GroupKind::context), b.context);
  charge(level(GroupKind::expert), b.expert);
  charge(level(GroupKind::pipeline_stages), b.pipeline);
  charge(level(GroupKind::data), b.data);
  charge("host link", b.host);
  charge("pipeline bubble", b.bubble);
  if (slowdown.time > 1) charge(slowdown.cause, (slowdown.time - 1) * step.iteration_time());
  std::ranges::stable_sort(found, std::ranges::greater{}, &Binding::share);
  for (auto& binding : found)
    binding.text = fmt::format("{:.0f} % of each iteration ({:.3g} s) waits for {}", 100 * binding.share,
                               binding.share * slowdown.time * step.iteration_time().in(second), binding.resource);
  return found;
}

/// Accelerator-hours by use. The total is the sum of the rows, so that they add up exactly.
Table use_ledger(const training::Breakdown& whole, const training::RunTotals& totals, const training::Goodput& goodput,
                 double n_accelerators, double& total_hours) {
  Table ledger("ledger", {{"use", Table::Kind::text}, {"accelerator_hours_h"}, {"share"}});
  total_hours = 0;
  const double wall = n_accelerators * totals.duration.in(hour);
  const auto add = [&](const std::string& use, double share) {
    if (share <= 0) return;
    ledger.add({use, share * wall, share});
    total_hours += share * wall;
  };
  const double stepping = whole.total() / totals.duration;
  for (const auto& [name, time] : whole.parts()) add(name, time / totals.duration);
  add("stragglers and power cap", goodput.useful - stepping);
  add("checkpoints", goodput.checkpoint);
  add("work done again", goodput.lost);
  add("detection and restart", goodput.restart);
  add("waiting for spares", goodput.spare);
  return ledger;
}

Table breakdown_table(const training::Step& step, const Slowdown& slowdown) {
  Table table("breakdown", {{"part", Table::Kind::text}, {"time_s"}, {"share"}});
  auto parts = step.breakdown.parts();
  if (slowdown.time > 1) parts.emplace_back(slowdown.cause, (slowdown.time - 1) * step.iteration_time());
  for (const auto& [name, time] : parts) table.add({name, time.in(second), time / (slowdown.time * step.iteration_time())});
  return table;
}

namespace {

const char* name_of(training::Pass pass) {
  switch (pass) {
    case training::Pass::forward:
      return "forward";
    case training::Pass::backward:
      return "backward";
    case training::Pass::backward_weight:
      return "backward weight";
  }
  return "";
}

}  // namespace

Table timeline_trace(const training::Plan& plan, const training::Passes& passes) {
  constexpr std::size_t kMostSpans = 200'000;
  Table trace("trace", {{"process", Table::Kind::text}, {"thread", Table::Kind::text}, {"name", Table::Kind::text},
                        {"category", Table::Kind::text}, {"start_s"}, {"duration_s"}});
  const auto line = training::timeline(plan, passes.chunks, passes.send);
  if (line.tasks.size() > kMostSpans) return trace;
  std::vector<bool> critical(line.tasks.size(), false);
  for (const std::size_t i : line.critical_path()) critical[i] = true;
  for (std::size_t i = 0; i < line.tasks.size(); ++i) {
    const auto& task = line.tasks[i];
    trace.add({std::string{"step"}, fmt::format("stage {:03}", task.stage),
               fmt::format("{} {} of chunk {}", name_of(task.pass), task.micro_batch, task.chunk),
               std::string{critical[i] ? "critical path" : name_of(task.pass)}, task.start.in(second), (task.end - task.start).in(second)});
  }
  return trace;
}

Table slack_table(const training::Plan& plan, const training::Passes& passes) {
  constexpr std::size_t kMostPasses = 100'000;
  Table table("slack", {{"stage", Table::Kind::integer}, {"passes", Table::Kind::integer}, {"on_critical_path", Table::Kind::integer},
                        {"least_slack_s"}, {"mean_slack_s"}});
  const auto line = training::timeline(plan, passes.chunks, passes.send);
  if (line.tasks.size() > kMostPasses) return table;
  const auto graph = training::step_graph(plan, line, passes.send);
  std::vector<bool> critical(line.tasks.size(), false);
  for (const std::size_t i : graph.longest_path) critical[i] = true;
  for (std::int64_t stage = 0; stage < plan.parallel.pipeline; ++stage) {
    std::int64_t n = 0, on_path = 0;
    Time least = graph.length, sum;
    for (std::size_t i = 0; i < line.tasks.size(); ++i) {
      if (line.tasks[i].stage != stage) continue;
      ++n, on_path += critical[i] ? 1 : 0;
      least = std::min(least, graph.passes[i].slack()), sum += graph.passes[i].slack();
    }
    table.add({stage, n, on_path, least.in(second), sum.in(second) / static_cast<double>(std::max<std::int64_t>(n, 1))});
  }
  return table;
}

Table memory_table(const catalog::LanguageModel& model, const training::Plan& plan) {
  std::vector<Table::ColumnSpec> columns{{"stage", Table::Kind::integer}};
  for (const auto& [name, size] : training::MemoryUse{}.parts()) columns.push_back({name + "_byte"});
  columns.push_back({"total_byte"});
  Table table("memory", columns);
  for (std::int64_t stage = 0; stage < plan.parallel.pipeline; ++stage) {
    const auto use = training::stage_memory(model, plan, stage);
    std::vector<Table::Cell> cells{stage};
    for (const auto& [name, size] : use.parts()) cells.emplace_back(size.in(byte));
    cells.emplace_back(use.total().in(byte));
    table.add(cells);
  }
  return table;
}

}  // namespace waferwatt::scenario
