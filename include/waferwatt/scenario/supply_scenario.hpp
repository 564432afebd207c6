// SPDX-License-Identifier: Apache-2.0
#pragma once
// kind "supply": what the chain delivers when every order stands, and what limits it.
#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/scenario/result.hpp"
#include "waferwatt/supply/chain.hpp"

namespace waferwatt::scenario {

/// Units of an accelerator of which some may be defective.
struct SupplyHarvest {
  std::int64_t n_units = 0, n_needed = 0;
  double area_fraction = 0;  ///< of the die that the units cover

  static const io::Record<SupplyHarvest>& record();
};

/// An accelerator in production.
struct SupplyProduct {
  catalog::Reference<catalog::Accelerator> accelerator;
  std::string vendor;           ///< packaging customer; empty: the accelerator's vendor
  std::string packaging;        ///< process; empty: the accelerator's own
  Ramp<double> mix;
  double harvest_fraction = 0.5;
  std::optional<SupplyHarvest> harvest;         ///< in place of harvest_fraction
  std::optional<Ramp<AcceleratorRate>> orders;  ///< absent: sold out
  std::optional<Time> delivery_time;            ///< tested package to delivery; absent: assembly and shipping

  static const io::Record<SupplyProduct>& record();
};

/// Parts in store at the start for one customer.
struct SupplyStock {
  std::string company, memory, accelerator;
  double stacks = 0, dies = 0;

  static const io::Record<SupplyStock>& record();
};

/// Something that happens to the chain; supply::Shock says what each kind does.
struct SupplyShock {
  supply::ShockKind kind = supply::ShockKind::earthquake;
  Date date;
  Time duration, recovery;
  double loss = 0, scrap = 0;
  std::vector<std::string> lines;
  std::string company, memory, accelerator;

  static const io::Record<SupplyShock>& record();
};

/// A decision to build, on a date or by rule; see supply::Expansion.
struct SupplyExpansion {
  std::string line;
  std::optional<Date> decided;
  double threshold = 0.5;
  Time review = 0.5 * year;
  Time build_time, ramp_time;
  WaferRate capacity;
  Money capital_cost;
  std::int64_t max_projects = 1;

  static const io::Record<SupplyExpansion>& record();
};

/// Who gets a packaging line's wafers.
struct SupplyAllocation {
  std::string line;
  supply::Allocation policy = supply::Allocation::agreement;
  std::vector<std::string> priority;

  static const io::Record<SupplyAllocation>& record();
};

struct SupplyScenario {
  Date start, end, known_at;
  Time warm_up = 1 * year;
  Time assembly_time = 4 * week, shipping_time = 1 * week;
  std::vector<SupplyProduct> products;
  std::vector<SupplyStock> stocks;
  std::vector<SupplyShock> shocks;
  std::vector<SupplyExpansion> expansions;
  std::vector<SupplyAllocation> allocation;
  double forecast_error = 0.3;

  static const io::Record<SupplyScenario>& record();
};

void check(const SupplyScenario&, const catalog::Catalog&, Diagnostics&);
Result run(const SupplyScenario&, const catalog::Catalog&, const RunContext&);

/// Ids, vendors' shares and parts of products, for every kind that has a chain.
void check_products(const std::vector<SupplyProduct>&, const std::vector<SupplyStock>&, Date known_at, const catalog::Catalog&, Diagnostics&);
std::vector<supply::Stock> chain_stocks(const std::vector<SupplyStock>&);

}  // namespace waferwatt::scenario

namespace waferwatt::io {
template <> struct EnumTexts<supply::ShockKind> {
  static constexpr std::array values{
      std::pair{supply::ShockKind::earthquake, "earthquake"},           std::pair{supply::ShockKind::power_loss, "power_loss"},
      std::pair{supply::ShockKind::material_shortage, "material_shortage"}, std::pair{supply::ShockKind::yield_excursion, "yield_excursion"},
      std::pair{supply::ShockKind::fab_delay, "fab_delay"},             std::pair{supply::ShockKind::trade_stop, "trade_stop"},
      std::pair{supply::ShockKind::ban, "ban"}};
};
template <> struct EnumTexts<supply::Allocation> {
  static constexpr std::array values{std::pair{supply::Allocation::agreement, "agreement"}, std::pair{supply::Allocation::release, "release"},
                                     std::pair{supply::Allocation::pro_rata, "pro_rata"}, std::pair{supply::Allocation::priority, "priority"}};
};
}  // namespace waferwatt::io
