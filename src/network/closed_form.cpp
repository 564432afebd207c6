// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/closed_form.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace waferwatt::network {
namespace {

double number(std::int64_t n) { return static_cast<double>(n); }
double log2_up(std::int64_t n) { return n <= 1 ? 0 : static_cast<double>(std::bit_width(static_cast<std::uint64_t>(n - 1))); }
double log2_down(std::int64_t n) { return n <= 1 ? 0 : static_cast<double>(std::bit_width(static_cast<std::uint64_t>(n)) - 1); }

/// One question, with its shape worked out.
struct Case {
  const LinkSpec &up, &out;
  Collective collective;
  std::int64_t n, g, m;
  DataSize size;

  double passes() const { return collective == Collective::all_reduce ? 2 : 1; }
  bool spans() const { return m > 1; }
  const LinkSpec& level() const { return spans() ? out : up; }
};

std::optional<Time> ring(const Case& c) {
  const double n = number(c.n), g = number(c.g), m = number(c.m);
  if (c.collective == Collective::broadcast) {
    if (c.spans() && c.g > 1)
      return m * (g - 1) * c.up.latency + (m - 1) * (c.up.latency + c.out.latency) +
             std::max(c.size / c.up.effective_bandwidth(), c.size / g / c.out.effective_bandwidth());
    return (n - 1) * c.level().latency + c.size / c.level().effective_bandwidth();
  }
  if (!c.spans() || c.g == 1) return c.passes() * ring_all_gather_time(c.level(), c.n, c.size);
  const Time around = m * (g * c.up.latency + c.out.latency);
  const Time moving = std::max(c.size / c.up.effective_bandwidth(), c.size / g / c.out.effective_bandwidth());
  return c.passes() * (n - 1) / n * (around + moving);
}

std::optional<Time> tree(const Case& c, bool twice) {
  if (c.spans() && c.g > 1) return std::nullopt;  // which edges leave a domain depends on the ranks
  const LinkSpec& link = c.level();
  const Time whole = c.size / link.effective_bandwidth();
  const double depth = twice ? log2_up(c.n) : log2_down(c.n);
  if (c.collective == Collective::broadcast) {
    // A root with two children sends all twice; with two trees of half the data each does so for one.
    const double copies = twice ? (c.n == 2 ? 0.5 : 1) : (c.n == 2 ? 1 : 2);
    if (twice && c.n <= 3) return std::nullopt;
    return depth * link.latency + copies * whole;
  }
  const double copies = twice ? (c.n >= 4 ? 2 : c.n == 3 ? 1.5 : 1) : (c.n >= 5 ? 3 : c.n >= 3 ? 2 : 1);
  return 2 * depth * link.latency + copies * whole;
}

std::optional<Time> halving_doubling(const Case& c) {
  const std::int64_t power = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(c.n)));
  if (power != c.n && (c.collective != Collective::all_reduce || c.spans())) return std::nullopt;
  if (c.spans() && !std::has_single_bit(static_cast<std::uint64_t>(c.g))) return std::nullopt;
  Time sum;
  for (std::int64_t distance = power / 2; distance > 0; distance /= 2) {
    const LinkSpec& link = distance >= c.g ? c.out : c.up;
    sum += link.latency + c.size * (number(distance) / number(power)) / link.effective_bandwidth();
  }
  sum = c.passes() * sum;
  if (power != c.n) sum += 2 * (c.up.latency + c.size / c.up.effective_bandwidth());
  return sum;
}

std::optional<Time> two_level(const Case& c, Algorithm algorithm) {
  if (c.g < 1) return std::nullopt;
  const DataSize slice = c.size / number(c.g);
  const Time inside = ring_all_gather_time(c.up, c.g, c.size);
  Time across = c.passes() * ring_all_gather_time(c.out, c.m, slice);
  if (!c.spans())
    across = {};
  else if (algorithm == Algorithm::in_network)
    across = c.out.latency + slice / c.out.effective_bandwidth();
  else if (c.collective == Collective::broadcast || (algorithm == Algorithm::hierarchical_tree && c.collective == Collective::all_reduce)) {
    const auto trees = tree({c.out, c.out, c.collective, c.m, 1, c.m, slice}, true);
    if (!trees) return std::nullopt;
    across = *trees;
  }
  if (c.collective == Collective::broadcast) {
    const Time scatter = c.g > 1 ? c.up.latency + (number(c.g) - 1) * (slice / c.up.effective_bandwidth()) : Time{};
    return scatter + across + inside;
  }
  return c.passes() * inside + across;
}

std::optional<Time> tree_of_chains(const Case& c) {
  if (!c.spans() || c.m < 2) return std::nullopt;
  const double g = number(c.g), copies = c.m >= 4 ? 2 : c.m == 3 ? 1.5 : 1;
  const DataSize slice = c.size / g;
  return 2 * (log2_up(c.m) * c.out.latency + (g - 1) * c.up.latency) +
         std::max(2 * (g - 1) * (slice / c.up.effective_bandwidth()), copies * (slice / c.out.effective_bandwidth()));
}

std::optional<Time> in_network(const Case& c) {
  if (c.spans()) return two_level(c, Algorithm::in_network);
  const double n = number(c.n);
  const Time whole = c.size / c.up.effective_bandwidth();
  if (c.collective == Collective::all_reduce) return 2 * c.up.latency + (1 + 1 / n) * whole;
  if (c.collective == Collective::broadcast) return c.up.latency + whole;
  return c.up.latency + (n - 1) / n * whole;
}

Time exchange(const Case& c, bool two_step, double imbalance) {
  const double n = number(c.n), g = number(c.g), m = number(c.m), hot = std::clamp(imbalance, 1.0, n);
  if (two_step && c.spans()) {
    const Time inside = c.g > 1 ? c.up.latency + std::min(hot, g) * (g - 1) / g * (c.size / c.up.effective_bandwidth()) : Time{};
    return inside + c.out.latency + std::min(hot, m) * (m - 1) / m * (c.size / c.out.effective_bandwidth());
  }
  const Time inside = hot * (g - 1) / n * (c.size / c.up.effective_bandwidth());
  if (!c.spans()) return c.up.latency + inside;
  return c.out.latency + std::max(inside, hot * (n - g) / n * (c.size / c.out.effective_bandwidth()));
}

}  // namespace

std::optional<Time> closed_form_time(const TwoLevelNetwork& network, Collective collective, Algorithm algorithm,
                                     Group group, DataSize size, double imbalance) {
  if (group.n_ranks <= 1) return Time{};
  const std::int64_t g = std::min(group.per_domain, group.n_ranks);
  if (group.n_ranks % g != 0) return std::nullopt;
  const Case c{network.scale_up(), network.scale_out(), collective, group.n_ranks, g, group.n_ranks / g, size};
  switch (algorithm) {
    case Algorithm::ring:
      return ring(c);
    case Algorithm::tree:
      return tree(c, false);
    case Algorithm::double_binary_tree:
      return tree(c, true);
    case Algorithm::halving_doubling:
      return halving_doubling(c);
    case Algorithm::in_network:
      return in_network(c);
    case Algorithm::pairwise:
      return exchange(c, false, imbalance);
    case Algorithm::hierarchical:
    case Algorithm::hierarchical_tree:
      return collective == Collective::all_to_all ? exchange(c, true, imbalance) : two_level(c, algorithm);
    case Algorithm::tree_of_chains:
      return tree_of_chains(c);
    case Algorithm::torus_rings:
      return std::nullopt;
    case Algorithm::direct:
      break;
  }
  return send_time(c.level(), size);
}

AlgorithmTime fastest_algorithm(const TwoLevelNetwork& network, Collective collective, Group group, DataSize size,
                                bool in_network) {
  std::optional<AlgorithmTime> best;
  for (const Algorithm algorithm : algorithms_of(collective)) {
    if (algorithm == Algorithm::in_network && !in_network) continue;
    const bool two_level = algorithm == Algorithm::tree_of_chains || algorithm == Algorithm::hierarchical || algorithm == Algorithm::hierarchical_tree;
    if (two_level && (!group.spans_domains() || group.per_domain == 1)) continue;
    if (algorithm == Algorithm::in_network && group.spans_domains() && collective != Collective::all_reduce && collective != Collective::broadcast) continue;
    const auto time = closed_form_time(network, collective, algorithm, group, size);
    if (time && (!best || *time < best->time)) best = AlgorithmTime{algorithm, *time};
  }
  return best ? *best : AlgorithmTime{algorithms_of(collective).front(), Time{}};
}

}  // namespace waferwatt::network
