// SPDX-License-Identifier: Apache-2.0
#pragma once
// kind "supply": what the chain delivers when every order stands, and what limits it.
#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/scenario/result.hpp"
#include "waferwatt/supply/chain.hpp"
#include "waferwatt/supply/order_book.hpp"

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
  io::Location where;

  static const io::Record<SupplyProduct>& record();
};

/// Parts in store at the start for one customer.
struct SupplyStock {
  std::string company, memory, accelerator;
  double stacks = 0, dies = 0;
  io::Location where;

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
  io::Location where;

  static const io::Record<SupplyShock>& record();
};

/// An event that comes by chance, in the draws of "monte_carlo".
struct SupplyRisk {
  Frequency rate;
  supply::ShockKind kind = supply::ShockKind::yield_excursion;
  Time duration, recovery;
  double loss = 0, scrap = 0;
  std::vector<std::string> lines;
  io::Location where;

  static const io::Record<SupplyRisk>& record();
};

/// What a buyer needs of one accelerator.
struct SupplyNeed {
  std::string accelerator;
  Ramp<AcceleratorRate> need;
  io::Location where;

  static const io::Record<SupplyNeed>& record();
};

struct SupplyBuyer {
  std::string name;
  std::vector<SupplyNeed> needs;
  double priority = 1, share = 1;
  Money prepaid, bid;
  io::Location where;

  static const io::Record<SupplyBuyer>& record();
};

/// How buyers order and who is served; see supply::OrderHabits.
struct SupplyOrdering {
  double double_ordering = 0, largest_inflation = 1, cancellation = 0.25;
  supply::DeliveryPolicy policy = supply::DeliveryPolicy::pro_rata;

  static const io::Record<SupplyOrdering>& record();
};

/// What a scenario is compared with: the same chain without these.
enum class Without { shocks, expansions, allocation, stocks, other_packaging };

/// A decision to build, on a date or by rule; see supply::Expansion.
struct SupplyExpansion {
  std::string line;
  std::optional<Date> decided;
  double threshold = 0.5;
  Time review = 0.5 * year;
  std::string build;                         ///< id of a fab build, which gives the three below unless they are given
  std::optional<Time> build_time, ramp_time;
  std::optional<Money> capital_cost;
  WaferRate capacity;
  std::int64_t max_projects = 1;
  io::Location where;

  static const io::Record<SupplyExpansion>& record();
};

/// Who gets a packaging line's wafers.
struct SupplyAllocation {
  std::string line;
  supply::Allocation policy = supply::Allocation::agreement;
  std::vector<std::string> priority;
  std::map<std::string, Money> prepaid;
  std::map<std::string, WaferPrice> bids;
  io::Location where;

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
  double forecast_error = 0.3, mix_error = 0.3;
  std::optional<std::vector<std::string>> parts;  ///< absent: all of the catalog that the products need
  std::vector<SupplyRisk> risks;
  std::vector<SupplyBuyer> buyers;
  SupplyOrdering ordering;
  std::vector<Without> without;
  std::optional<catalog::DieYield> die_yield;  ///< of all nodes; absent: each its own
  supply::AllocationRule packaging_rule;       ///< the caller's own, in place of "allocation"; see own_rules.hpp
  io::Location where;

  static const io::Record<SupplyScenario>& record();
};

void check(const SupplyScenario&, const catalog::Catalog&, Diagnostics&);
Result run(const SupplyScenario&, const catalog::Catalog&, const RunContext&);

/// Ids, vendors' shares and parts of products, for every kind that has a chain.
/// \param where the scenario was written
void check_products(const std::vector<SupplyProduct>&, const std::vector<SupplyStock>&, Date known_at, const io::Location& where, const catalog::Catalog&, Diagnostics&);
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
                                     std::pair{supply::Allocation::pro_rata, "pro_rata"}, std::pair{supply::Allocation::priority, "priority"},
                                     std::pair{supply::Allocation::prepayment, "prepayment"}, std::pair{supply::Allocation::auction, "auction"}};
};
template <> struct EnumTexts<supply::DeliveryPolicy> {
  static constexpr std::array values{std::pair{supply::DeliveryPolicy::pro_rata, "pro_rata"}, std::pair{supply::DeliveryPolicy::priority, "priority"},
                                     std::pair{supply::DeliveryPolicy::agreement, "agreement"}, std::pair{supply::DeliveryPolicy::prepayment, "prepayment"},
                                     std::pair{supply::DeliveryPolicy::auction, "auction"}};
};
template <> struct EnumTexts<scenario::Without> {
  static constexpr std::array values{std::pair{scenario::Without::shocks, "shocks"}, std::pair{scenario::Without::expansions, "expansions"},
                                     std::pair{scenario::Without::allocation, "allocation"}, std::pair{scenario::Without::stocks, "stocks"},
                                     std::pair{scenario::Without::other_packaging, "other_packaging"}};
};
}  // namespace waferwatt::io
