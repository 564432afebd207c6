// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/market/cost.hpp"

#include <cmath>

namespace waferwatt::market {

double capital_recovery_factor(double discount_rate, Time life) {
  const double years = life.in(year);
  return discount_rate == 0 ? 1 / years : discount_rate / (1 - std::pow(1 + discount_rate, -years));
}

MoneyRate hourly_cost(const OwnershipTerms& t) {
  const Money yearly = t.it_cost * (capital_recovery_factor(t.discount_rate, t.it_life) + t.operations_fraction) +
                       t.building_cost * t.facility_nameplate * capital_recovery_factor(t.discount_rate, t.building_life);
  return yearly / year + t.facility_mean * t.energy_price;
}

}  // namespace waferwatt::market
