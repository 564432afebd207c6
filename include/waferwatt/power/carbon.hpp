// SPDX-License-Identifier: Apache-2.0
#pragma once
// Carbon of electricity and of making chips.
#include <optional>

#include "waferwatt/catalog/catalog.hpp"

namespace waferwatt::power {

/// Energy bought under a contract that names its plant.
struct ContractedEnergy {
  Energy energy;
  CarbonIntensity intensity;
};

/// Market-based carbon of a period: contracted energy at its own intensity, as far as it was used, the rest at that of the grid.
CarbonMass market_based(Energy used, CarbonIntensity grid, const ContractedEnergy&);

/// Carbon of making one accelerator, as ACT (Gupta et al., ISCA 2022) counts it:
///   n A / Y (CI EPA + GPA + MPA) + GB x memory + ICs x packaging
/// with area A of each compute die, its yield Y by the model of the node, the fab's grid CI, energy, gas and material
/// per area of the node. HBM counts `kMemoryFactor` times the DRAM of ACT.
struct EmbodiedCarbon {
  CarbonMass logic, memory, packaging;
  CarbonMass total() const { return logic + memory + packaging; }
};
/// \returns nothing where the die's area or the node's coefficients are not known
std::optional<EmbodiedCarbon> embodied_carbon(const catalog::Accelerator&, const catalog::Catalog&, CarbonIntensity fab_grid, Date date);

inline constexpr double kMemoryFactor = 3;

/// A training run known by its accelerator-hours.
struct TrainingRun {
  const catalog::Accelerator* accelerator = nullptr;
  const catalog::System* system = nullptr;
  Time accelerator_time;
  double utilisation = 1;     ///< mean over rated server power
  double network_and_storage = 1.155;
  double pue = 1.1;
  CarbonIntensity intensity;
};
struct TrainingFootprint {
  Energy accelerators_at_tdp, facility;
  CarbonMass tdp_only, operational;
};
/// Energy of the whole facility, and the count that many papers print: TDP times hours, nothing else.
TrainingFootprint footprint(const TrainingRun&);

}  // namespace waferwatt::power
