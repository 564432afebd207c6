// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/step_groups.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace waferwatt::network {
namespace {

using Groups = std::vector<std::vector<Rank>>;

Rank narrow(std::int64_t rank) { return static_cast<Rank>(rank); }

/// Of every stage the groups of these spans.
Groups groups_of(const Degrees& d, std::span<const Span> spans) {
  const std::int64_t n = d.n_stage_ranks();
  for (const auto& [size, stride] : spans)
    if (size < 1 || stride < 1 || n % (size * stride) != 0)
      throw InputError(fmt::format("{} ranks of a stage do not make groups of {} that are {} apart", n, size, stride));
  const auto is_first = [&](std::int64_t index) {
    return std::ranges::all_of(spans, [&](const Span& span) { return index / span.stride % span.n_ranks == 0; });
  };
  Groups groups;
  for (std::int64_t stage = 0; stage < d.pipeline; ++stage)
    for (std::int64_t first = 0; first < n; ++first) {
      if (!is_first(first)) continue;
      auto& group = groups.emplace_back();
      for (std::int64_t j = 0; j < spans[1].n_ranks; ++j)
        for (std::int64_t i = 0; i < spans[0].n_ranks; ++i)
          group.push_back(narrow(d.rank(stage, first + i * spans[0].stride + j * spans[1].stride)));
    }
  return groups;
}

/// One flow for each group, or one for all.
std::vector<Job> jobs_of(const Evaluator& evaluator, const GroupTraffic& t, std::size_t most_flows) {
  if (t.groups.empty()) throw InputError(t.name + ": no groups");
  std::vector<Job> jobs;
  const bool apart = t.groups.size() <= most_flows;
  for (std::size_t i = 0; i < (apart ? t.groups.size() : 1); ++i) {
    CollectiveSpec spec{t.collective, Algorithm::ring, t.groups[i], t.size, t.imbalance};
    spec.algorithm = t.algorithm ? *t.algorithm : evaluator.algorithm_of(spec);
    Job job = evaluator.job(t.name, std::move(spec), t.algorithm.has_value());
    job.start = t.start;
    job.n_repetitions = t.n_repetitions;
    job.pause = t.pause;
    if (!apart) job.beside.assign(t.groups.begin() + 1, t.groups.end());
    jobs.push_back(std::move(job));
  }
  return jobs;
}

void require_ended(const TrafficResult& result) {
  for (const auto& job : result.jobs)
    if (!job.stalled.empty()) throw InfeasibleError(job.stalled);
}

}  // namespace

Groups groups_of(const Degrees& d, GroupKind kind) {
  const std::int64_t n = d.n_stage_ranks();
  if (kind == GroupKind::expert_data && n % (d.expert * d.expert_tensor) != 0)
    throw InputError(fmt::format("{} ranks of a stage do not hold whole sets of experts over {} ranks", n, d.expert * d.expert_tensor));
  if (kind != GroupKind::pipeline_stages) return groups_of(d, d.stage_spans(kind));
  Groups pairs;
  for (std::int64_t stage = 0; stage + 1 < d.pipeline; ++stage)
    for (std::int64_t index = 0; index < n; ++index) pairs.push_back({narrow(d.rank(stage, index)), narrow(d.rank(stage + 1, index))});
  return pairs;
}

ConcurrentTimes concurrent_times(Evaluator& evaluator, const std::vector<GroupTraffic>& traffic, std::optional<FlowEngine> engine,
                                 std::size_t most_flows) {
  ConcurrentTimes times;
  std::vector<Job> all;
  std::vector<std::size_t> firsts;
  for (const GroupTraffic& t : traffic) {
    std::vector<Job> jobs = jobs_of(evaluator, t, most_flows);
    firsts.push_back(all.size());
    all.insert(all.end(), jobs.begin(), jobs.end());
    for (Job& job : jobs) job.n_repetitions = 1, job.start = Time{};
    const auto alone = simulate(Traffic(evaluator.topology(), std::move(jobs)), engine);
    require_ended(alone);
    times.groups.push_back({alone.end, {}, {}});
  }
  firsts.push_back(all.size());
  times.traffic = simulate(Traffic(evaluator.topology(), std::move(all)), engine);
  require_ended(times.traffic);
  for (std::size_t i = 0; i < traffic.size(); ++i) {
    GroupTime& time = times.groups[i];
    for (std::size_t j = firsts[i]; j < firsts[i + 1]; ++j) {
      const auto& repetitions = times.traffic.jobs[j].repetitions;
      Time sum;
      for (const Repetition& r : repetitions) sum += r.duration();
      // The step waits for the slowest group.
      time.together = std::max(time.together, sum / static_cast<double>(std::max<std::size_t>(1, repetitions.size())));
      if (!repetitions.empty()) time.end = std::max(time.end, repetitions.back().end);
    }
  }
  return times;
}

}  // namespace waferwatt::network
