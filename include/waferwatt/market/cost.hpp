// SPDX-License-Identifier: Apache-2.0
#pragma once
// What an hour of an accelerator costs its owner.
#include "waferwatt/core/quantity.hpp"

namespace waferwatt::market {

struct OwnershipTerms {
  Money it_cost;                  ///< accelerator with its share of server and network
  Power facility_nameplate, facility_mean;
  Quantity<Dimension{.time = 1, .energy = -1, .money = 1}> building_cost;  ///< per facility power, e.g. 12 MUSD/MW
  EnergyPrice energy_price;
  double discount_rate = 0.1;     ///< a year
  Time it_life = 5 * year, building_life = 15 * year;
  double operations_fraction = 0.03;  ///< of the IT cost, a year
};

/// Annuity of a unit of money over a life: r / (1 - (1+r)^-n).
double capital_recovery_factor(double discount_rate, Time life);

/// (1) [CRF(r, L) C_it + CRF(r, L_b) c_b P_facility + o C_it] / year + P_mean p_energy
MoneyRate hourly_cost(const OwnershipTerms& terms);

}  // namespace waferwatt::market
