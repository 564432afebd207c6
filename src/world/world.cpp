// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/world/world.hpp"

#include "simulation.hpp"

namespace waferwatt::world {

std::array<double, kResources> WorldResult::charged_h100e_weeks(const WorldSpec& spec, int year, std::size_t owner) const {
  std::array<double, kResources> sum{};
  for (const auto& entry : charges)
    if ((year == 0 || entry.year == year) && (owner == kNobody || entry.owner == owner))
      sum[static_cast<std::size_t>(entry.resource)] += entry.accelerator_weeks * spec.traits[entry.product].h100_equivalents;
  return sum;
}

WorldResult simulate(const WorldSpec& spec, engine::EventLoop& loop) {
  Simulation simulation(spec);
  return simulation.run(loop);
}

}  // namespace waferwatt::world
