// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/power/capping.hpp"

#include <algorithm>
#include <numeric>

#include "waferwatt/core/power_cap.hpp"

namespace waferwatt::power {
namespace {

constexpr double kLeastCap = 1e-6;  // a cap of nothing: the least clock

/// Gives a group the same part of what lies between floor and need. \returns what is left
Power fill_evenly(Power available, std::span<const CappedLoad> loads, std::span<const std::size_t> group, std::vector<Power>& granted) {
  Power wanted;
  for (const std::size_t i : group) wanted += loads[i].needed - loads[i].floor;
  const double part = wanted > 0 * watt ? std::clamp(available / wanted, 0.0, 1.0) : 1.0;
  for (const std::size_t i : group) granted[i] = part >= 1 ? loads[i].needed : loads[i].floor + part * (loads[i].needed - loads[i].floor);
  return std::max(available - wanted, 0 * watt);
}

}  // namespace

double capped_speed(double cap, double static_part, double clock_bound) {
  if (cap >= 1) return 1;
  const core::Draw draw{.idle = static_part * watt, .core = (1 - static_part) * watt, .clock_share = clock_bound};
  return 1 / core::capped(draw, std::max(cap, kLeastCap) * watt).slowdown;
}

std::vector<Power> share_power(CapPolicy policy, Power available, std::span<const CappedLoad> loads) {
  std::vector<Power> granted(loads.size());
  Power floors;
  for (std::size_t i = 0; i < loads.size(); ++i) granted[i] = loads[i].floor, floors += loads[i].floor;
  Power left = available - floors;
  if (left <= 0 * watt) return granted;

  std::vector<std::size_t> order(loads.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto rank = [&](std::size_t i) {
    if (policy == CapPolicy::uniform) return 0.0;
    return policy == CapPolicy::priority ? -loads[i].priority : loads[i].is_serving ? 0.0 : 1.0;
  };
  std::ranges::stable_sort(order, {}, rank);
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first + 1;
    while (last < order.size() && rank(order[last]) == rank(order[first])) ++last;
    left = fill_evenly(left, loads, std::span(order).subspan(first, last - first), granted);
    first = last;
  }
  return granted;
}

}  // namespace waferwatt::power
