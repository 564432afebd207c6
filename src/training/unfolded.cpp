// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/unfolded.hpp"

#include <algorithm>
#include <set>

#include "waferwatt/network/traffic.hpp"

namespace waferwatt::training {
namespace {

/// Groups of ranks first, first + stride, ... that tile `n` ranks in blocks of n_ranks * stride.
struct Groups {
  std::int64_t n_ranks, stride;
};

std::vector<network::CollectiveSpec> all_groups(network::Collective collective, const Groups& groups, std::int64_t n,
                                                DataSize size, const network::Topology& topology) {
  std::vector<network::CollectiveSpec> found;
  const std::int64_t block = groups.n_ranks * groups.stride;
  for (std::int64_t start = 0; start + block <= n; start += block)
    for (std::int64_t first = start; first < start + groups.stride; ++first) {
      network::CollectiveSpec spec{.collective = collective, .size = size};
      for (std::int64_t i = 0; i < groups.n_ranks; ++i)
        spec.ranks.push_back(static_cast<network::Rank>(first + i * groups.stride));
      const auto shape = network::shape_of(topology, spec.ranks);
      spec.algorithm = collective == network::Collective::all_to_all ? network::Algorithm::pairwise
                       : collective == network::Collective::send     ? network::Algorithm::direct
                       : shape.spans_domains() && shape.per_domain > 1 ? network::Algorithm::hierarchical
                                                                       : network::Algorithm::ring;
      found.push_back(std::move(spec));
    }
  return found;
}

Time longest(const network::TrafficResult& result) {
  Time found;
  for (const auto& job : result.jobs)
    for (const auto& repetition : job.repetitions) found = std::max(found, repetition.duration());
  return found;
}

/// Time of all groups at once over that of the slowest alone.
double stretched(network::Collective collective, const Groups& groups, std::int64_t n, network::Topology& topology) {
  constexpr DataSize kLarge = 64.0 * 1024 * 1024 * byte;  // latencies make no difference
  if (groups.n_ranks <= 1) return 1;
  const auto specs = all_groups(collective, groups, n, kLarge, topology);
  if (specs.size() <= 1 || !network::shape_of(topology, specs.front().ranks).spans_domains()) return 1;
  std::vector<network::Job> jobs;
  Time alone;
  std::set<std::pair<std::uint32_t, std::uint32_t>> shapes;  // one group alone of each shape is enough
  for (std::size_t i = 0; i < specs.size(); ++i) {
    jobs.push_back({.name = std::to_string(i), .spec = specs[i], .start = {}, .pause = {}, .launch = {}});
    const auto shape = network::shape_of(topology, specs[i].ranks);
    if (shapes.insert({shape.n_domains, shape.per_domain}).second)
      alone = std::max(alone, network::idle_time(topology, network::plan_of(topology, specs[i])));
  }
  const network::Traffic traffic(topology, std::move(jobs));
  return std::max(1.0, longest(network::simulate(traffic)) / alone);
}

}  // namespace

Contention contention(const Plan& plan, network::Topology& topology) {
  const auto& p = plan.parallel;
  const std::int64_t n = p.n_accelerators();
  using network::Collective;
  Contention found;
  found.tensor = stretched(Collective::all_reduce, {p.tensor, 1}, n, topology);
  found.context = stretched(plan.context_exchange == ContextExchange::ring ? Collective::all_gather : Collective::all_to_all,
                            {p.context, p.tensor}, n, topology);
  found.expert = stretched(Collective::all_to_all, {p.expert, p.expert_slices()}, n, topology);
  found.data = stretched(Collective::all_reduce, {p.n_replicas(), p.tensor}, n, topology);
  if (p.pipeline > 1) found.pipeline = stretched(Collective::send, {2, n / p.pipeline}, n, topology);
  return found;
}

namespace {

/// Pace of each stage of one replica: the slowest of its tensor- and context-parallel ranks.
std::vector<double> paces(const Plan& plan, double spread, RandomStream stream) {
  std::vector<double> found(static_cast<std::size_t>(plan.parallel.pipeline), 1.0);
  for (double& pace : found)
    for (std::int64_t i = 0; i < plan.parallel.tensor * plan.parallel.context; ++i)
      pace = std::max(pace, 1 / std::max(0.5, 1 - std::abs(stream.normal(0, spread))));
  return found;
}

}  // namespace

UnfoldedStep unfolded_step(const catalog::LanguageModel& model, const Plan& plan, Machine machine, double spread,
                           RandomStream stream, network::Topology* topology) {
  UnfoldedStep result;
  if (topology) result.contention = contention(plan, *topology);
  machine.contention = result.contention;
  StepModel steps(model, machine);
  if (spread <= 0) {
    const Passes passes = steps.passes(plan);
    const Timeline line = timeline(plan, passes.chunks, passes.send);
    result.step = steps.step(plan);
    result.fastest = result.mean = result.slowest = line.length, result.n_passes = line.tasks.size();
    return result;
  }
  const Passes passes = steps.passes(plan);
  const auto stages = static_cast<std::size_t>(plan.parallel.pipeline);
  std::vector<Time> last_end(stages);  // of a stage's passes on the last replica
  std::vector<double> slowest_paces;
  for (std::int64_t replica = 0; replica < plan.parallel.data; ++replica) {
    const auto pace = paces(plan, spread, stream.substream("replica", static_cast<std::uint64_t>(replica)));
    const Timeline line = timeline(plan, passes.chunks, passes.send, pace);
    for (const Task& task : line.tasks)
      last_end[static_cast<std::size_t>(task.stage)] = std::max(last_end[static_cast<std::size_t>(task.stage)], task.end);
    if (replica == 0 || line.length < result.fastest) result.fastest = line.length;
    if (line.length > result.slowest) result.slowest = line.length, slowest_paces = pace;
    result.mean += line.length / static_cast<double>(plan.parallel.data);
    result.n_passes += line.tasks.size();
  }
  result.step = steps.step(plan, false, slowest_paces);
  return result;
}

}  // namespace waferwatt::training
