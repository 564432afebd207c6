// SPDX-License-Identifier: Apache-2.0
#pragma once
// A whole training run: so many tokens, so many equal iterations, and what failures and checkpoints add.
#include "waferwatt/training/failure.hpp"
#include "waferwatt/training/step.hpp"

namespace waferwatt::training {

/// What is around the accelerators.
struct Surroundings {
  Power server_share;  ///< mean power of server, storage and network for one accelerator
  double pue = 1;      ///< facility energy over IT energy
  CarbonIntensity carbon_intensity;
  EnergyPrice energy_price;     ///< zero where the price of an accelerator-hour holds it
  MoneyRate accelerator_price;  ///< of one accelerator
};

struct RunTotals {
  double n_iterations = 0;
  Time duration;
  Time accelerator_time;  ///< summed over the accelerators
  Energy accelerator_energy, it_energy, facility_energy;
  CarbonMass carbon;
  Money accelerator_cost, energy_cost;

  RunTotals& operator+=(const RunTotals&);
  Money cost() const { return accelerator_cost + energy_cost; }
  TokenRate token_rate(Tokens tokens) const { return tokens / duration; }
};

RunTotals run_totals(const Step&, const Plan&, Tokens tokens, const Surroundings&);

/// Lengthens a run: iterations by `slowdown` (stragglers, power caps: the energy of the work stays), and the
/// whole by what is not useful of its time, in which accelerators draw the run's mean power.
void stretch(RunTotals&, const Goodput&, double slowdown, const Surroundings&);

/// Mean power of the rest of a server per accelerator: nameplate beyond the accelerator's TDP times the
/// system's mean load. Zero without a system.
Power server_share(const catalog::Accelerator&, const catalog::System*);

/// Price of an accelerator with its share of server and network, written off over its life, energy not
/// included; nothing when the accelerator's price is not known.
std::optional<MoneyRate> owned_accelerator_price(const catalog::Accelerator&, const catalog::System*, Date date);

/// Life and use over which accelerators are written off: four years (Epoch AI, arXiv 2405.21015, finds
/// hardware replaced after about that), every hour of them used.
inline constexpr Time kWriteOffTime = 4 * year;

}  // namespace waferwatt::training
