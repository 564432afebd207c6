// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/traffic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <unordered_map>

#include "transfer_builder.hpp"
#include "waferwatt/engine/simgrid_flows.hpp"

namespace waferwatt::network {

Traffic::Traffic(Topology& topology, std::vector<Job> jobs, std::vector<LinkChange> changes, Time failover)
    : jobs_(std::move(jobs)), failover_(failover), n_links_(topology.links().size()) {
  std::ranges::stable_sort(changes, {}, &LinkChange::at);
  plan_states(topology, changes);
  fold(topology, changes);
}

std::size_t Traffic::most_flows() const {
  std::size_t most = 0;
  for (const auto& plans : plans_) {
    std::size_t now = 0;
    for (const FoldedPlan& plan : plans) {
      std::size_t largest = 0;
      for (const auto& phase : plan.phases) largest = std::max(largest, phase.size());
      now += largest;
    }
    most = std::max(most, now);
  }
  return most;
}

std::string Traffic::unfit_for_simgrid() const {
  constexpr std::size_t kMostLinks = 256;
  constexpr double kMostEntries = 16384;
  for (const FoldedTransfer& t : transfers_) {
    double entries = 0;
    for (const auto& use : t.uses) entries += use.weight;
    if (t.uses.size() > kMostLinks) return fmt::format("a transfer uses {} links that differ, and SimGrid is quadratic above {}", t.uses.size(), kMostLinks);
    if (entries > kMostEntries) return fmt::format("a transfer lists its links {:.0f} times, and SimGrid is slow above {:.0f}", entries, kMostEntries);
    if (!engine::SimgridFlows::takes(t.uses)) return "shares of a link without a common measure, and SimGrid's are whole";
  }
  return {};
}

EngineChoice Traffic::choice() const {
  constexpr std::size_t kMostFlows = 1000;
  if (!meet_) return {FlowEngine::fluid, "no two transfers meet on a link"};
  if (const std::size_t n = most_flows(); n > kMostFlows)
    return {FlowEngine::fluid, fmt::format("{} flows at once, and SimGrid is quadratic above {}", n, kMostFlows)};
  if (std::string reason = unfit_for_simgrid(); !reason.empty()) return {FlowEngine::fluid, std::move(reason)};
  return {FlowEngine::simgrid, "transfers meet on links"};
}

// One set of plans for each set of failed links that occurs.
void Traffic::plan_states(Topology& topology, std::vector<LinkChange>& changes) {
  std::vector<std::pair<LinkIndex, bool>> before;
  for (const auto& change : changes) before.emplace_back(change.link, topology.failed(change.link));
  const auto restore = [&] {
    for (const auto& [link, failed] : before) topology.set_failed(link, failed);
  };
  try {
    const auto n_initial = std::ranges::upper_bound(changes, Time{}, {}, &LinkChange::at) - changes.begin();
    for (std::ptrdiff_t i = 0; i < n_initial; ++i) {
      const auto& change = changes[static_cast<std::size_t>(i)];
      topology.set_failed(change.link, change.factor == 0);
    }
    first_state_ = plan_state(topology);
    state_after_.assign(static_cast<std::size_t>(n_initial), first_state_);
    for (auto i = static_cast<std::size_t>(n_initial); i < changes.size(); ++i) {
      topology.set_failed(changes[i].link, changes[i].factor == 0);
      const bool more_now = i + 1 < changes.size() && changes[i + 1].at == changes[i].at;
      state_after_.push_back(more_now ? (state_after_.empty() ? first_state_ : state_after_.back()) : plan_state(topology));
    }
  } catch (...) {
    restore();
    throw;
  }
  restore();
}

namespace {

/// Weight of a transfer on its narrowest link, the largest of several.
double narrowest_weight(const Topology& topology, const std::vector<engine::LinkUse>& uses) {
  double weight = 1;
  Bandwidth least;
  for (const auto& use : uses) {
    const Bandwidth capacity = topology.links()[use.link].capacity;
    if (&use != &uses.front() && (capacity > least || (capacity == least && use.weight <= weight))) continue;
    least = capacity;
    weight = use.weight;
  }
  return weight;
}

}  // namespace

/// The plan of a job; groups in lock step add up to one transfer in each phase.
std::vector<std::vector<Transfer>> Traffic::phases_of(const Topology& topology, const Job& job) const {
  auto phases = plan_of(topology, job.spec).phases;
  if (job.beside.empty()) return phases;
  std::vector<TransferBuilder> sums(phases.size(), TransferBuilder(topology));
  std::vector<Time> latencies(phases.size());
  const auto add = [&](const std::vector<std::vector<Transfer>>& more) {
    for (std::size_t i = 0; i < more.size(); ++i)
      for (const Transfer& t : more[i]) {
        latencies[i] = std::max(latencies[i], t.latency);
        for (const auto& use : t.uses) sums[i].count(use.link, use.weight * (t.bytes / phases[i][0].bytes));
      }
  };
  add(phases);
  for (const auto& ranks : job.beside) {
    if (ranks.size() != job.spec.ranks.size())
      throw InputError(fmt::format("groups in lock step have {} and {} ranks", job.spec.ranks.size(), ranks.size()));
    CollectiveSpec spec = job.spec;
    spec.ranks = ranks;
    const auto plan = plan_of(topology, spec);
    if (plan.phases.size() != phases.size()) throw InputError("groups in lock step lie in the fabric in different ways");
    add(plan.phases);
  }
  for (std::size_t i = 0; i < phases.size(); ++i) phases[i] = {sums[i].transfer(phases[i][0].bytes, latencies[i])};
  return phases;
}

std::uint32_t Traffic::plan_state(Topology& topology) {
  std::vector<LinkIndex> failed;
  if (topology.any_failed())
    for (LinkIndex link = 0; link < topology.links().size(); ++link)
      if (topology.failed(link)) failed.push_back(link);
  if (const auto known = std::ranges::find(states_, failed); known != states_.end())
    return static_cast<std::uint32_t>(known - states_.begin());
  states_.push_back(failed);
  auto& plans = plans_.emplace_back();
  for (std::uint32_t j = 0; j < jobs_.size(); ++j) {
    const Job& job = jobs_[j];
    FoldedPlan& plan = plans.emplace_back();
    try {
      for (auto& phase : phases_of(topology, job)) {
        auto& indices = plan.phases.emplace_back();
        for (auto& transfer : phase) {
          indices.push_back(static_cast<std::uint32_t>(transfers_.size()));
          const double unit = narrowest_weight(topology, transfer.uses);
          for (auto& use : transfer.uses) use.weight /= unit;
          transfers_.push_back({{}, std::move(transfer.uses), unit * job.bytes_factor * transfer.bytes.base(), transfer.latency.base(),
                                static_cast<std::uint32_t>(states_.size() - 1), j, static_cast<std::uint32_t>(plan.phases.size() - 1)});
        }
      }
    } catch (const InfeasibleError& problem) {
      plan = {{}, problem.what()};
    } catch (const InputError& problem) {
      throw InputError(job.name + ": " + problem.diagnostics().front().message);
    }
  }
  return static_cast<std::uint32_t>(states_.size() - 1);
}

namespace {

/// A use of one link: the transfer and the weight relative to the link's smallest.
struct Share {
  std::uint32_t transfer;
  double weight;
  friend bool operator==(const Share&, const Share&) = default;
};

std::uint64_t hash_of(std::span<const Share> shares) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto mix = [&hash](std::uint64_t value) { hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL; hash ^= hash >> 29; };
  for (const Share& share : shares) {
    mix(share.transfer);
    mix(std::bit_cast<std::uint64_t>(share.weight));
  }
  return hash;
}

constexpr double kRounding = 1e-9;  // relative
constexpr double kClose = 5e-4;     // by which shares may be rounded where transfers meet

/// The least factor that makes all weights whole to within `tolerance` and no larger than SimGrid takes; 0: none.
double whole_factor(std::span<const Share> shares, double tolerance) {
  const double largest = std::ranges::max(shares, {}, &Share::weight).weight;
  const auto whole = [&](double x) { return std::abs(x - std::round(x)) <= tolerance * x; };
  for (double factor = 1; factor * largest <= engine::SimgridFlows::kMaxWeight; ++factor)
    if (std::ranges::all_of(shares, [&](const Share& s) { return whole(factor * s.weight); })) return factor;
  return 0;
}

/// The folded link of one that changes, and what its weights were divided by.
struct Alone {
  std::uint32_t folded = kUnused;
  double divisor = 1;
  static constexpr std::uint32_t kUnused = 0xffffffff;
  bool used() const { return folded != kUnused; }
};

/// The uses of all transfers, link by link.
struct LinkShares {
  std::vector<std::size_t> first;  // of each link, and one past the last
  std::vector<Share> shares;

  std::span<Share> of(LinkIndex link) { return {shares.data() + first[link], first[link + 1] - first[link]}; }
};

}  // namespace

/// Whether two transfers can be under way at the same time.
bool Traffic::may_meet(std::uint32_t a, std::uint32_t b) const {
  const FoldedTransfer &x = transfers_[a], &y = transfers_[b];
  return x.job != y.job || (x.state == y.state && x.phase == y.phase);
}

void Traffic::fold(const Topology& topology, const std::vector<LinkChange>& changes) {
  LinkShares by_link;
  by_link.first.assign(n_links_ + 1, 0);
  for (const auto& transfer : transfers_)
    for (const auto& use : transfer.original) ++by_link.first[use.link + 1];
  for (std::size_t i = 0; i < n_links_; ++i) by_link.first[i + 1] += by_link.first[i];
  by_link.shares.resize(by_link.first.back());
  auto next = by_link.first;
  for (std::uint32_t t = 0; t < transfers_.size(); ++t)
    for (const auto& use : transfers_[t].original) by_link.shares[next[use.link]++] = {t, use.weight};

  const auto any_meet = [&](std::span<const Share> shares) {
    for (std::size_t i = 0; i + 1 < shares.size(); ++i)
      for (std::size_t k = i + 1; k < shares.size(); ++k)
        if (may_meet(shares[i].transfer, shares[k].transfer)) return true;
    return false;
  };
  std::map<LinkIndex, Alone> changing;
  for (const auto& change : changes) changing[change.link] = {};
  std::unordered_multimap<std::uint64_t, std::uint32_t> classes;  // hash of shares -> folded link
  std::vector<std::vector<Share>> folded;
  for (LinkIndex link = 0; link < n_links_; ++link) {
    const auto shares = by_link.of(link);
    if (shares.empty()) continue;
    ++n_unfolded_;
    double unit = std::ranges::min(shares, {}, &Share::weight).weight;
    for (Share& share : shares) share.weight /= unit;
    if (shares.size() > 1) {
      const bool meet = any_meet(shares);
      meet_ = meet_ || meet;
      double factor = whole_factor(shares, kRounding);
      if (factor == 0 && meet) factor = whole_factor(shares, kClose);
      if (factor > 0) {
        unit /= factor;
        for (Share& share : shares) share.weight = std::round(factor * share.weight);
      }
    }
    const double capacity = topology.failed(link) ? 0 : topology.links()[link].capacity.base() / unit;
    const std::uint64_t hash = hash_of(shares);
    std::uint32_t at = static_cast<std::uint32_t>(folded.size());
    if (!changing.contains(link))
      for (auto [candidate, end] = classes.equal_range(hash); candidate != end; ++candidate)
        if (std::ranges::equal(folded[candidate->second], shares)) at = candidate->second;
    if (at < folded.size()) {
      capacities_[at] = std::min(capacities_[at], capacity);
      continue;
    }
    folded.emplace_back(shares.begin(), shares.end());
    capacities_.push_back(capacity);
    if (changing.contains(link))
      changing[link] = {at, unit};
    else
      classes.emplace(hash, at);
  }
  for (std::uint32_t at = 0; at < folded.size(); ++at)
    for (const Share& share : folded[at]) transfers_[share.transfer].uses.push_back({at, share.weight});

  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto& change = changes[i];
    const Alone alone = changing[change.link];
    // A link that nobody uses may still change the state, and so the ways that others take.
    const double capacity = topology.links()[change.link].capacity.base() * change.factor / alone.divisor;
    if (change.at <= Time{}) {
      if (alone.used()) capacities_[alone.folded] = capacity;
    } else {
      steps_.push_back({change.at.base(), alone.folded, capacity, state_after_[i]});
    }
  }
}

}  // namespace waferwatt::network
