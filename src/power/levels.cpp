// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/power/levels.hpp"

#include <algorithm>

namespace waferwatt::power {
namespace {

constexpr double kUnratedServerFactor = 1.56;
constexpr double kMeanLoad = 0.75;  // of systems that are not in the catalog (Epoch AI's assumption)

}  // namespace

Power rated_server_power(const catalog::Accelerator& accelerator, const catalog::System* system) {
  if (!system || !system->rated_power) return kUnratedServerFactor * *accelerator.tdp;
  return system->rated_power->high.value_or(**system->rated_power) / static_cast<double>(*system->n_accelerators);
}

Power server_power(const catalog::Accelerator& accelerator, const catalog::System* system, double load) {
  constexpr double kRestStanding = 0.257, kRestPerLoad = 0.43;
  const Power rest = std::max(rated_server_power(accelerator, system) - *accelerator.tdp, 0 * watt);
  return load * *accelerator.tdp + (kRestStanding + kRestPerLoad * load) * rest;
}

double server_load(const catalog::Accelerator& accelerator, const catalog::System* system, Power accelerator_power) {
  return server_power(accelerator, system, accelerator_power / *accelerator.tdp) / rated_server_power(accelerator, system);
}

PowerLevels facility_power(const catalog::Accelerator& accelerator, const catalog::System* system, const CampusFactors& f) {
  const Power it = system ? *system->it_power_per_accelerator : f.network_and_storage * rated_server_power(accelerator, system);
  const double mean_load = system ? *system->mean_load_fraction : kMeanLoad;
  return {.nameplate = f.design_pue * it, .peak = f.design_pue * f.peak_load * it, .mean = f.mean_pue * mean_load * it};
}

}  // namespace waferwatt::power
