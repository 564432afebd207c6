// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/evaluation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/network/traffic.hpp"

namespace waferwatt::network {
namespace {

LinkSpec link_of(const catalog::Fabric& fabric) {
  return {fabric.bandwidth.value, fabric.latency.value, fabric.efficiency.value};
}

/// Two levels with every switch beyond the first adding `hops` to the latency across domains.
TwoLevelNetwork two_levels(const FabricDesign& design, const FabricParts& parts, double hops) {
  const LinkSpec nothing{1 * byte / second, {}, 1};
  LinkSpec up = parts.scale_up ? link_of(*parts.scale_up) : nothing, out = parts.scale_out ? link_of(*parts.scale_out) : nothing;
  out.latency += hops * design.hop_latency;
  return TwoLevelNetwork(up, domain_size(design, parts), out, Time{});
}

}  // namespace

Evaluator::Evaluator(const FabricDesign& design, const FabricParts& parts, Time launch, bool in_network)
    : topology_(make_topology(design, parts)),
      near_(two_levels(design, parts, 0)),
      far_(two_levels(design, parts, 2)),
      switched_(design.torus.empty() && design.cables.empty() && !(parts.scale_up && parts.scale_up->kind == catalog::FabricKind::pcie)),
      non_blocking_(design.topology == ScaleOutKind::fat_tree && design.oversubscription == 1 && !design.sites),
      in_network_(in_network),
      launch_(launch) {}

Group Evaluator::group_of(const Question& q) const {
  const GroupShape shape = shape_of(*topology_, ranks_of(q));
  return {q.n_ranks, shape.per_domain == 0 ? 1 : shape.per_domain};
}

std::vector<Rank> Evaluator::ranks_of(const Question& q) const {
  const std::int64_t last = q.first + (q.n_ranks - 1) * q.stride;
  if (q.n_ranks < 1 || q.stride < 1 || q.first < 0)
    throw InputError(fmt::format("a group of {} ranks from {} with stride {} makes no sense", q.n_ranks, q.first, q.stride));
  if (last >= topology_->n_ranks())
    throw InputError(fmt::format("a group of {} ranks with stride {} from rank {} ends at rank {}, the fabric has {} accelerators",
                                 q.n_ranks, q.stride, q.first, last, topology_->n_ranks()));
  std::vector<Rank> ranks;
  for (std::int64_t i = 0; i < q.n_ranks; ++i) ranks.push_back(static_cast<Rank>(q.first + i * q.stride));
  return ranks;
}

Algorithm Evaluator::algorithm_of(const Question& q) const {
  if (q.algorithm) return *q.algorithm;
  if (!switched_) return algorithms_of(q.collective).front();
  return fastest_algorithm(near_, q.collective, group_of(q), q.size, in_network_).algorithm;
}

bool Evaluator::closed_form_holds(const Question& q) const {
  if (!switched_ || topology_->any_failed()) return false;
  const GroupShape shape = shape_of(*topology_, ranks_of(q));
  if (shape.per_domain == 0) return false;
  const Group group{q.n_ranks, shape.per_domain};
  const auto near = closed_form_time(near_, q.collective, algorithm_of(q), group, q.size, q.imbalance);
  const auto far = closed_form_time(far_, q.collective, algorithm_of(q), group, q.size, q.imbalance);
  if (!near || !far) return false;
  if (!shape.spans_domains()) return true;
  return non_blocking_ && *far <= 1.01 * *near;
}

std::optional<Answer> Evaluator::answer_by(Evaluation evaluation, const Question& q) const {
  const Algorithm algorithm = algorithm_of(q);
  if (evaluation == Evaluation::closed_form) {
    if (!switched_) return std::nullopt;
    const auto time = closed_form_time(near_, q.collective, algorithm, group_of(q), q.size, q.imbalance);
    if (!time) return std::nullopt;
    return Answer{*time + launch_, algorithm, evaluation};
  }
  Job job{"collective", {q.collective, algorithm, ranks_of(q), q.size, q.imbalance}, {}, 1, {}, launch_};
  const TrafficResult result = simulate(Traffic(*topology_, {std::move(job)}));
  if (!result.jobs[0].stalled.empty()) throw InfeasibleError(result.jobs[0].stalled);
  return Answer{result.jobs[0].repetitions[0].duration(), algorithm, evaluation};
}

Answer Evaluator::answer(const Question& q) {
  const Key key{q.collective, algorithm_of(q), q.n_ranks, q.stride, q.first, q.size.base(), q.imbalance};
  if (const auto known = answers_.find(key); known != answers_.end() && !topology_->any_failed()) return known->second;
  const Answer answer = *answer_by(closed_form_holds(q) ? Evaluation::closed_form : Evaluation::flows, q);
  if (!topology_->any_failed()) answers_.emplace(key, answer);
  return answer;
}

Bandwidth Answer::bus_bandwidth(const Question& q) const {
  const double n = static_cast<double>(q.n_ranks);
  double factor = 1;
  switch (q.collective) {
    case Collective::all_reduce:
      factor = 2 * (n - 1) / n;
      break;
    case Collective::all_gather:
    case Collective::reduce_scatter:
    case Collective::all_to_all:
      factor = (n - 1) / n;
      break;
    default:
      break;
  }
  return time > Time{} ? factor * q.size / time : Bandwidth{};
}

}  // namespace waferwatt::network
