// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/market/cost.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace waferwatt;
using namespace waferwatt::market;

TEST_CASE("the capital recovery factor is the annuity of one") {
  // r = 10 %, two years: 0.1 / (1 - 1/1.21) = 0.1 x 1.21 / 0.21 = 0.57619.
  CHECK(capital_recovery_factor(0.1, 2 * year) == Approx(0.576190476));
  CHECK(capital_recovery_factor(0.1, 1 * year) == Approx(1.1));
  // Five payments of it are worth one today.
  double value = 0;
  for (int n = 1; n <= 5; ++n) value += capital_recovery_factor(0.08, 5 * year) / std::pow(1.08, n);
  CHECK(value == Approx(1));
  CHECK(capital_recovery_factor(0, 4 * year) == Approx(0.25));
  CHECK(capital_recovery_factor(1e-9, 4 * year) == Approx(0.25).epsilon(1e-5));
}

TEST_CASE("an accelerator's hour costs its capital, its building, its upkeep and its energy") {
  // IT 36,000 USD at 10 % over 5 years: CRF = 0.1 / (1 - 1.1^-5) = 0.263797: 9,496.71; upkeep 3 %: 1,080.
  // Building 1,250 W x 12 USD/W = 15,000 at CRF(15) = 0.131474: 1,972.11. Sum 12,548.82 a year = 1.43251 an hour.
  // Energy 1 kW at 0.08: 0.08 an hour.
  const OwnershipTerms terms{.it_cost = 36000 * usd,
                             .facility_nameplate = 1250 * watt,
                             .facility_mean = 1000 * watt,
                             .building_cost = 12 * usd / watt,
                             .energy_price = 0.08 * usd / (kilo * watt_hour)};
  CHECK(hourly_cost(terms).in(usd / hour) == Approx(1.43251 + 0.08).epsilon(1e-5));
}

TEST_CASE("without a discount rate costs are spread evenly") {
  // 36,000/5 + 15,000/15 = 8,200 a year.
  const OwnershipTerms terms{.it_cost = 36000 * usd,
                             .facility_nameplate = 1250 * watt,
                             .facility_mean = 1000 * watt,
                             .building_cost = 12 * usd / watt,
                             .energy_price = EnergyPrice{},
                             .discount_rate = 0,
                             .operations_fraction = 0};
  CHECK(hourly_cost(terms).in(usd / year) == Approx(8200));
}
