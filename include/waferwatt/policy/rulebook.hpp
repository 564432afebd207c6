// SPDX-License-Identifier: Apache-2.0
#pragma once
// The policies of a scenario together: what they say of a chip, a destination and a day.
#include <string>
#include <vector>

#include "waferwatt/policy/chip.hpp"

namespace waferwatt::policy {

/// What a seller may do, and on which terms.
struct Ruling {
  bool is_open = true;               ///< may be delivered
  std::vector<std::string> closed_by;  ///< ids of the controls and bans that close it, or that a licence opened
  std::string licence;               ///< id of the licence that opened it
  double revenue_share = 0;          ///< of the price, from the seller to the licensing state
  double volume_share = -1;          ///< licensed units over those sold at the authority's home; below 0: no cap
  double tpp_quota = -1;             ///< licensed TPP in all; below 0: no cap
  double tariff = 0;                 ///< of the price, from the buyer to the state
  double leak = 0;                   ///< where closed: part of the buyer's money that finds a way
  double leak_premium = 1;           ///< and the price it pays over the price
  std::string authority;             ///< of the licence: whose buyers its volume is measured by
};

class Rulebook {
 public:
  Rulebook() = default;
  explicit Rulebook(std::vector<catalog::Policy> policies) : policies_(std::move(policies)) {}

  /// Controls close, licences open what controls (not bans) closed, a ban of the buyer's own state closes for good.
  /// What a state's companies sell at home is not export: controls do not mean it.
  Ruling rule(const Chip&, const std::string& destination, Date) const;

  /// Whether foundries may make a chip of a company of `country`; a chip whose transistors are not known is presumed large.
  bool may_be_made(const Chip&, const std::string& country, Date) const;
  bool may_receive(const catalog::Memory&, const std::string& destination, Date) const;

  catalog::CarbonPrice carbon_price(const std::string& jurisdiction, Date) const;
  double subsidy(const std::string& jurisdiction, Date) const;  ///< of capital spending

  /// Days on which a ruling can change, sorted.
  std::vector<Date> change_dates() const;
  const std::vector<catalog::Policy>& policies() const { return policies_; }

 private:
  std::vector<catalog::Policy> policies_;
};

/// Effective and not ended on the day.
bool is_in_force(const catalog::Policy&, Date);
/// The same, deliveries that a control still lets through counted out.
bool is_enforced(const catalog::Policy&, Date);
bool is_about(const catalog::Policy&, const std::string& destination);

/// Policies that cannot hold together: two carbon prices or two subsidies for one jurisdiction on one day, a licence
/// that nothing was closed by. \returns pairs of the later policy's index and the message
std::vector<std::pair<std::size_t, std::string>> contradictions(const std::vector<catalog::Policy>&);

}  // namespace waferwatt::policy
