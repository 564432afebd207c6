// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/yield.hpp"

#include <cmath>

namespace waferwatt::supply {

double poisson_yield(Area area, DefectDensity density) { return std::exp(-(area * density)); }

double murphy_yield(Area area, DefectDensity density) {
  const double defects = area * density;
  if (defects < 1e-9) return 1.0;
  return std::pow(-std::expm1(-defects) / defects, 2);
}

double seeds_yield(Area area, DefectDensity density) { return 1.0 / (1.0 + area * density); }

double negative_binomial_yield(Area area, DefectDensity density, double clustering) {
  return std::pow(1.0 + area * density / clustering, -clustering);
}

double sellable_yield(double perfect_yield, double harvest_fraction) {
  return perfect_yield + harvest_fraction * (1.0 - perfect_yield);
}

}  // namespace waferwatt::supply
