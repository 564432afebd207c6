// SPDX-License-Identifier: Apache-2.0
#pragma once
// The long run: supply makes accelerators, rules say who may have them, buyers pay for them, power switches them on, they
// serve tokens or train, and the money goes round. Weeks on one clock; every wait is charged to what it waited for.
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "waferwatt/market/books.hpp"
#include "waferwatt/market/compute_market.hpp"
#include "waferwatt/market/cost.hpp"
#include "waferwatt/market/order_book.hpp"
#include "waferwatt/market/solvency.hpp"
#include "waferwatt/policy/rulebook.hpp"
#include "waferwatt/power/energisation.hpp"
#include "waferwatt/supply/chain.hpp"

namespace waferwatt::world {

inline constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

/// What a chip in the chain, in the market or at a site can wait for.
enum class Resource { packaging, memory, logic, parts, capital, power };
inline constexpr std::size_t kResources = 6;
std::string_view resource_name(Resource resource);

/// IT power of one accelerator with its share of server and network, by what it does.
struct WorkingPower {
  Power idle, training;
  std::vector<Power> serving;  ///< by tier, when saturated
};

/// What the world knows of a product beyond the chain and the market.
struct ProductTraits {
  double h100_equivalents = 1;
  power::AcceleratorLoad load;          ///< its mean is what owners expect, and what is drawn where `power` is absent
  std::optional<WorkingPower> power;    ///< as simulated
  double server_cost_factor = 1;
  std::vector<TokenRate> token_rates;  ///< of one accelerator when saturated, prompt and output, by tier; 0: does not serve
  FlopRate training;                   ///< model FLOP of one accelerator in training
  policy::Chip chip;
};

struct InitialFleet {
  std::size_t product = 0;
  double n_accelerators = 0;
  Date delivered;
};

/// Money of a buyer that has to live on what it has.
struct Finance {
  Money cash, debt;
  double credit = 0.5;     ///< lenders lend so much of the fleet's book value
  double interest = 0.1;   ///< a year
  Ramp<MoneyRate> funding; ///< from investors and other business
};

struct Owner {
  Ramp<Power> power;  ///< facility power energised for accelerators
  double pue = 1.2;
  Ramp<CarbonIntensity> carbon_intensity;
  Ramp<EnergyPrice> energy_price;
  std::vector<InitialFleet> initial_fleet;
  std::string jurisdiction;                ///< whose rules its purchases meet; empty: none's
  std::vector<std::size_t> partners;
  std::optional<Finance> finance;          ///< absent: the rest of the company pays whatever is missing
  std::optional<Ramp<double>> token_share; ///< of the tokens sold; absent: as its part of the fleet
  std::optional<Ramp<double>> training_share;
};

struct Demand {
  market::ComputeDemand market;
  double utilisation = 0.3;    ///< served over saturated throughput, averaged over the day
  Ramp<double> software_gain = Ramp<double>::constant(1);  ///< tokens per accelerator relative to the saturated rate today
  std::optional<Ramp<double>> reference_gain;  ///< that the forecast of demand counted on; absent: the same
  Time rental_contract = 0.5 * year;
  double expected_utilisation = 0.8;  ///< hours that buyers of new capacity count on selling
};

/// A model that someone wants trained.
struct TrainingProject {
  std::string name;
  std::size_t owner = kNobody;  ///< nobody: the whole fleet
  FlopCount work;
  Date start;
  std::optional<Date> deadline;
  double largest_share = 0.5;   ///< of the owner's training
};

struct WorldSpec {
  Date start, end;
  supply::ChainSpec chain;              ///< starts earlier, to fill the pipeline
  std::vector<market::Offer> offers;    ///< one per product of the chain
  std::vector<ProductTraits> traits;    ///< likewise
  std::vector<market::Buyer> buyers;
  supply::AllocationRule sales_rule;    ///< who gets the accelerators in makers' stocks; absent: as market::OrderBook
  std::vector<Owner> owners;            ///< one per buyer
  Demand demand;
  std::vector<TrainingProject> projects;
  policy::Rulebook rules;
  market::OwnershipTerms terms;         ///< IT cost, power and energy price are filled in per chip
  Time patience = 1 * year, service_life = 6 * year;
  Time power_wait_limit = 0.5 * year;   ///< a buyer holds back the worth of its chips that wait for power over so much of its budget
  bool with_cuts = true;                ///< the bounds of each year take time
  double budget_response = 0;           ///< budgets fall as (rent / cost of new capacity)^this while rents are below it
};

/// One owner's accelerators of one product delivered in one year.
struct DeliveryEntry {
  int year = 0;
  std::size_t owner = 0, product = 0;
  double n_accelerators = 0;
  Money paid;
};

/// What a vendor sold in a quarter: accelerators at the price it got.
struct SaleEntry {
  int year = 0, month = 0;
  std::size_t product = 0;
  double n_accelerators = 0;
  Money revenue;
};

/// Waiting of one product for one resource in one quarter, shared out to buyers by what they wanted of it.
struct ChargeEntry {
  int year = 0, quarter = 0;
  std::size_t product = 0;
  std::size_t owner = kNobody;
  Resource resource = Resource::packaging;
  double accelerator_weeks = 0;

  static constexpr std::size_t kNobody = world::kNobody;
};

struct YearAccount {
  int year = 0;
  Tokens tokens_demanded, tokens_served;
  std::vector<Tokens> tier_tokens;
  std::vector<Money> tier_revenue;
  FlopCount training_flop, training_wanted;
  Energy energy;
  CarbonMass carbon;
  Money inference_cost, fleet_cost;
  double inference_share = 0, idle_share = 0;  ///< of the fleet's time, mean over the year
  Power energised_nameplate;        ///< at the end of the year
  double accelerators_energised = 0, accelerators_waiting = 0, accelerators_unsold = 0;  ///< at the end of the year
  double h100e_energised = 0, h100e_waiting = 0;
  double packaging_wafers = 0;      ///< taken by packages started
  double packaging_slots = 0, idle_slots = 0;  ///< packages the lines could take; of these, without orders or parts
};

struct OwnerYear {
  int year = 0;
  std::size_t owner = 0;
  double h100e_energised = 0, h100e_waiting = 0;  ///< at the end of the year
  double h100e_weeks = 0;
  Power energised_nameplate;                      ///< at the end of the year
  Tokens tokens;                                  ///< served by its fleet
  FlopCount training;
  Energy energy;
  CarbonMass carbon;
  Money depreciation;
  Money cash, debt, book_value;                   ///< at the end of the year
  std::array<Money, market::kFlows> flows{};
};

struct QuarterPrices {
  int year = 0, quarter = 0;
  MoneyRate rent, entry_cost;            ///< means over the quarter, of an H100-equivalent
  double tightness = 0, idle_share = 0;
  std::vector<TokenPrice> tokens;        ///< by tier
};

/// A buyer that could not pay.
struct Failure {
  Date date;
  std::size_t buyer = 0;
  market::Resolved resolved;
};

struct ProjectEnd {
  FlopCount done;
  std::optional<Date> finished;
};

/// A step of the way from wafers to tokens: what a year lost there, in the unit of its part of the way.
struct WaterfallStep {
  int year = 0;
  std::string step, unit;
  double change = 0, left = 0;  ///< `left` after the step
};

/// The static bound of one year: what could have been switched on at most, and the resources whose capacity sets it.
struct YearCut {
  int year = 0;
  std::size_t owner = kNobody;                  ///< nobody: all together
  double bound_h100e = 0, reached_h100e = 0;    ///< H100-equivalents that could be, and that were switched on
  std::array<double, kResources> carried{};     ///< of the cut, by resource; they sum to the bound
};

struct WorldResult {
  std::vector<DeliveryEntry> deliveries;
  std::vector<SaleEntry> sales;
  std::vector<ChargeEntry> charges;
  std::vector<YearAccount> years;
  std::vector<OwnerYear> owner_years;
  std::vector<QuarterPrices> quarters;
  std::vector<Failure> failures;
  std::vector<ProjectEnd> projects;
  std::vector<WaterfallStep> waterfall;
  std::vector<YearCut> cuts;
  double h100e_weeks = 0;    ///< energised H100-equivalents summed over the weeks: the yardstick of marginal values
  double retired = 0;        ///< accelerators taken out
  Money payments_to_states;
  double largest_balance_error = 0;  ///< of wafers, packages, stacks, money, chips, energy, tokens; 0 but for rounding

  /// H100-equivalent weeks charged to each resource in a year (0: all years), to one owner or to all.
  std::array<double, kResources> charged_h100e_weeks(const WorldSpec& spec, int year, std::size_t owner = kNobody) const;
};

/// Simulates on a loop whose clock counts days.
/// \throws std::logic_error where a week does not conserve money, chips, energy or tokens
WorldResult simulate(const WorldSpec& spec, engine::EventLoop& loop);

}  // namespace waferwatt::world
