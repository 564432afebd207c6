// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/unfolded.hpp"

#include <algorithm>
#include <set>

#include "waferwatt/network/step_groups.hpp"
#include "waferwatt/network/traffic.hpp"

namespace waferwatt::training {
namespace {

network::CollectiveSpec spec_of(network::Collective collective, std::vector<network::Rank> ranks, DataSize size,
                                const network::Topology& topology) {
  network::CollectiveSpec spec{.collective = collective, .size = size};
  spec.ranks = std::move(ranks);
  const auto shape = network::shape_of(topology, spec.ranks);
  spec.algorithm = collective == network::Collective::all_to_all ? network::Algorithm::pairwise
                   : collective == network::Collective::send     ? network::Algorithm::direct
                   : shape.spans_domains() && shape.per_domain > 1 ? network::Algorithm::hierarchical
                                                                   : network::Algorithm::ring;
  return spec;
}

Time longest(const network::TrafficResult& result) {
  Time found;
  for (const auto& job : result.jobs)
    for (const auto& repetition : job.repetitions) found = std::max(found, repetition.duration());
  return found;
}

/// Time of all groups of a kind at once over that of the slowest alone.
double stretched(network::Collective collective, network::GroupKind kind, const network::Degrees& degrees, network::Topology& topology) {
  constexpr DataSize kLarge = 64.0 * 1024 * 1024 * byte;  // latencies make no difference
  auto groups = network::groups_of(degrees, kind);
  if (groups.size() <= 1 || groups.front().size() <= 1) return 1;
  // Of neighbouring stages some pairs may be inside a domain.
  if (std::ranges::none_of(groups, [&](const auto& ranks) { return network::shape_of(topology, ranks).spans_domains(); })) return 1;
  std::vector<network::Job> jobs;
  Time alone;
  std::set<std::pair<std::uint32_t, std::uint32_t>> shapes;  // one group alone of each shape is enough
  for (auto& ranks : groups) {
    const auto shape = network::shape_of(topology, ranks);
    const auto spec = spec_of(collective, std::move(ranks), kLarge, topology);
    if (shapes.insert({shape.n_domains, shape.per_domain}).second)
      alone = std::max(alone, network::idle_time(topology, network::plan_of(topology, spec)));
    jobs.push_back({.name = std::to_string(jobs.size()), .spec = spec, .start = {}, .pause = {}, .launch = {}});
  }
  const network::Traffic traffic(topology, std::move(jobs));
  return std::max(1.0, longest(network::simulate(traffic)) / alone);
}

}  // namespace

Contention contention(const Plan& plan, network::Topology& topology) {
  const auto& p = plan.parallel;
  const network::Degrees degrees = p.degrees();
  using network::Collective, network::GroupKind;
  const auto gathered = plan.context_exchange == ContextExchange::ring ? Collective::all_gather : Collective::all_to_all;
  return {.tensor = stretched(Collective::all_reduce, GroupKind::tensor, degrees, topology),
          .context = stretched(gathered, GroupKind::context, degrees, topology),
          .expert = p.expert > 1 ? stretched(Collective::all_to_all, GroupKind::expert, degrees, topology) : 1,
          .data = stretched(Collective::all_reduce, GroupKind::data, degrees, topology),
          .pipeline = p.pipeline > 1 ? stretched(Collective::send, GroupKind::pipeline_stages, degrees, topology) : 1};
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
  std::vector<double> slowest_paces;
  for (std::int64_t replica = 0; replica < plan.parallel.data; ++replica) {
    const auto pace = paces(plan, spread, stream.substream("replica", static_cast<std::uint64_t>(replica)));
    const Timeline line = timeline(plan, passes.chunks, passes.send, pace);
    if (replica == 0 || line.length < result.fastest) result.fastest = line.length;
    if (line.length > result.slowest) result.slowest = line.length, slowest_paces = pace;
    result.mean += line.length / static_cast<double>(plan.parallel.data);
    result.n_passes += line.tasks.size();
  }
  result.step = steps.step(plan, slowest_paces);
  return result;
}

}  // namespace waferwatt::training
