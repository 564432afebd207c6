// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/evaluation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "torus_rings.hpp"

namespace waferwatt::network {
namespace {

LinkSpec link_of(const catalog::Fabric& fabric) {
  return {fabric.bandwidth.value, fabric.latency.value, fabric.efficiency.value};
}

/// Two levels with every switch beyond the first adding `hops` to the latency across domains.
TwoLevelNetwork two_levels(const FabricDesign& design, const FabricParts& parts, double hops, Time launch = {}) {
  const LinkSpec nothing{1 * byte / second, {}, 1};
  LinkSpec up = parts.scale_up ? link_of(*parts.scale_up) : nothing, out = parts.scale_out ? link_of(*parts.scale_out) : nothing;
  out.latency += hops * design.hop_latency;
  return TwoLevelNetwork(up, domain_size(design, parts), out, launch);
}

bool is_measured(Collective collective) {
  return collective == Collective::all_reduce || collective == Collective::all_gather || collective == Collective::reduce_scatter ||
         collective == Collective::all_to_all;
}

bool is_even(const CollectiveSpec& spec) { return spec.imbalance == 1 && spec.pair_bytes.empty() && !spec.every_message; }

}  // namespace

Evaluator::Evaluator(const FabricDesign& design, const FabricParts& parts, Time launch, bool in_network)
    : topology_(make_topology(design, parts)),
      near_(two_levels(design, parts, 0)),
      far_(two_levels(design, parts, 2)),
      measured_(two_levels(design, parts, 0, launch)),
      switched_(design.torus.empty() && design.cables.empty() && !(parts.scale_up && parts.scale_up->kind == catalog::FabricKind::pcie)),
      non_blocking_(design.topology == ScaleOutKind::fat_tree && design.oversubscription == 1 && !design.sites),
      in_network_(in_network),
      launch_(launch) {
  if (switched_ && parts.measured) measured_.calibrate(*parts.measured);
}

Group Evaluator::group_of(std::span<const Rank> ranks) const {
  const GroupShape shape = shape_of(*topology_, ranks);
  return {shape.n_ranks, shape.per_domain == 0 ? 1 : shape.per_domain};
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
  return q.algorithm ? *q.algorithm : algorithm_of(CollectiveSpec{q.collective, Algorithm::ring, ranks_of(q), q.size, q.imbalance});
}

Algorithm Evaluator::algorithm_of(const CollectiveSpec& spec) const {
  const auto known = algorithms_of(spec.collective);
  if (!spec.pair_bytes.empty() || spec.every_message) return Algorithm::pairwise;
  if (std::ranges::count(known, Algorithm::torus_rings) > 0 && box_of(*topology_, spec.ranks)) return Algorithm::torus_rings;
  if (!switched_) return known.front();
  return fastest_algorithm(near_, spec.collective, group_of(spec.ranks), spec.size, in_network_).algorithm;
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

std::optional<Time> Evaluator::measured_time(Collective collective, std::span<const Rank> ranks, DataSize size) const {
  if (!measured_.measured() || topology_->any_failed() || !is_measured(collective)) return std::nullopt;
  const GroupShape shape = shape_of(*topology_, ranks);
  if (shape.spans_domains() || shape.n_ranks < 2) return std::nullopt;
  const Group group{shape.n_ranks, shape.n_ranks};
  switch (collective) {
    case Collective::all_reduce:
      return measured_.all_reduce_time(group, size);
    case Collective::all_gather:
      return measured_.all_gather_time(group, size);
    case Collective::reduce_scatter:
      return measured_.reduce_scatter_time(group, size);
    default:
      return measured_.all_to_all_time(group, size);
  }
}

Job Evaluator::job(std::string name, CollectiveSpec spec, bool algorithm_was_asked) const {
  Job job{std::move(name), std::move(spec), {}, 1, {}, launch_};
  if (algorithm_was_asked || !is_even(job.spec)) return job;
  const auto time = measured_time(job.spec.collective, job.spec.ranks, job.spec.size);
  if (!time) return job;
  const CollectivePlan plan = plan_of(*topology_, job.spec);
  Time latency;
  for (const auto& phase : plan.phases) latency += std::ranges::max(phase, {}, &Transfer::latency).latency;
  const Time still = std::max(std::min(*measured_time(job.spec.collective, job.spec.ranks, 1 * byte), *time), latency);
  const Time moving = idle_time(*topology_, plan) - latency;
  job.launch = still - latency;
  if (*time > still && moving > Time{}) job.bytes_factor = (*time - still) / moving;
  return job;
}

Job Evaluator::job_of(const Question& q) const {
  return job("collective", {q.collective, algorithm_of(q), ranks_of(q), q.size, q.imbalance}, q.algorithm.has_value());
}

std::optional<Answer> Evaluator::answer_by(FlowEngine engine, const Question& q) const {
  const Traffic traffic(*topology_, {job_of(q)});
  if (engine == FlowEngine::simgrid && !traffic.fits_simgrid()) return std::nullopt;
  const TrafficResult result = simulate(traffic, engine);
  if (!result.jobs[0].stalled.empty()) throw InfeasibleError(result.jobs[0].stalled);
  return Answer{result.jobs[0].repetitions[0].duration(), algorithm_of(q), Evaluation::flows};
}

std::optional<Answer> Evaluator::answer_by(Evaluation evaluation, const Question& q) const {
  const Algorithm algorithm = algorithm_of(q);
  if (evaluation == Evaluation::flows) return answer_by(Traffic(*topology_, {job_of(q)}).choice().engine, q);
  if (evaluation == Evaluation::measured) {
    const auto time = q.imbalance == 1 ? measured_time(q.collective, ranks_of(q), q.size) : std::nullopt;
    return time ? std::optional(Answer{*time, algorithm, evaluation}) : std::nullopt;
  }
  if (!switched_) return std::nullopt;
  const auto time = closed_form_time(near_, q.collective, algorithm, group_of(ranks_of(q)), q.size, q.imbalance);
  return time ? std::optional(Answer{*time + launch_, algorithm, evaluation}) : std::nullopt;
}

Answer Evaluator::answer(const Question& q) {
  const Key key{q.collective, q.algorithm, q.n_ranks, q.stride, q.first, q.size.base(), q.imbalance};
  if (const auto known = answers_.find(key); known != answers_.end() && !topology_->any_failed()) return known->second;
  std::optional<Answer> answer;
  if (!q.algorithm) answer = answer_by(Evaluation::measured, q);
  if (!answer) answer = answer_by(closed_form_holds(q) ? Evaluation::closed_form : Evaluation::flows, q);
  if (!topology_->any_failed()) answers_.emplace(key, *answer);
  return *answer;
}

std::unique_ptr<Evaluator> evaluator_of(const catalog::Accelerator& accelerator, const catalog::System* system, const catalog::Fabric* scale_out,
                                        std::int64_t n_accelerators, const catalog::Catalog& catalog) {
  const auto* const known = system && system->fabric ? catalog.fabrics.find(*system->fabric) : nullptr;
  if (known && known->kind == catalog::FabricKind::torus) return nullptr;
  const auto network = network_of(accelerator, system, scale_out, n_accelerators, catalog);
  if (!network) return nullptr;
  const auto fabric = [](const LinkSpec& link, catalog::FabricKind kind) {
    catalog::Fabric made;
    made.kind = kind;
    made.bandwidth.value = link.bandwidth;
    made.latency.value = link.latency;
    made.efficiency.value = link.efficiency;
    return made;
  };
  const catalog::Fabric up = fabric(network->scale_up(), known ? known->kind : catalog::FabricKind::nvlink_switch);
  const catalog::Fabric out = fabric(network->scale_out(), catalog::FabricKind::infiniband);
  FabricDesign design;
  design.n_accelerators = n_accelerators;
  design.domain_size = std::min(network->domain_size(), n_accelerators);
  // Switches large enough for the rails of a large domain.
  if (n_accelerators > *design.domain_size) design.radix = std::max<std::int64_t>(n_accelerators > 65'536 ? 128 : 64, std::min<std::int64_t>(1024, 2 * *design.domain_size));
  const FabricParts parts{network->domain_size() > 1 ? &up : nullptr, n_accelerators > network->domain_size() ? &out : nullptr, network->measured()};
  return std::make_unique<Evaluator>(design, parts, network->launch());
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
