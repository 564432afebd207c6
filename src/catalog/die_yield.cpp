// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/catalog/die_yield.hpp"

#include <cmath>

namespace waferwatt::catalog {

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

double bose_einstein_yield(Area area, DefectDensity density, int n_layers) { return std::pow(1.0 + area * density, -n_layers); }

double die_yield(Area area, DefectDensity density, const DieYield& model) {
  switch (model.model) {
    case YieldModel::poisson: return poisson_yield(area, density);
    case YieldModel::murphy: return murphy_yield(area, density);
    case YieldModel::seeds: return seeds_yield(area, density);
    case YieldModel::bose_einstein: return bose_einstein_yield(area, density, static_cast<int>(model.critical_layers));
    case YieldModel::negative_binomial: break;
  }
  return negative_binomial_yield(area, density, model.clustering);
}

}  // namespace waferwatt::catalog
