// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/product.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/supply/geometry.hpp"
#include "waferwatt/supply/yield.hpp"

namespace waferwatt::supply {
namespace {

/// A die of which only the area is known is taken as a square.
double gross_dies(const catalog::Accelerator& accelerator) {
  constexpr Area kWaferScale = 40000 * square_millimetre;  // one part is one wafer, rounded corners and all
  if (accelerator.die_area->value > kWaferScale) return 1;
  if (accelerator.die_width && accelerator.die_height)
    return rectangles_per_wafer(accelerator.die_width->value, accelerator.die_height->value);
  const Length side = std::sqrt(accelerator.die_area->value.in(square_millimetre)) * millimetre;
  return rectangles_per_wafer(side, side);
}

void set_logic(const catalog::Accelerator& accelerator, const catalog::Catalog& catalog, Product& product) {
  if (!accelerator.node) return;
  if (!accelerator.die_area) throw InputError(fmt::format("accelerator {} has a node but no die_area, so its wafers cannot be counted", accelerator.id));
  const auto& node = catalog.nodes.at(*accelerator.node);
  product.node = node.capacity_of.value_or(node.id);
  product.die_area = accelerator.die_area->value;
  product.dies_per_package = accelerator.n_compute_dies ? static_cast<double>(accelerator.n_compute_dies->value) : 1;
  product.dies_per_wafer = gross_dies(accelerator);
  if (product.dies_per_wafer == 0) throw InputError(fmt::format("no die of accelerator {} fits on a wafer", accelerator.id));
  product.defect_density = learned_defects(node);
  product.die_yield = node.die_yield.value_or(catalog::DieYield{});
  product.logic_cycle_time = node.cycle_time.value;
}

/// Interposers on one wafer or panel. A published count is of wafers.
double gross_packages(const catalog::Accelerator& accelerator, const catalog::Packaging& packaging) {
  const bool is_sized = accelerator.interposer_width && accelerator.interposer_height;
  if (packaging.panel_width && is_sized)
    return rectangles_per_panel(accelerator.interposer_width->value, accelerator.interposer_height->value, packaging.panel_width->value,
                                packaging.panel_height->value, packaging.edge_exclusion.value, packaging.street.value);
  if (accelerator.packages_per_wafer && !packaging.panel_width) return accelerator.packages_per_wafer->value.in(package / wafer);
  if (is_sized)
    return rectangles_per_wafer(accelerator.interposer_width->value, accelerator.interposer_height->value,
                                {.edge_exclusion = packaging.edge_exclusion.value, .street = packaging.street.value});
  throw InputError(fmt::format("accelerator {} is packaged on {} but has neither packages_per_wafer nor the interposer's size", accelerator.id, packaging.id));
}

void set_packaging(const catalog::Accelerator& accelerator, const catalog::Catalog& catalog, const std::optional<std::string>& id, Product& product) {
  if (!id) {
    product.assembly_yield = Ramp<double>::constant(1.0);
    return;
  }
  const auto& packaging = catalog.packaging.at(*id);
  product.packaging = packaging.id;
  product.family = packaging.family;
  product.assembly_yield = packaging.learning ? learned_yield(*packaging.learning, packaging.assembly_yield.value) : packaging.assembly_yield.value;
  product.test_yield = packaging.test_yield.value;
  product.packaging_cycle_time = packaging.cycle_time.value - (packaging.interposer_time ? packaging.interposer_time->value : Time{});
  product.test_time = packaging.test_time.value;
  product.packages_per_wafer = gross_packages(accelerator, packaging);
}

}  // namespace

double Product::good_dies_per_wafer(Date date) const {
  return dies_per_wafer * sellable_yield(supply::die_yield(die_area, defect_density.at(date), die_yield), harvest_fraction) *
         logic_yield_factor.at(date);
}

Product make_product(const catalog::Accelerator& accelerator, const catalog::Catalog& catalog, std::string vendor,
                     Ramp<double> mix, double harvest_fraction, const std::string& packaging) {
  Product product{.accelerator = accelerator.id, .vendor = std::move(vendor)};
  product.harvest_fraction = harvest_fraction;
  product.mix = std::move(mix);
  set_logic(accelerator, catalog, product);
  set_packaging(accelerator, catalog, packaging.empty() ? accelerator.packaging : packaging, product);
  if (accelerator.memory) {
    if (!accelerator.n_memory_stacks) throw InputError(fmt::format("accelerator {} has HBM but no n_memory_stacks", accelerator.id));
    product.memory = *accelerator.memory;
    product.stacks_per_package = static_cast<double>(accelerator.n_memory_stacks->value);
  }
  return product;
}

}  // namespace waferwatt::supply
