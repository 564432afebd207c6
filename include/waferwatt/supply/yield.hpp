// SPDX-License-Identifier: Apache-2.0
#pragma once
// Yield of dies and packages. A is the area of a die, D the density of killer defects.
#include <cstdint>

#include "waferwatt/core/quantity.hpp"

namespace waferwatt::supply {

/// (1) exp(-A D)
double poisson_yield(Area area, DefectDensity density);
/// (2) ((1 - exp(-A D)) / (A D))^2
double murphy_yield(Area area, DefectDensity density);
/// (3) 1 / (1 + A D)
double seeds_yield(Area area, DefectDensity density);
/// (4) (1 + A D / a)^-a: defects cluster; a = 2 to 3 is the industry's default
double negative_binomial_yield(Area area, DefectDensity density, double clustering = 3.0);

/// Dies that can be sold when a part of the defective ones works with units switched off.
/// (5) y + h (1 - y), h the fraction of defective dies that can be harvested
double sellable_yield(double perfect_yield, double harvest_fraction);

}  // namespace waferwatt::supply
