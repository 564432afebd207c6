// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the chain needs to know of one accelerator: which lines it runs on and what it takes.
#include <optional>
#include <string>

#include "waferwatt/catalog/catalog.hpp"

namespace waferwatt::supply {

/// An accelerator in production. Counts are plain numbers: dies, stacks and packages each.
struct Product {
  std::string accelerator;  ///< catalog id
  std::string vendor;       ///< company whose share of the packaging line it uses
  std::string node;         ///< whose capacity it uses (the parent where capacity is shared); empty: not modelled
  std::string packaging, family;  ///< empty: no 2.5D packaging
  std::string memory;             ///< empty: no HBM

  double dies_per_package = 1;
  double dies_per_wafer = 0;      ///< gross
  Area die_area;
  double harvest_fraction = 0;
  double stacks_per_package = 0;
  double packages_per_wafer = 0;  ///< gross

  Ramp<DefectDensity> defect_density;
  catalog::DieYield die_yield;
  Ramp<double> assembly_yield;
  double test_yield = 1;
  Ramp<double> logic_yield_factor = Ramp<double>::constant(1);  ///< below 1 during an excursion
  Time logic_cycle_time, test_time;
  Time packaging_cycle_time;  ///< dies attached to package assembled; interposers are made before
  std::optional<Time> delivery_time;  ///< tested package to delivery; absent: the chain's assembly and shipping

  /// Share of the vendor's production over time; products of a vendor are weighed against each other.
  Ramp<double> mix;

  /// Good dies of a wafer finished at a date: the node's model and (5) of yield.hpp.
  double good_dies_per_wafer(Date date) const;
  /// Good tested packages out of one package started.
  double package_yield(Date date) const { return assembly_yield.at(date) * test_yield; }
};

/// Gathers a product's figures from the catalog.
/// \param vendor the packaging customer (Google's chips run on Google's share)
/// \param packaging process used instead of the accelerator's own; empty: its own
/// \throws InputError naming the accelerator and what its record lacks
Product make_product(const catalog::Accelerator& accelerator, const catalog::Catalog& catalog, std::string vendor,
                     Ramp<double> mix, double harvest_fraction, const std::string& packaging = {});

}  // namespace waferwatt::supply
