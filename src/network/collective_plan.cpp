// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "torus_rings.hpp"
#include "transfer_builder.hpp"
#include "waferwatt/network/binary_tree.hpp"

namespace waferwatt::network {
namespace {

using Ranks = std::vector<Rank>;

class Planner {
 public:
  Planner(const Topology& topology, const CollectiveSpec& spec) : topology_(topology), spec_(spec) {
    for (const Rank r : spec.ranks) by_domain_[r / topology.domain_size()].push_back(r);
    shape_ = shape_of(topology, spec.ranks);
  }

  CollectivePlan plan() {
    if (spec_.collective == Collective::send) {
      TransferBuilder builder(topology_);
      const Time latency = builder.add(spec_.ranks[0], spec_.ranks[1]);
      return {{{builder.transfer(spec_.size, latency)}}};
    }
    if (spec_.ranks.size() == 1) return {};
    switch (spec_.algorithm) {
      case Algorithm::ring:
        return {{{ring()}}};
      case Algorithm::tree:
        return {{{tree(spec_.ranks, spec_.size, false)}}};
      case Algorithm::double_binary_tree:
        return {{{tree(spec_.ranks, spec_.size, true)}}};
      case Algorithm::tree_of_chains:
        return {{{tree_of_chains()}}};
      case Algorithm::halving_doubling:
        return halving_doubling();
      case Algorithm::in_network:
        if (!shape_.spans_domains()) return {{{in_domain_switch()}}};
        return hierarchical();
      case Algorithm::hierarchical:
      case Algorithm::hierarchical_tree:
        return spec_.collective == Collective::all_to_all ? two_step_exchange() : hierarchical();
      case Algorithm::torus_rings:
        return torus_rings(topology_, spec_);
      default:
        if (spec_.every_message) return {{messages()}};
        if (!spec_.pair_bytes.empty()) return {{{uneven_exchange()}}};
        return {{{exchange(spec_.ranks, spec_.size / n(spec_.ranks))}}};
    }
  }

 private:
  static double n(const Ranks& ranks) { return static_cast<double>(ranks.size()); }
  bool is(Collective collective) const { return spec_.collective == collective; }

  // --- rings ---

  /// Of the whole group: in each domain a ring per place, which leaves through that place's NIC.
  Transfer ring() const {
    TransferBuilder builder(topology_);
    const bool many = shape_.spans_domains() && shape_.per_domain > 1;
    const std::uint32_t channels = many ? shape_.per_domain : 1;
    Time around;
    for (std::uint32_t channel = 0; channel < channels; ++channel) around = add_ring(builder, channel, many);
    const double count = n(spec_.ranks);
    if (is(Collective::broadcast)) return builder.transfer(spec_.size / channels, around);
    const double passes = is(Collective::all_reduce) ? 2 : 1;
    return builder.transfer(passes * (count - 1) / count * spec_.size / channels, passes * (count - 1) / count * around);
  }

  /// \returns the latency once around, or from first to last for a broadcast
  Time add_ring(TransferBuilder& builder, std::uint32_t channel, bool many) const {
    Time sum;
    if (!many) {
      const std::size_t n_edges = spec_.ranks.size() - (is(Collective::broadcast) ? 1 : 0);
      for (std::size_t i = 0; i < n_edges; ++i) sum += builder.add(spec_.ranks[i], spec_.ranks[(i + 1) % spec_.ranks.size()]);
      return sum;
    }
    for (auto at = by_domain_.begin(); at != by_domain_.end(); ++at) {
      const Ranks& here = at->second;
      const std::size_t g = here.size();
      for (std::size_t i = 0; i + 1 < g; ++i) sum += builder.add(here[(channel + i) % g], here[(channel + i + 1) % g]);
      const bool last = std::next(at) == by_domain_.end();
      if (last && is(Collective::broadcast)) break;
      const Ranks& there = last ? by_domain_.begin()->second : std::next(at)->second;
      sum += builder.add(here[(channel + g - 1) % g], here[channel]) + builder.add(here[channel], there[channel]);
    }
    return sum;
  }

  /// Plain rings over several lists of ranks, side by side. \param passes 2 for an all-reduce
  Transfer rings(std::span<const Ranks> lists, DataSize size, double passes) const {
    TransferBuilder builder(topology_);
    Time longest;
    double share = 0;
    for (const Ranks& ranks : lists) {
      Time around;
      for (std::size_t i = 0; i < ranks.size(); ++i) around += builder.add(ranks[i], ranks[(i + 1) % ranks.size()]);
      share = (n(ranks) - 1) / n(ranks);
      longest = std::max(longest, around);
    }
    return builder.transfer(passes * share * size, passes * share * longest);
  }

  // --- trees ---

  Transfer tree(const Ranks& ranks, DataSize size, bool twice) const {
    TransferBuilder builder(topology_);
    Time deepest;
    for (int which = 0; which < (twice ? 2 : 1); ++which) {
      const auto parents = twice ? complementary_tree(ranks.size(), which == 1) : heap_tree(ranks.size());
      std::vector<Time> down(ranks.size());
      // Parents may come after their children: walk up from each rank.
      for (std::size_t i = 0; i < ranks.size(); ++i) {
        if (parents[i] == kRoot) continue;
        down[i] = builder.add(ranks[parents[i]], ranks[i]);
        if (is(Collective::all_reduce)) builder.add(ranks[i], ranks[parents[i]]);
      }
      for (std::size_t i = 0; i < ranks.size(); ++i) {
        Time depth;
        for (std::size_t at = i; parents[at] != kRoot; at = parents[at]) depth += down[at];
        deepest = std::max(deepest, depth);
      }
    }
    return builder.transfer(twice ? size / 2 : size, is(Collective::all_reduce) ? 2 * deepest : deepest);
  }

  /// In each domain a chain per place, whose head hangs in two trees across the domains by its own NIC; up and down
  /// pipelined, all at once.
  Transfer tree_of_chains() const {
    TransferBuilder builder(topology_);
    Time deepest;
    const std::vector<Ranks> heads = rails();
    for (std::size_t channel = 0; channel < heads.size(); ++channel) {
      Time chain;
      for (const auto& [domain, here] : by_domain_) {
        Time length;
        const std::size_t g = here.size();
        for (std::size_t i = 0; i + 1 < g; ++i) {
          length += builder.add(here[(channel + i) % g], here[(channel + i + 1) % g], 2);
          builder.add(here[(channel + i + 1) % g], here[(channel + i) % g], 2);
        }
        chain = std::max(chain, length);
      }
      const Transfer across = tree(heads[channel], spec_.size, true);
      for (const auto& use : across.uses) builder.count(use.link, use.weight);
      deepest = std::max(deepest, 2 * chain + across.latency);
    }
    return builder.transfer(spec_.size / static_cast<double>(heads.size()) / 2, deepest);
  }

  // --- recursive halving and doubling ---

  CollectivePlan halving_doubling() const {
    CollectivePlan plan;
    Ranks kept = spec_.ranks;
    const std::size_t power = std::bit_floor(kept.size()), extra = kept.size() - power;
    if (extra > 0) {  // the first `extra` pairs join, so that a power of two is left
      if (!is(Collective::all_reduce)) throw InputError(fmt::format("halving-doubling of {} needs a power of two ranks, not {}", io::enum_text(spec_.collective), kept.size()));
      kept.clear();
      for (std::size_t i = 0; i < spec_.ranks.size(); ++i)
        if (i >= 2 * extra || i % 2 == 1) kept.push_back(spec_.ranks[i]);
    }
    const auto fold = [&](bool out) {
      TransferBuilder builder(topology_);
      Time latency;
      for (std::size_t i = 0; i < extra; ++i) {
        const Rank even = spec_.ranks[2 * i], odd = spec_.ranks[2 * i + 1];
        latency = std::max(latency, out ? builder.add(odd, even) : builder.add(even, odd));
      }
      plan.phases.push_back({builder.transfer(spec_.size, latency)});
    };
    if (extra > 0) fold(false);
    if (!is(Collective::all_gather))
      for (std::size_t distance = power / 2; distance > 0; distance /= 2) plan.phases.push_back({round(kept, distance)});
    if (!is(Collective::reduce_scatter))
      for (std::size_t distance = 1; distance < power; distance *= 2) plan.phases.push_back({round(kept, distance)});
    if (extra > 0) fold(true);
    return plan;
  }

  Transfer round(const Ranks& ranks, std::size_t distance) const {
    TransferBuilder builder(topology_);
    Time latency;
    for (std::size_t i = 0; i < ranks.size(); ++i) latency = std::max(latency, builder.add(ranks[i], ranks[i ^ distance]));
    return builder.transfer(spec_.size * (static_cast<double>(distance) / n(ranks)), latency);
  }

  // --- two levels ---

  std::vector<Ranks> domains() const {
    std::vector<Ranks> lists;
    for (const auto& [domain, ranks] : by_domain_) lists.push_back(ranks);
    return lists;
  }
  /// The ranks of the same place in every domain.
  std::vector<Ranks> rails() const {
    std::vector<Ranks> lists(shape_.per_domain);
    for (const auto& [domain, ranks] : by_domain_)
      for (std::size_t i = 0; i < ranks.size(); ++i) lists[i].push_back(ranks[i]);
    return lists;
  }

  CollectivePlan hierarchical() const {
    CollectivePlan plan;
    const double g = shape_.per_domain;
    const std::vector<Ranks> inside = domains();
    if (g > 1 && (is(Collective::all_reduce) || is(Collective::reduce_scatter))) plan.phases.push_back({rings(inside, spec_.size, 1)});
    if (g > 1 && is(Collective::broadcast)) plan.phases.push_back({scatter(inside.front(), spec_.size / g)});
    auto& across = plan.phases.emplace_back();
    for (const Ranks& rail : rails()) across.push_back(across_domains(rail, spec_.size / g));
    if (g > 1 && !is(Collective::reduce_scatter)) plan.phases.push_back({rings(inside, spec_.size, 1)});
    return plan;
  }

  Transfer across_domains(const Ranks& rail, DataSize size) const {
    if (spec_.algorithm == Algorithm::in_network) return in_switches(rail, size);
    if (is(Collective::broadcast) || (spec_.algorithm == Algorithm::hierarchical_tree && is(Collective::all_reduce)))
      return tree(rail, size, true);
    return rings({&rail, 1}, size, is(Collective::all_reduce) ? 2 : 1);
  }

  Transfer scatter(const Ranks& ranks, DataSize piece) const {
    TransferBuilder builder(topology_);
    Time latency;
    for (std::size_t i = 1; i < ranks.size(); ++i) latency = std::max(latency, builder.add(ranks[0], ranks[i]));
    return builder.transfer(piece, latency);
  }

  // --- reduction in switches ---

  /// Every link up and down between the ranks carries the data once.
  Transfer in_switches(const Ranks& ranks, DataSize size) const {
    TransferBuilder builder(topology_);
    Time latency;
    for (std::size_t i = 1; i < ranks.size(); ++i) {
      builder.count_once(ranks[0], ranks[i]);
      builder.count_once(ranks[i], ranks[0]);
      latency = std::max(latency, topology_.latency(topology_.route(ranks[0], ranks[i])));
    }
    return builder.transfer(size, latency);
  }

  /// Inside a domain each rank reads its share, reduced by the switch, and writes it to all: 1 + 1/n each
  /// way for an all-reduce; a gather or a scatter is one half of it.
  Transfer in_domain_switch() const {
    const double count = n(spec_.ranks);
    const Transfer once = in_switches(spec_.ranks, spec_.size);
    switch (spec_.collective) {
      case Collective::all_reduce:
        return {once.uses, spec_.size * (1 + 1 / count), 2 * once.latency};
      case Collective::broadcast:
        return once;
      default:
        return {once.uses, spec_.size * ((count - 1) / count), once.latency};
    }
  }

  // --- exchange ---

  Transfer exchange(const Ranks& ranks, DataSize piece) const {
    std::vector<double> popularity;
    if (spec_.imbalance > 1 && ranks.size() > 1) {
      const double hot = std::min(spec_.imbalance, n(ranks));
      popularity.assign(ranks.size(), (n(ranks) - hot) / (n(ranks) - 1));
      popularity[0] = hot;
    }
    TransferBuilder builder(topology_);
    builder.add(topology_.exchange_loads(ranks, popularity));
    Time latency;
    for (const Rank r : ranks) latency = std::max(latency, topology_.latency(topology_.route(ranks[0], r)));
    return builder.transfer(piece, latency);
  }

  /// What the i-th rank sends to the j-th.
  DataSize message(std::size_t i, std::size_t j) const {
    const std::size_t count = spec_.ranks.size();
    if (!spec_.pair_bytes.empty()) return spec_.pair_bytes[i * count + j];
    const double hot = std::min(spec_.imbalance, n(spec_.ranks));
    const double popularity = j == 0 ? hot : (n(spec_.ranks) - hot) / (n(spec_.ranks) - 1);
    return popularity * spec_.size / n(spec_.ranks);
  }

  std::vector<Transfer> messages() const {
    std::vector<Transfer> all;
    std::vector<LinkIndex> route;
    const std::size_t count = spec_.ranks.size();
    all.reserve(count * count);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < count; ++j) {
        if (i == j || message(i, j) == DataSize{}) continue;
        route.clear();
        topology_.append_route(spec_.ranks[i], spec_.ranks[j], route);
        Transfer& one = all.emplace_back(Transfer{{}, message(i, j), topology_.latency(route)});
        for (const LinkIndex link : route) one.uses.push_back({link, 1});  // no link twice on a way
      }
    return all;
  }

  /// All messages in proportion, as one flow: over when the most loaded link is.
  Transfer uneven_exchange() const {
    TransferBuilder builder(topology_);
    Time latency;
    const std::size_t count = spec_.ranks.size();
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < count; ++j)
        if (i != j && message(i, j) > DataSize{})
          latency = std::max(latency, builder.add(spec_.ranks[i], spec_.ranks[j], message(i, j) / byte));
    return builder.transfer(1 * byte, latency);
  }

  /// Inside a domain to the rank of the right rail, then along the rails.
  CollectivePlan two_step_exchange() const {
    CollectivePlan plan;
    const auto exchange_all = [&](const std::vector<Ranks>& lists, DataSize piece) {
      TransferBuilder builder(topology_);
      Time latency;
      for (const Ranks& ranks : lists) {
        const Transfer one = exchange(ranks, piece);
        for (const auto& use : one.uses) builder.count(use.link, use.weight);
        latency = std::max(latency, one.latency);
      }
      plan.phases.push_back({builder.transfer(piece, latency)});
    };
    if (shape_.per_domain > 1) exchange_all(domains(), spec_.size / shape_.per_domain);
    exchange_all(rails(), spec_.size / shape_.n_domains);
    return plan;
  }

  const Topology& topology_;
  const CollectiveSpec& spec_;
  std::map<std::uint32_t, Ranks> by_domain_;
  GroupShape shape_;
};

void check_messages(const CollectiveSpec& spec, const std::string& what) {
  constexpr std::size_t kMostMessages = 2'000'000;
  const std::size_t n = spec.ranks.size();
  if (spec.pair_bytes.empty() && !spec.every_message) return;
  if (spec.collective != Collective::all_to_all || spec.algorithm != Algorithm::pairwise)
    throw InputError(fmt::format("{}: messages of their own sizes are those of a pairwise all-to-all", what));
  if (!spec.pair_bytes.empty() && spec.pair_bytes.size() != n * n)
    throw InputError(fmt::format("{}: {} sizes of messages, {} ranks need {}", what, spec.pair_bytes.size(), n, n * n));
  if (spec.every_message && n * n > kMostMessages)
    throw InputError(fmt::format("{}: {} messages are more than the {} that are simulated one by one", what, n * n, kMostMessages));
}

void check(const Topology& topology, const CollectiveSpec& spec, const GroupShape& shape) {
  const std::string what = io::enum_text(spec.collective);
  if (spec.ranks.empty()) throw InputError(fmt::format("{}: a group without ranks", what));
  std::unordered_set<Rank> seen;
  for (const Rank r : spec.ranks) {
    if (r >= topology.n_ranks())
      throw InputError(fmt::format("{}: rank {} is beyond the fabric's {} accelerators", what, r, topology.n_ranks()));
    if (!seen.insert(r).second) throw InputError(fmt::format("{}: rank {} stands twice in the group", what, r));
  }
  if (spec.collective == Collective::send && spec.ranks.size() != 2)
    throw InputError(fmt::format("send: needs two ranks, not {}", spec.ranks.size()));
  if (std::ranges::find(algorithms_of(spec.collective), spec.algorithm) == algorithms_of(spec.collective).end())
    throw InputError(fmt::format("{} has no algorithm {}", what, io::enum_text(spec.algorithm)));
  const bool two_level = spec.algorithm == Algorithm::tree_of_chains || spec.algorithm == Algorithm::hierarchical || spec.algorithm == Algorithm::hierarchical_tree ||
                         (spec.algorithm == Algorithm::in_network && shape.spans_domains());
  if (two_level && shape.per_domain == 0)
    throw InputError(fmt::format("{}: {} needs the same number of ranks in every domain", what, io::enum_text(spec.algorithm)));
  if (spec.algorithm == Algorithm::in_network && shape.spans_domains() && spec.collective != Collective::all_reduce && spec.collective != Collective::broadcast)
    throw InputError(fmt::format("{}: across domains the switches reduce for all-reduce and broadcast only", what));
  if (spec.algorithm == Algorithm::torus_rings && !box_of(topology, spec.ranks))
    throw InputError(fmt::format("{}: torus-rings needs ranks that make a box in a torus", what));
  check_messages(spec, what);
  if (!(spec.imbalance >= 1)) throw InputError(fmt::format("{}: imbalance {} is below 1", what, spec.imbalance));
}

}  // namespace

std::span<const Algorithm> algorithms_of(Collective collective) {
  using A = Algorithm;
  static constexpr A kReduce[] = {A::ring, A::tree, A::double_binary_tree, A::halving_doubling, A::hierarchical, A::hierarchical_tree, A::tree_of_chains, A::in_network, A::torus_rings};
  static constexpr A kGather[] = {A::ring, A::halving_doubling, A::hierarchical, A::in_network, A::torus_rings};
  static constexpr A kBroadcast[] = {A::ring, A::tree, A::double_binary_tree, A::hierarchical, A::in_network};
  static constexpr A kExchange[] = {A::pairwise, A::hierarchical};
  static constexpr A kSend[] = {A::direct};
  switch (collective) {
    case Collective::all_reduce:
      return kReduce;
    case Collective::all_gather:
    case Collective::reduce_scatter:
      return kGather;
    case Collective::broadcast:
      return kBroadcast;
    case Collective::all_to_all:
      return kExchange;
    case Collective::send:
      break;
  }
  return kSend;
}

GroupShape shape_of(const Topology& topology, std::span<const Rank> ranks) {
  std::unordered_map<std::uint32_t, std::uint32_t> counts;
  for (const Rank r : ranks) ++counts[r / topology.domain_size()];
  GroupShape shape{static_cast<std::uint32_t>(ranks.size()), static_cast<std::uint32_t>(counts.size()), 0};
  if (counts.empty()) return shape;
  shape.per_domain = counts.begin()->second;
  for (const auto& [domain, count] : counts)
    if (count != shape.per_domain) shape.per_domain = 0;
  return shape;
}

CollectivePlan plan_of(const Topology& topology, const CollectiveSpec& spec) {
  check(topology, spec, shape_of(topology, spec.ranks));
  return Planner(topology, spec).plan();
}

Time idle_time(const Topology& topology, const CollectivePlan& plan) {
  Time total;
  for (const auto& phase : plan.phases) {
    std::unordered_map<LinkIndex, double> load;  // bytes, if all transfers had the whole phase
    Time longest, latency;
    for (const auto& transfer : phase) {
      latency = std::max(latency, transfer.latency);
      for (const auto& use : transfer.uses) load[use.link] += use.weight * transfer.bytes.base();
    }
    for (const auto& [link, bytes] : load)
      longest = std::max(longest, DataSize::from_base(bytes) / topology.links()[link].capacity);
    total += latency + longest;
  }
  return total;
}

}  // namespace waferwatt::network
