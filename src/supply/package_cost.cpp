// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/package_cost.hpp"

namespace waferwatt::supply {

PackageCost package_cost(const Product& product, const catalog::Accelerator& accelerator, const catalog::Catalog& catalog, Date date) {
  PackageCost cost;
  if (accelerator.node) cost.logic = product.dies_per_package / product.good_dies_per_wafer(date) * (catalog.nodes.at(*accelerator.node).wafer_price.value * wafer);
  if (!product.memory.empty()) {
    const auto& memory = catalog.memories.at(product.memory);
    cost.memory = product.stacks_per_package * memory.capacity.value * memory.price.value.at(date);
  }
  if (product.packaging.empty()) return cost;
  const auto& packaging = catalog.packaging.at(product.packaging);
  cost.interposer = packaging.wafer_price.value * wafer / product.packages_per_wafer;
  if (packaging.assembly_price) cost.assembly = packaging.assembly_price->value * package;
  if (packaging.test_price) cost.test = packaging.test_price->value * package;
  const double assembled = product.assembly_yield.at(date);
  const Money made = cost.logic + cost.memory + cost.interposer + cost.assembly + assembled * cost.test;
  cost.scrap = made / (assembled * product.test_yield) - (cost.logic + cost.memory + cost.interposer + cost.assembly + cost.test);
  return cost;
}

}  // namespace waferwatt::supply
