// SPDX-License-Identifier: Apache-2.0
#pragma once
// kind "world": supply, rules, buyers, power, tokens and money in one run.
#include "waferwatt/catalog/policy.hpp"
#include "waferwatt/market/compute_market.hpp"
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

/// Money of a buyer that has to live on what it has.
struct WorldFinance {
  Money cash, debt;
  double credit = 0.5, interest = 0.1;
  Ramp<MoneyRate> funding = Ramp<MoneyRate>::constant(MoneyRate{});

  static const io::Record<WorldFinance>& record();
};

enum class BuyerKind { hyperscaler, lab, neo_cloud, sovereign, other };

struct WorldBuyer {
  std::string name;
  BuyerKind kind = BuyerKind::other;
  std::optional<std::string> company;          ///< catalog id, for its capital spending, PUE and country
  std::optional<std::string> jurisdiction;     ///< whose rules its purchases meet; absent: the company's country
  std::string region;                          ///< for sums of energy; empty: the world's only
  std::vector<std::string> partners;           ///< buyers that may rescue it
  std::optional<Ramp<MoneyRate>> budget;       ///< for accelerators
  std::optional<Ramp<double>> capex_share;     ///< or this share of the company's capital spending
  std::map<std::string, double> vendors;
  double prepayment = 0;
  Time order_ahead = 26 * week;
  Ramp<Power> power;
  std::vector<catalog::Reference<catalog::Site>> sites;  ///< their power comes on top
  catalog::Reference<catalog::Grid> grid;
  std::optional<double> pue;
  std::vector<WorldFleet> initial_fleet;
  std::optional<WorldFinance> finance;
  std::optional<Ramp<double>> token_share, training_share;

  io::Location where;

  static const io::Record<WorldBuyer>& record();
};

/// Tokens of one quality, and the model that stands for them.
struct WorldTier {
  std::string name;
  Ramp<TokenRate> tokens;
  catalog::Reference<catalog::LanguageModel> model;
  std::int64_t input_tokens = 1000, output_tokens = 300;
  std::optional<Ramp<TokenPrice>> reference_price;
  std::optional<double> margin;  ///< absent: the demand's

  io::Location where;

  static const io::Record<WorldTier>& record();
};

struct WorldDemand {
  std::optional<Ramp<TokenRate>> tokens;                            ///< of one tier
  std::optional<catalog::Reference<catalog::LanguageModel>> model;  ///< likewise
  std::vector<WorldTier> tiers;                                     ///< or several
  std::int64_t input_tokens = 1000, output_tokens = 300;
  double margin = 0.3, elasticity = 1.11, substitution = 2;
  double utilisation = 0.3, largest_share = 0.6, training_utilisation = 0.35;
  std::optional<catalog::Reference<catalog::LanguageModel>> training_model;
  std::optional<Ramp<FlopRate>> training;
  double training_elasticity = 1;
  Ramp<double> scale = Ramp<double>::constant(1.0);  ///< of all tokens asked for
  Ramp<double> software_gain = Ramp<double>::constant(1.0);
  std::optional<Ramp<double>> reference_gain;
  Time rental_contract = 0.5 * year;
  double expected_utilisation = 0.8;

  io::Location where;

  static const io::Record<WorldDemand>& record();
};

/// A model that someone wants trained.
struct WorldProject {
  std::string name;
  std::optional<std::string> buyer;  ///< whose fleet; absent: everyone's
  FlopCount work;                    ///< with the methods of `reference`
  std::optional<Date> reference;     ///< absent: the start
  std::optional<Time> progress;      ///< methods halve the work in this time
  Date start;
  std::optional<Date> deadline;
  double largest_share = 0.5;

  io::Location where;

  static const io::Record<WorldProject>& record();
};

/// Planned power comes late: each site by a lognormal delay of its own.
struct WorldPowerDelay {
  Time median;
  double sigma = 0;  ///< of the logarithm

  static const io::Record<WorldPowerDelay>& record();
};

/// How wrong the scenario's own forecasts may be: standard deviations of the logarithm after one year; they grow as the
/// root of the years after known_at.
struct WorldUncertainty {
  double supply = 0.3, demand = 0.3, budgets = 0.2, power = 0.15;

  static const io::Record<WorldUncertainty>& record();
};

struct WorldEconomics {
  double discount_rate = 0.1, operations_fraction = 0.03, budget_response = 0;
  Time it_life = 5 * year, building_life = 15 * year, service_life = 6 * year, patience = 1 * year, power_wait_limit = 0.5 * year;
  Quantity<Dimension{.time = 1, .energy = -1, .money = 1}> building_cost = 12 * usd / watt;

  static const io::Record<WorldEconomics>& record();
};

struct WorldScenario {
  Date start, end, known_at;
  Time warm_up = 1 * year;
  std::vector<WorldProduct> products;
  std::vector<SupplyStock> stocks;
  std::vector<SupplyShock> shocks;
  std::vector<SupplyExpansion> expansions;
  std::optional<std::vector<std::string>> parts;  ///< absent: all of the catalog that the products need
  std::vector<catalog::Reference<catalog::Policy>> policies;
  std::vector<WorldBuyer> buyers;
  WorldDemand demand;
  std::vector<WorldProject> projects;
  WorldEconomics economics;
  WorldPowerDelay power_delay;
  WorldUncertainty uncertainty;
  std::map<std::string, Ramp<Power>> other_load;  ///< mean power of datacentres beside the accelerators, by region
  Ramp<double> power_scale = Ramp<double>::constant(1.0), budget_scale = Ramp<double>::constant(1.0);  ///< of all buyers
  std::map<std::string, Ramp<double>> vendor_systems;  ///< what a vendor earns beside its accelerators, as part of their price
  double marginal_step = 0.1;   ///< relative; 0: no marginal values
  std::int64_t certainty_draws = 0;  ///< draws in which marginal values are computed again
  std::int64_t draw = 0;        ///< which draw of the uncertain values; 0: the values themselves
  supply::AllocationRule packaging_rule, sales_rule;  ///< the caller's own: of packaging lines, of accelerators in stock; see own_rules.hpp
  market::DemandCurve demand_curve;                   ///< likewise, in place of elasticity and substitution

  io::Location where;

  static const io::Record<WorldScenario>& record();
};

void check(const WorldScenario&, const catalog::Catalog&, Diagnostics&);
Result run(const WorldScenario&, const catalog::Catalog&, const RunContext&);

}  // namespace waferwatt::scenario

namespace waferwatt::io {
template <> struct EnumTexts<scenario::BuyerKind> {
  static constexpr std::array values{std::pair{scenario::BuyerKind::hyperscaler, "hyperscaler"}, std::pair{scenario::BuyerKind::lab, "lab"},
                                     std::pair{scenario::BuyerKind::neo_cloud, "neo-cloud"}, std::pair{scenario::BuyerKind::sovereign, "sovereign"},
                                     std::pair{scenario::BuyerKind::other, "other"}};
};
}  // namespace waferwatt::io
