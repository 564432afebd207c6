// SPDX-License-Identifier: Apache-2.0
#pragma once
// The long run: supply makes accelerators, buyers pay for them, power switches them on, they
// serve tokens or train. Weeks on one clock; every wait is charged to what it waited for.
#include <array>
#include <string>
#include <vector>

#include "waferwatt/market/cost.hpp"
#include "waferwatt/market/order_book.hpp"
#include "waferwatt/power/energisation.hpp"
#include "waferwatt/supply/chain.hpp"

namespace waferwatt::world {

/// What a chip in the chain, in the market or at a site can wait for.
enum class Resource { packaging, memory, logic, capital, power };
inline constexpr std::size_t kResources = 5;
std::string_view resource_name(Resource resource);

/// What the world knows of a product beyond the chain and the market.
struct ProductTraits {
  double h100_equivalents = 1;
  power::AcceleratorLoad load;
  double server_cost_factor = 1;
  TokenRate token_rate;  ///< of one accelerator when saturated, prompt and output; 0: does not serve
  FlopRate peak;         ///< bf16, for training
};

struct InitialFleet {
  std::size_t product = 0;
  double n_accelerators = 0;
  Date delivered;
};

struct Owner {
  Ramp<Power> power;  ///< facility power energised for accelerators
  double pue = 1.2;
  Ramp<CarbonIntensity> carbon_intensity;
  Ramp<EnergyPrice> energy_price;
  std::vector<InitialFleet> initial_fleet;
};

struct TokenDemand {
  Ramp<TokenRate> tokens;
  double utilisation = 0.3;       ///< served over saturated throughput, averaged over the day
  double largest_share = 0.6;     ///< of the energised fleet that serves
  Ramp<double> software_gain;     ///< tokens per accelerator relative to the saturated rate today
  double training_utilisation = 0.35;  ///< model FLOP over peak FLOP of the accelerators that train
};

struct WorldSpec {
  Date start, end;
  supply::ChainSpec chain;              ///< starts earlier, to fill the pipeline
  std::vector<market::Offer> offers;    ///< one per product of the chain
  std::vector<ProductTraits> traits;    ///< likewise
  std::vector<market::Buyer> buyers;
  std::vector<Owner> owners;            ///< one per buyer
  TokenDemand demand;
  market::OwnershipTerms terms;         ///< IT cost, power and energy price are filled in per chip
  Time patience = 1 * year, service_life = 6 * year;
  Time power_wait_limit = 0.5 * year;  ///< a buyer whose chips wait for power for so much of its budget stops buying
};

/// One owner's accelerators of one product delivered in one year.
struct DeliveryEntry {
  int year = 0;
  std::size_t owner = 0, product = 0;
  double n_accelerators = 0;
  Money paid;
};

/// Waiting of one product for one resource in one quarter; `owner` only where chips are at a site.
struct ChargeEntry {
  int year = 0, quarter = 0;
  std::size_t product = 0;
  std::size_t owner = kNobody;
  Resource resource = Resource::packaging;
  double accelerator_weeks = 0;

  static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);
};

struct YearAccount {
  int year = 0;
  Tokens tokens_demanded, tokens_served;
  FlopCount training_flop;
  Energy energy;
  CarbonMass carbon;
  Money inference_cost, fleet_cost;
  double inference_share = 0;       ///< of the fleet's time, mean over the year
  Power energised_nameplate;        ///< at the end of the year
  double accelerators_energised = 0, accelerators_waiting = 0, accelerators_unsold = 0;  ///< at the end of the year
  double h100e_energised = 0, h100e_waiting = 0;
  double packaging_slots = 0, idle_slots = 0;  ///< packages the lines could take; of these, without orders or parts
};

struct WorldResult {
  std::vector<DeliveryEntry> deliveries;
  std::vector<ChargeEntry> charges;
  std::vector<YearAccount> years;
  double h100e_weeks = 0;    ///< energised H100-equivalents summed over the weeks: the yardstick of marginal values
  double retired = 0;        ///< accelerators taken out
  double largest_balance_error = 0;  ///< of wafers, packages, stacks, money, chips, energy; 0 but for rounding

  /// H100-equivalent weeks charged to each resource in a year (0: all years).
  std::array<double, kResources> charged_h100e_weeks(const WorldSpec& spec, int year) const;
};

/// Simulates on a loop whose clock counts days.
WorldResult simulate(const WorldSpec& spec, engine::EventLoop& loop);

/// Multiplies one resource's capacity (or budgets, or power) from the start of the run.
WorldSpec with_more(const WorldSpec& spec, Resource resource, double factor);

/// What more of one resource would bring, relative to the base run; 0 where that has nothing.
struct MarginalValue {
  Resource resource = Resource::packaging;
  double h100e_weeks_gain = 0;  ///< relative
  double tokens_gain = 0;       ///< relative
};

/// Runs the world once per resource with `factor` times as much of it, on `n_jobs` threads.
std::vector<MarginalValue> marginal_values(const WorldSpec& spec, const WorldResult& base, double factor, unsigned n_jobs = 1);

}  // namespace waferwatt::world
