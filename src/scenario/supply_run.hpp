// SPDX-License-Identifier: Apache-2.0
#pragma once
// One run of a supply scenario's chain, and what is measured on it.
#include "waferwatt/engine/event_loop.hpp"
#include "waferwatt/scenario/supply_scenario.hpp"

namespace waferwatt::scenario {

/// The scenario's chain, with catalog values as they stand in `catalog`.
supply::ChainSpec chain_spec(const SupplyScenario& scenario, const catalog::Catalog& catalog);

class SupplyRun : public engine::EventHandler {
 public:
  SupplyRun(const SupplyScenario& scenario, supply::ChainSpec spec);

  struct Delivery {
    std::size_t product;
    double n;
    Date date;
  };

  void simulate(engine::EventLoop& loop);
  void handle(const engine::Event& event, engine::EventLoop& loop) override;
  const supply::Chain& chain() const { return chain_; }
  const std::vector<Delivery>& deliveries() const { return delivered_; }
  double balance_error() const;

 private:
  double open_orders(std::size_t product, Date date);

  const SupplyScenario& scenario_;
  supply::Chain chain_;
  std::vector<Delivery> delivered_;
  std::vector<double> delivered_of_;
  std::size_t counted_ = 0;
};

/// Deliveries by year and quarter, capacities at the ends of years, memory used: the metrics of a run.
std::vector<Metric> measures(const SupplyRun& run, const SupplyScenario& scenario, const catalog::Catalog& catalog);

/// Puts the 10 % and 90 % quantiles of `context.n_draws` runs into the metrics and adds the tables
/// "draws" and "tornado".
void add_bands(const SupplyScenario& scenario, const catalog::Catalog& catalog, const RunContext& context, Result& result);

}  // namespace waferwatt::scenario
