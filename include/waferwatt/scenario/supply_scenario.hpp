// SPDX-License-Identifier: Apache-2.0
#pragma once
// kind "supply": what the chain delivers when every order stands, and what limits it.
#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/scenario/result.hpp"
#include "waferwatt/supply/chain.hpp"

namespace waferwatt::scenario {

/// An accelerator in production.
struct SupplyProduct {
  catalog::Reference<catalog::Accelerator> accelerator;
  std::string vendor;           ///< packaging customer; empty: the accelerator's vendor
  Ramp<double> mix;
  double harvest_fraction = 0.5;
  std::optional<Ramp<AcceleratorRate>> orders;  ///< absent: sold out

  static const io::Record<SupplyProduct>& record();
};

/// Parts in store at the start for one customer.
struct SupplyStock {
  std::string company, memory, accelerator;
  double stacks = 0, dies = 0;

  static const io::Record<SupplyStock>& record();
};

struct SupplyScenario {
  Date start, end, known_at;
  Time warm_up = 1 * year;
  std::vector<SupplyProduct> products;
  std::vector<SupplyStock> stocks;

  static const io::Record<SupplyScenario>& record();
};

void check(const SupplyScenario&, const catalog::Catalog&, Diagnostics&);
Result run(const SupplyScenario&, const catalog::Catalog&, const RunContext&);

/// Ids, vendors' shares and parts of products, for every kind that has a chain.
void check_products(const std::vector<SupplyProduct>&, const std::vector<SupplyStock>&, Date known_at, const catalog::Catalog&, Diagnostics&);
std::vector<supply::Stock> chain_stocks(const std::vector<SupplyStock>&);

}  // namespace waferwatt::scenario
