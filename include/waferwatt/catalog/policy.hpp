// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rules of states as data: who may be sold what, on which terms, and what carbon and building cost. Read apart from the
// rest of models/, by those who need it; Catalog::load checks it too.
#include "waferwatt/catalog/catalog.hpp"

namespace waferwatt::catalog {

using BandwidthDensity = Quantity<Dimension{.time = -1, .length = -2, .data = 1}>;
using CarbonPrice = Quantity<Dimension{.money = 1, .carbon = -1}>;

/// What a policy does.
enum class PolicyKind {
  export_control,  ///< chips that meet a clause may not go to the destinations
  memory_control,  ///< the same for stacks of memory
  licence,         ///< opens what controls have closed, on terms
  foundry_rule,    ///< foundries may not make chips of the destinations' companies that meet a clause
  purchase_ban,    ///< the destination's own buyers may not buy
  tariff,          ///< added to the price by the destination, or in transit by the authority
  carbon_price,    ///< on emissions in the destinations
  subsidy          ///< part of capital spending in the destinations
};

/// One way to be meant by a policy: all bounds that are given hold. A bound on what is not known of a chip holds: the
/// authority presumes it.
struct PolicyClause {
  std::optional<Fact<double>> tpp_at_least, tpp_below;          ///< total processing performance: TFLOP/s x bits
  std::optional<Fact<double>> density_at_least, density_below;  ///< TPP per square millimetre of logic dies
  std::optional<Fact<Bandwidth>> memory_bandwidth_at_least, memory_bandwidth_below;
  std::optional<Fact<Bandwidth>> io_at_least;                   ///< both directions, as vendors quote it
  std::optional<Fact<Bandwidth>> total_bandwidth_at_least;      ///< memory and I/O together
  std::optional<Fact<BandwidthDensity>> memory_density_above;   ///< bandwidth of a stack per its area
  std::optional<Fact<double>> transistors_at_least;
  std::optional<bool> has_stacked_memory;
  std::optional<bool> for_datacentres;
  std::vector<std::string> accelerators;                        ///< named ones; empty: by the bounds

  static const io::Record<PolicyClause>& record();
};

struct Policy {
  std::string id, name;
  PolicyKind kind = PolicyKind::export_control;
  std::string authority;                   ///< jurisdiction that makes the rule
  std::vector<std::string> destinations;   ///< jurisdictions it is about; "*": all but the authority
  Fact<Date> effective;
  std::optional<Fact<Date>> ended;         ///< not after `effective`: rescinded before it took effect
  std::vector<PolicyClause> clauses;       ///< any of them; none: everything
  std::optional<Fact<Time>> enforcement_lag;   ///< from effect to the last delivery
  std::optional<Fact<double>> leak;            ///< of what buyers would spend on closed chips, the part that finds a way
  std::optional<Fact<double>> leak_premium;    ///< price in the grey market over the price
  std::optional<Fact<double>> revenue_share;   ///< of a licensed sale, to the authority
  std::optional<Fact<double>> volume_share;    ///< licensed units over those sold to the authority's own buyers
  std::optional<Fact<double>> tpp_quota;       ///< licensed TPP in all, for each destination
  std::optional<Fact<double>> rate;            ///< of a tariff on the price; of a subsidy on capital spending
  std::optional<Fact<Ramp<CarbonPrice>>> carbon_price;
  std::vector<std::string> notes;

  io::Location where;

  static const io::Record<Policy>& record();
};

/// models/policies. \throws InputError with every problem of every file
Shelf<Policy> load_policies(const std::filesystem::path& folder);

}  // namespace waferwatt::catalog

namespace waferwatt::io {
template <> struct EnumTexts<catalog::PolicyKind> {
  static constexpr std::array values{
      std::pair{catalog::PolicyKind::export_control, "export-control"}, std::pair{catalog::PolicyKind::memory_control, "memory-control"},
      std::pair{catalog::PolicyKind::licence, "licence"},               std::pair{catalog::PolicyKind::foundry_rule, "foundry-rule"},
      std::pair{catalog::PolicyKind::purchase_ban, "purchase-ban"},     std::pair{catalog::PolicyKind::tariff, "tariff"},
      std::pair{catalog::PolicyKind::carbon_price, "carbon-price"},     std::pair{catalog::PolicyKind::subsidy, "subsidy"}};
};
}  // namespace waferwatt::io
