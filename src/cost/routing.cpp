// SPDX-License-Identifier: Apache-2.0
// How routing loads experts: shares of groups, and the accelerator that all wait for.
#include <algorithm>
#include <cmath>
#include <functional>

#include "waferwatt/cost/operators.hpp"

namespace waferwatt::cost {

std::vector<double> group_shares(const Routing& routing, std::size_t n, double n_pairs, double n_tokens) {
  std::vector<double> shares(n, 1.0);
  if (routing.kind == Routing::Kind::measured) {
    if (routing.shares.size() != n)
      throw InputError("a histogram of " + std::to_string(routing.shares.size()) + " experts is given for " + std::to_string(n));
    shares = routing.shares;
    std::ranges::sort(shares, std::greater{});
    if (shares.back() < 0 || shares.front() <= 0) throw InputError("shares of experts must not be negative, and one must be above 0");
  } else if (routing.kind == Routing::Kind::zipf) {
    for (std::size_t i = 0; i < n; ++i) shares[i] = std::pow(static_cast<double>(i + 1), -routing.exponent);
  } else if (routing.kind == Routing::Kind::power_law) {
    // Quantiles of the density x^-a between low and high, the largest first.
    const bool is_dense = n_pairs > static_cast<double>(n);
    const double low = is_dense ? 1 : 0.01, high = is_dense ? std::max(1.5, 0.8 * n_tokens) : 2, e = 1 - routing.exponent;
    const double low_e = std::pow(low, e), high_e = std::pow(high, e);
    for (std::size_t i = 0; i < n; ++i) {
      const double u = 1 - (static_cast<double>(i) + 0.5) / static_cast<double>(n);
      shares[i] = std::abs(e) < 1e-6 ? low * std::pow(high / low, u) : std::pow(low_e + u * (high_e - low_e), 1 / e);
    }
  }
  double sum = 0;
  for (const double share : shares) sum += share;
  for (double& share : shares) share /= sum;
  return shares;
}

namespace {

/// Shares of the experts' copies, the largest first: each further copy takes part of what is most for one copy.
std::vector<double> copied(const std::vector<double>& shares, std::size_t n_copies) {
  std::vector<double> copies(shares.size(), 1);
  for (; n_copies > 0; --n_copies) {
    std::size_t most = 0;
    for (std::size_t i = 1; i < shares.size(); ++i)
      if (shares[i] / copies[i] > shares[most] / copies[most]) most = i;
    ++copies[most];
  }
  std::vector<double> all;
  for (std::size_t i = 0; i < shares.size(); ++i) all.insert(all.end(), static_cast<std::size_t>(copies[i]), shares[i] / copies[i]);
  std::ranges::sort(all, std::greater{});
  return all;
}

/// The largest sum of shares on one of `n_places`, the heaviest placed first where there is least and still room.
double busiest_share(const std::vector<double>& shares, std::size_t n_places) {
  const std::size_t room = (shares.size() + n_places - 1) / n_places;
  std::vector<double> sums(n_places, 0);
  std::vector<std::size_t> held(n_places, 0);
  for (const double share : shares) {
    std::size_t least = n_places;
    for (std::size_t i = 0; i < n_places; ++i)
      if (held[i] < room && (least == n_places || sums[i] < sums[least])) least = i;
    sums[least] += share, ++held[least];
  }
  return std::ranges::max(sums);
}

}  // namespace

ExpertLoad expert_load(const Routing& routing, double n_experts, double expert_parallel, double n_pairs, double n_tokens, double n_copies) {
  const double local = (n_experts + n_copies) / expert_parallel, mean = n_pairs / expert_parallel;
  if (routing.kind == Routing::Kind::balanced) return {mean, std::min(local, mean), 1};
  if (routing.kind == Routing::Kind::random) {
    // Experts that get a token at all when every pair picks one of n_experts at random.
    const double hit = local * -std::expm1(n_pairs * std::log1p(-1 / std::max(n_experts + n_copies, 1 + 1e-9)));
    return {mean, std::min(hit, mean), 1};
  }
  const auto shares = group_shares(routing, static_cast<std::size_t>(n_experts), n_pairs, n_tokens);
  const double hottest = shares.front();
  if (n_copies > 0) {
    const auto copies = copied(shares, static_cast<std::size_t>(n_copies));
    const double pairs = n_pairs * busiest_share(copies, static_cast<std::size_t>(expert_parallel));
    return {pairs, std::min(local, pairs), std::max(1.0, copies.front() * (n_experts + n_copies))};
  }
  // The accelerator with the hottest expert, and average others beside it.
  const double rank = n_experts > 1 ? hottest + (local - 1) * (1 - hottest) / (n_experts - 1) : 1;
  double used = 0;
  for (const double share : shares) used += std::min(1.0, n_pairs * share);
  const double pairs = n_pairs * std::min(1.0, rank);
  return {pairs, std::min({local, pairs, std::max(used * local / n_experts, std::min(1.0, n_pairs * hottest))}),
          std::max(1.0, hottest * n_experts)};
}

}  // namespace waferwatt::cost
