// SPDX-License-Identifier: Apache-2.0
#pragma once
// Yield of dies from their area A and the density D of killer defects.
#include "waferwatt/catalog/supply.hpp"

namespace waferwatt::catalog {

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
double die_yield(Area area, DefectDensity density, const DieYield& model);

}  // namespace waferwatt::catalog
