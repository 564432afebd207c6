// SPDX-License-Identifier: Apache-2.0
#pragma once
// Two of the views of what binds: what more of a resource brings, and the cut. The third, waits, is in the result itself.
#include <map>

#include "waferwatt/world/world.hpp"

namespace waferwatt::world {

/// Multiplies one resource's capacity (or budgets, or power) from the start of the run.
WorldSpec with_more(const WorldSpec& spec, Resource resource, double factor);

/// What the world has of a resource over a year, in units that a reader can buy: wafers of packaging, memory or logic, units
/// of parts, dollars, megawatt-years.
struct Amount {
  double value = 0;
  std::string_view unit;
};
Amount amount_of(const WorldSpec& spec, Resource resource, Date from, Date to, std::size_t owner = kNobody);

/// What is gained in one year by one owner, or by all.
struct Gain {
  int year = 0;
  std::size_t owner = kNobody;  ///< nobody: all together
  double h100e_weeks = 0;
  Tokens tokens;
  FlopCount training;
  Money money;          ///< of token sales, less what the owners pay for energy and operations
  CarbonMass carbon;
  Power energised;               ///< nameplate at the end of the year
  double delivered_before = 0;   ///< H100-equivalents that came until the year began
};

/// Outputs of a run by year and owner, as gains over nothing.
std::map<std::pair<int, std::size_t>, Gain> outputs(const WorldSpec& spec, const WorldResult& result);

/// What more of one resource would bring, relative to the base run; 0 where that has nothing.
struct MarginalValue {
  Resource resource = Resource::packaging;
  double h100e_weeks_gain = 0;  ///< relative
  double tokens_gain = 0;       ///< relative
  std::vector<Gain> gains;      ///< by year and owner, and of all
};

/// Runs the world once per resource with `factor` times as much of it, on `n_jobs` threads; the runs have all chance in common.
std::vector<MarginalValue> marginal_values(const WorldSpec& spec, const WorldResult& base, double factor, unsigned n_jobs = 1);

/// What limits one year: chips the chain could make and makers held, and each buyer's money, power and waiting chips, in
/// H100-equivalents.
struct CutInput {
  int year = 0;
  double supply = 0;
  std::array<double, kResources> supply_parts{};  ///< of the chain's own cut, any scale
  std::vector<double> money, power, waiting;      ///< by buyer
};

/// Chips flow from the chain (its own cut) through each buyer's money to each buyer's power; chips that already wait join at
/// the power. The graph is a tree below the chain, so that the cut has a closed form:
/// (1) sum over buyers of min(P_b, W_b) + min(S, sum over buyers of min(M_b, max(0, P_b - W_b))).
/// \returns the cut of all together, then that of each buyer with the chips that reach it
std::vector<YearCut> cuts(const CutInput& input);

}  // namespace waferwatt::world
