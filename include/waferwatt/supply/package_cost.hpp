// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a good package costs to make, built up from wafer prices, yields, memory, interposer, assembly and test.
#include "waferwatt/supply/product.hpp"

namespace waferwatt::supply {

/// Of one package started; `scrap` is what good packages pay for the others.
struct PackageCost {
  Money logic, memory, interposer, assembly, test, scrap;

  Money total() const { return logic + memory + interposer + assembly + test + scrap; }
};

/// \param product made from `accelerator`
/// (1) logic = dies price / good dies per wafer      (2) memory = stacks x capacity x price
/// (3) interposer = price / packages per wafer       (4) total = (sum of parts and test) / package yield
/// Every package started takes (1) to (3) and assembly; those assembled well are tested.
PackageCost package_cost(const Product& product, const catalog::Accelerator& accelerator, const catalog::Catalog& catalog, Date date);

}  // namespace waferwatt::supply
