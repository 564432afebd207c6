// SPDX-License-Identifier: Apache-2.0
#pragma once
// Yield of dies and packages. A is the area of a die, D the density of killer defects.
#include <cstdint>

#include "waferwatt/catalog/die_yield.hpp"

namespace waferwatt::supply {

// (1) to (4) and (6): of a die without any defect
using catalog::bose_einstein_yield;
using catalog::die_yield;
using catalog::murphy_yield;
using catalog::negative_binomial_yield;
using catalog::poisson_yield;
using catalog::seeds_yield;

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
