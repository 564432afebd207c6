// SPDX-License-Identifier: Apache-2.0
// Iterations of a deployment's replicas for a trace viewer.
#include <fmt/format.h>

#include <array>
#include <map>

#include "serving_result.hpp"

namespace waferwatt::scenario {
namespace {

std::string replica_name(std::size_t replica, const serving::ServingOutcome& outcome, const serving::Deployment& deployment) {
  const serving::ReplicaGroup& group = deployment.groups[outcome.replica_groups[replica]];
  return fmt::format("replica {:04} {}", replica, group.role == serving::Role::mixed ? group.accelerator->id : io::enum_text(group.role));
}

std::string composition(const serving::IterationRecord& record) {
  const serving::IterationLoad& load = record.load;
  std::string text;
  if (load.n_chunks > 0) text = fmt::format("{} prompt tokens of {}", load.prefill_tokens, load.n_chunks);
  if (load.n_decode > 0) text += fmt::format("{}{} decode", text.empty() ? "" : ", ", load.n_decode);
  if (record.n_steps > 1) text += fmt::format(", {} iterations", record.n_steps);
  return text;
}

}  // namespace

Table iteration_spans(const serving::ServingOutcome& outcome, const serving::Deployment& deployment) {
  Table table("trace", {{"process", Table::Kind::text}, {"thread", Table::Kind::text}, {"name", Table::Kind::text},
                        {"category", Table::Kind::text}, {"start_s"}, {"duration_s"}});
  std::int64_t n_left = 0;
  for (const serving::ReplicaTotals& totals : outcome.replicas) n_left += totals.n_iterations;
  double shown_s = 0;
  for (const serving::IterationRecord& r : outcome.iterations) {
    const char* kind = r.load.n_chunks == 0 ? "decodes" : r.load.n_decode == 0 ? "prompts" : "prompts and decodes";
    table.add({replica_name(r.replica, outcome, deployment), fmt::format("batch {:02}", r.lane), composition(r), std::string{kind}, r.begin_s, r.end_s - r.begin_s});
    n_left -= r.n_steps, shown_s = r.end_s;
  }
  if (outcome.iterations.size() == serving::ServingOutcome::kMostIterations && n_left > 0)
    table.add({std::string{"left out"}, std::string{"left out"}, fmt::format("{} iterations that end later", n_left), std::string{"left out"}, shown_s,
               outcome.end_s - shown_s});
  return table;
}

Table iteration_counters(const serving::ServingOutcome& outcome, const serving::Deployment& deployment) {
  Table table("trace_counters", {{"process", Table::Kind::text}, {"name", Table::Kind::text}, {"time_s"}, {"value"}});
  std::map<std::size_t, std::array<std::int64_t, 3>> last;
  for (const serving::IterationRecord& r : outcome.iterations) {
    constexpr std::array kNames{"requests waiting", "sequences in the batch", "KV blocks in use"};
    const std::array<std::int64_t, 3> now{r.n_waiting, r.n_in_batch, r.n_kv_blocks};
    const auto [before, is_new] = last.try_emplace(r.replica, now);
    for (std::size_t i = 0; i < kNames.size(); ++i)
      if (is_new || before->second[i] != now[i])
        table.add({replica_name(r.replica, outcome, deployment), std::string{kNames[i]}, r.end_s, static_cast<double>(now[i])});
    before->second = now;
  }
  return table;
}

}  // namespace waferwatt::scenario
