// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/yield.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace waferwatt::supply {

double sellable_yield(double perfect_yield, double harvest_fraction) {
  return perfect_yield + harvest_fraction * (1.0 - perfect_yield);
}

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

namespace {

template <class T>
Ramp<T> monthly(Date start, const std::function<T(Date)>& value) {
  constexpr int kMonths = 120;
  std::vector<typename Ramp<T>::Point> points;
  for (int i = 0; i <= kMonths; ++i) points.emplace_back(start + i * core::month, value(start + i * core::month));
  return Ramp<T>(std::move(points));
}

}  // namespace

Ramp<double> learned_yield(const catalog::Learning& learning, const Ramp<double>& mature) {
  const double initial = learning.initial.value;
  return monthly<double>(learning.start.value, [&](Date date) {
    return catalog::learned(initial, std::max(initial, mature.at(date)), date - learning.start.value, learning.half_time.value);
  });
}

Ramp<DefectDensity> learned_defects(const catalog::ProcessNode& node) {
  if (!node.learning) return node.defect_density.value;
  return monthly<DefectDensity>(node.learning->start.value, [&](Date date) { return node.defects_at(date); });
}

}  // namespace waferwatt::supply
