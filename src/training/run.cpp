// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/run.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::training {

RunTotals& RunTotals::operator+=(const RunTotals& other) {
  n_iterations += other.n_iterations, duration += other.duration, accelerator_time += other.accelerator_time;
  accelerator_energy += other.accelerator_energy, it_energy += other.it_energy, facility_energy += other.facility_energy;
  carbon += other.carbon, accelerator_cost += other.accelerator_cost, energy_cost += other.energy_cost;
  return *this;
}

RunTotals run_totals(const Step& step, const Plan& plan, Tokens tokens, const Surroundings& around) {
  RunTotals totals;
  totals.n_iterations = std::ceil(tokens.in(token) / plan.tokens_per_iteration() - 1e-9);
  totals.duration = totals.n_iterations * step.iteration_time();
  totals.accelerator_time = static_cast<double>(plan.parallel.n_accelerators()) * totals.duration;
  totals.accelerator_energy = totals.n_iterations * step.energy;
  totals.it_energy = totals.accelerator_energy + around.server_share * totals.accelerator_time;
  totals.facility_energy = around.pue * totals.it_energy;
  totals.carbon = totals.facility_energy * around.carbon_intensity;
  totals.accelerator_cost = totals.accelerator_time * around.accelerator_price;
  totals.energy_cost = totals.facility_energy * around.energy_price;
  return totals;
}

void stretch(RunTotals& totals, const Goodput& goodput, double slowdown, const Surroundings& around) {
  totals.duration *= slowdown / goodput.useful;
  totals.accelerator_time *= slowdown / goodput.useful;
  totals.accelerator_energy *= 1 / goodput.useful;
  totals.it_energy = totals.accelerator_energy + around.server_share * totals.accelerator_time;
  totals.facility_energy = around.pue * totals.it_energy;
  totals.carbon = totals.facility_energy * around.carbon_intensity;
  totals.accelerator_cost = totals.accelerator_time * around.accelerator_price;
  totals.energy_cost = totals.facility_energy * around.energy_price;
}

Power server_share(const catalog::Accelerator& accelerator, const catalog::System* system) {
  if (!system) return {};
  const Power rest = *system->it_power_per_accelerator - *accelerator.tdp;
  return std::max(rest, Power{}) * *system->mean_load_fraction;
}

std::optional<MoneyRate> owned_accelerator_price(const catalog::Accelerator& accelerator, const catalog::System* system,
                                                 Date date) {
  if (!accelerator.price) return std::nullopt;
  return accelerator.price->value.at(date) * (system ? *system->server_cost_factor : 1.0) / kWriteOffTime;
}

}  // namespace waferwatt::training
