// SPDX-License-Identifier: Apache-2.0
#pragma once
// kind "world": supply, buyers, power and tokens in one run.
#include "waferwatt/scenario/supply_scenario.hpp"

namespace waferwatt::scenario {

/// A product of the chain with what the market knows of it.
struct WorldProduct {
  catalog::Reference<catalog::Accelerator> accelerator;
  std::string vendor;  ///< packaging customer; empty: the accelerator's vendor
  Ramp<double> mix;
  double harvest_fraction = 0.5;
  std::optional<Ramp<Money>> price;  ///< absent: the catalog's
  std::vector<std::string> only_to, not_to;

  io::Location where;

  static const io::Record<WorldProduct>& record();
};

struct WorldFleet {
  catalog::Reference<catalog::Accelerator> accelerator;
  double n_accelerators = 0;
  Date delivered;

  static const io::Record<WorldFleet>& record();
};

struct WorldBuyer {
  std::string name;
  std::optional<std::string> company;          ///< catalog id, for its capital spending and PUE
  std::optional<Ramp<MoneyRate>> budget;       ///< for accelerators
  std::optional<Ramp<double>> capex_share;     ///< or this share of the company's capital spending
  std::map<std::string, double> vendors;
  Ramp<Power> power;
  std::vector<catalog::Reference<catalog::Site>> sites;  ///< their power comes on top
  catalog::Reference<catalog::Grid> grid;
  std::optional<double> pue;
  std::vector<WorldFleet> initial_fleet;

  io::Location where;

  static const io::Record<WorldBuyer>& record();
};

struct WorldDemand {
  Ramp<TokenRate> tokens;
  catalog::Reference<catalog::LanguageModel> model;
  std::int64_t input_tokens = 1000, output_tokens = 300;
  double utilisation = 0.3, largest_share = 0.6, training_utilisation = 0.35;
  Ramp<double> software_gain = Ramp<double>::constant(1.0);

  static const io::Record<WorldDemand>& record();
};

/// Planned power comes late: each site by a lognormal delay of its own.
struct WorldPowerDelay {
  Time median;
  double sigma = 0;  ///< of the logarithm

  static const io::Record<WorldPowerDelay>& record();
};

struct WorldEconomics {
  double discount_rate = 0.1, operations_fraction = 0.03;
  Time it_life = 5 * year, building_life = 15 * year, service_life = 6 * year, patience = 1 * year, power_wait_limit = 0.5 * year;
  Quantity<Dimension{.time = 1, .energy = -1, .money = 1}> building_cost = 12 * usd / watt;

  static const io::Record<WorldEconomics>& record();
};

struct WorldScenario {
  Date start, end, known_at;
  Time warm_up = 1 * year;
  std::vector<WorldProduct> products;
  std::vector<SupplyStock> stocks;
  std::vector<WorldBuyer> buyers;
  WorldDemand demand;
  WorldEconomics economics;
  WorldPowerDelay power_delay;
  double marginal_step = 0.1;  ///< relative; 0: no marginal values

  io::Location where;

  static const io::Record<WorldScenario>& record();
};

void check(const WorldScenario&, const catalog::Catalog&, Diagnostics&);
Result run(const WorldScenario&, const catalog::Catalog&, const RunContext&);

}  // namespace waferwatt::scenario
