// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "waferwatt/world/views.hpp"

namespace waferwatt::world {

std::vector<YearCut> cuts(const CutInput& in) {
  const std::size_t n = in.money.size();
  constexpr auto kCapital = static_cast<std::size_t>(Resource::capital), kPower = static_cast<std::size_t>(Resource::power);
  double room_for_new = 0;
  std::vector<double> room(n), bought(n);
  for (std::size_t b = 0; b < n; ++b) {
    room[b] = std::max(0.0, in.power[b] - in.waiting[b]);
    bought[b] = std::min(in.money[b], room[b]);
    room_for_new += bought[b];
  }
  const bool supply_binds = in.supply < room_for_new;
  const double parts = std::accumulate(in.supply_parts.begin(), in.supply_parts.end(), 0.0);
  // Where supply binds each buyer gets its part of it.
  const double part = room_for_new > 0 ? std::min(1.0, in.supply / room_for_new) : 0.0;
  std::vector<YearCut> found(n + 1);
  YearCut& all = found[0];
  all.year = in.year;
  for (std::size_t b = 0; b < n; ++b) {
    YearCut& own = found[b + 1];
    own.year = in.year;
    own.owner = b;
    const double waiting = std::min(in.power[b], in.waiting[b]), fresh = bought[b] * part;
    own.bound_h100e = waiting + fresh;
    // Chips that waited and have power are no limit of this year's; what carries them is the power.
    own.carried[kPower] += waiting;
    if (supply_binds && parts > 0)
      for (std::size_t r = 0; r < kResources; ++r) own.carried[r] += fresh * in.supply_parts[r] / parts;
    else
      own.carried[in.money[b] < room[b] ? kCapital : kPower] += fresh;
    all.bound_h100e += own.bound_h100e;
    for (std::size_t r = 0; r < kResources; ++r) all.carried[r] += own.carried[r];
  }
  return found;
}

}  // namespace waferwatt::world
