// SPDX-License-Identifier: Apache-2.0
#pragma once
// One run of a supply scenario's chain, and what is measured on it.
#include <functional>
#include <set>

#include "waferwatt/engine/event_loop.hpp"
#include "waferwatt/scenario/supply_scenario.hpp"
#include "waferwatt/supply/package_cost.hpp"

namespace waferwatt::scenario {

/// The scenario's chain, with catalog values as they stand in `catalog`.
supply::ChainSpec chain_spec(const SupplyScenario& scenario, const catalog::Catalog& catalog);

/// Ids of the further parts that may bind: of those that a product needs, what the scenario names, or all.
std::vector<std::string> part_ids(const SupplyScenario& scenario, const catalog::Catalog& catalog);

/// Ids of the fab builds of its expansions.
std::set<std::string> build_ids(const SupplyScenario& scenario);

class SupplyRun : public engine::EventHandler {
 public:
  SupplyRun(const SupplyScenario& scenario, supply::ChainSpec spec);
  SupplyRun(const SupplyRun&) = delete;  // the chain calls back
  SupplyRun& operator=(const SupplyRun&) = delete;

  struct Delivery {
    std::size_t product;
    double n;
    Date date;
  };
  /// The order book at a date, and what would be in it if nobody ordered more than he needs.
  struct BookEntry {
    Date date;
    double open = 0, wanted = 0;
    double needed = 0, placed = 0, delivered = 0;  ///< since the run began
  };

  void simulate(engine::EventLoop& loop);
  void handle(const engine::Event& event, engine::EventLoop& loop) override;
  const supply::Chain& chain() const { return chain_; }
  /// The chain as it was before any shock or expansion.
  const supply::ChainSpec& first_spec() const { return first_spec_; }
  const supply::OrderBook& book() const { return book_; }
  const std::vector<BookEntry>& book_history() const { return book_history_; }
  const std::vector<Delivery>& deliveries() const { return delivered_; }
  double balance_error() const;
  /// Accelerators delivered within the scenario.
  double total() const;

 private:
  double open_orders(std::size_t product, Date date);
  void deliver(std::size_t product, double n, Date date);

  const SupplyScenario& scenario_;
  supply::ChainSpec first_spec_;
  supply::Chain chain_;
  supply::OrderBook book_;
  std::vector<BookEntry> book_history_;
  std::vector<Delivery> delivered_;
  std::vector<double> delivered_of_, unsold_;
  std::size_t counted_ = 0;
};

/// What is delivered within the scenario, in H100-equivalents.
double h100_equivalents(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog);

/// Deliveries by year and quarter, capacities at the ends of years, memory used: the metrics of a run.
std::vector<Metric> measures(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog);

/// What a good package of a product costs in the middle of a year in which it is delivered.
struct YearlyCost {
  int year;
  std::size_t product;
  supply::PackageCost cost;
};
std::vector<YearlyCost> yearly_costs(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog);

/// The scenario without what its "without" names.
SupplyScenario baseline_of(const SupplyScenario& scenario);
std::string without_text(const SupplyScenario& scenario);

/// Puts the 10 % and 90 % quantiles of `context.n_draws` runs into the metrics and adds the tables
/// "draws", "tornado" and "sensitivity". \returns a sentence about the input that explains most
std::string add_bands(const SupplyScenario& scenario, const catalog::Catalog& catalog, const RunContext& context, Result& result);

/// Deliveries, balances, inventories, costs and the like, as tables.
void add_tables(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog, Result& result);

/// What binds by charged slots and waits, by marginal value and by cut: the ledger, the bindings and the tables "marginal_values",
/// "cuts" and "views". \returns a sentence where the views disagree
std::string add_views(const SupplyRun& run, const SupplyScenario& scenario, const RunContext& context, Result& result);

/// The difference to the baseline: metrics, the table "difference". \returns a clause of the headline
std::string add_difference(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog, Result& result);

}  // namespace waferwatt::scenario
