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

double bose_einstein_yield(Area area, DefectDensity density, int n_layers) { return std::pow(1.0 + area * density, -n_layers); }

double harvested_yield(Area area, DefectDensity density, const Units& units, double clustering) {
  const double mean = area * density;
  if (mean <= 0) return 1;
  const auto n = static_cast<double>(units.n_units);
  // Given the cluster's factor g, defects fall independently; g follows a gamma distribution of mean 1.
  const auto given = [&](double g) {
    const double bad = -std::expm1(-g * mean * units.area_fraction / n);  // one unit has a defect
    double probability = std::pow(1 - bad, n), sum = 0;
    for (std::int64_t k = 0; k <= units.n_units - units.n_needed; ++k) {
      sum += probability;
      probability *= (n - static_cast<double>(k)) / (static_cast<double>(k) + 1) * bad / (1 - bad);
    }
    return sum * std::exp(-g * mean * (1 - units.area_fraction));
  };
  constexpr int kSteps = 2000;
  const double last = 1 + 40 / std::sqrt(clustering), step = last / kSteps;
  double sum = 0, weights = 0;
  for (int i = 0; i < kSteps; ++i) {
    const double g = (i + 0.5) * step;
    const double weight = std::exp((clustering - 1) * std::log(g) - clustering * (g - 1));
    sum += weight * given(g);
    weights += weight;
  }
  return sum / weights;
}

double package_yield(const PackageSteps& steps, int n_dies, int n_stacks) {
  return steps.interposer * std::pow(steps.die_attach * (1 - steps.die_escape), n_dies) * std::pow(steps.stack_attach * (1 - steps.stack_escape), n_stacks) *
         steps.on_substrate * steps.final_test;
}

double stack_yield(double bond_yield, int n_layers) { return std::pow(bond_yield, n_layers); }

double learned_yield(double initial, double final, Time since_start, Time half_time) {
  return final - (final - initial) * std::exp2(-(since_start / half_time));
}

}  // namespace waferwatt::supply
