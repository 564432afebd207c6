// SPDX-License-Identifier: Apache-2.0
#pragma once
// Yield of dies and packages. A is the area of a die, D the density of killer defects.
#include <cstdint>

#include "waferwatt/catalog/supply.hpp"

namespace waferwatt::supply {

/// (1) exp(-A D)
double poisson_yield(Area area, DefectDensity density);
/// (2) ((1 - exp(-A D)) / (A D))^2
double murphy_yield(Area area, DefectDensity density);
/// (3) 1 / (1 + A D)
double seeds_yield(Area area, DefectDensity density);
/// (4) (1 + A D / a)^-a: defects cluster; a = 2 to 3 is the industry's default
double negative_binomial_yield(Area area, DefectDensity density, double clustering = 3.0);

/// (6) (1 + A D)^-n: n critical layers, D the density of each
double bose_einstein_yield(Area area, DefectDensity density, int n_layers);

/// By the model of a node.
double die_yield(Area area, DefectDensity density, const catalog::DieYield& model);

/// Dies that can be sold when a part of the defective ones works with units switched off.
/// (5) y + h (1 - y), h the fraction of defective dies that can be harvested
double sellable_yield(double perfect_yield, double harvest_fraction);

/// Equal units of a die, some of which may be defective (132 of the 144 multiprocessors of a GH100).
struct Units {
  std::int64_t n_units = 0, n_needed = 0;
  double area_fraction = 0;  ///< of the die that they cover; the rest must be free of defects
};

/// (7) Dies with enough good units: sum over k <= n - m of P(k defective units) P(no defect elsewhere),
/// with defects clustered as in (4) over the whole die.
double harvested_yield(Area area, DefectDensity density, const Units& units, double clustering = 3.0);

/// Steps of a package, each the part of good ones.
struct PackageSteps {
  double interposer = 1, die_attach = 1, stack_attach = 1, on_substrate = 1, final_test = 1;
  double die_escape = 0, stack_escape = 0;  ///< parts that passed their own test and are bad
};

/// (8) Y_interposer Y_die^n Y_stack^m Y_oS Y_test (1 - e_die)^n (1 - e_stack)^m: all parts enter known good,
/// but for escapes, and nothing is reworked once attached.
double package_yield(const PackageSteps& steps, int n_dies, int n_stacks);

/// (9) Stacks out of known-good DRAM dies: y_bond^layers.
double stack_yield(double bond_yield, int n_layers);

/// (10) Y_inf - (Y_inf - Y_0) 2^(-t / half), in monthly points for ten years: of a yield that rises to the mature one, or of
/// a density of defects that falls to it. It never leaves the side of the mature value on which it starts.
Ramp<double> learned_yield(const catalog::Learning& learning, const Ramp<double>& mature);
Ramp<DefectDensity> learned_defects(const catalog::ProcessNode& node);

}  // namespace waferwatt::supply
