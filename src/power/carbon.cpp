// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/power/carbon.hpp"

#include <algorithm>

#include "waferwatt/catalog/die_yield.hpp"
#include "waferwatt/power/levels.hpp"

namespace waferwatt::power {
namespace {

constexpr CarbonMass kMemoryPerGigabyte = 0.065 * kg_co2e, kPerPackagedIc = 0.15 * kg_co2e;

}  // namespace

CarbonMass market_based(Energy used, CarbonIntensity grid, const ContractedEnergy& contract) {
  const Energy covered = std::min(used, contract.energy);
  return covered * contract.intensity + (used - covered) * grid;
}

std::optional<EmbodiedCarbon> embodied_carbon(const catalog::Accelerator& a, const catalog::Catalog& catalog, CarbonIntensity fab_grid, Date date) {
  const catalog::ProcessNode* node = a.node ? catalog.nodes.find(*a.node) : nullptr;
  if (!node || !a.die_area || !node->energy_per_area || !node->gas_per_area || !node->material_per_area) return std::nullopt;
  const double n_dies = a.n_compute_dies ? static_cast<double>(**a.n_compute_dies) : 1;
  const Area area = **a.die_area;
  const double yield = catalog::die_yield(area, node->defects_at(date), node->die_yield.value_or(catalog::DieYield{}));
  const CarbonDensity per_area = fab_grid * **node->energy_per_area + **node->gas_per_area + **node->material_per_area;
  const double n_stacks = a.n_memory_stacks ? static_cast<double>(**a.n_memory_stacks) : 0;
  return EmbodiedCarbon{.logic = n_dies * area * per_area / yield,
                        .memory = a.memory_capacity->in(giga * byte) * kMemoryPerGigabyte * kMemoryFactor,
                        .packaging = (n_dies + n_stacks) * kPerPackagedIc};
}

TrainingFootprint footprint(const TrainingRun& run) {
  TrainingFootprint f;
  f.accelerators_at_tdp = *run.accelerator->tdp * run.accelerator_time;
  f.facility = rated_server_power(*run.accelerator, run.system) * run.network_and_storage * run.utilisation * run.pue * run.accelerator_time;
  f.tdp_only = f.accelerators_at_tdp * run.intensity;
  f.operational = f.facility * run.intensity;
  return f;
}

}  // namespace waferwatt::power
