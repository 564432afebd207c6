// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/policy/rulebook.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace waferwatt::policy {

using catalog::Policy;
using catalog::PolicyKind;

namespace {

Date last_delivery(const Policy& p) { return p.effective.value + (p.enforcement_lag ? p.enforcement_lag->value : Time{}); }

/// Both are in force on some day and about a common jurisdiction.
bool overlap(const Policy& a, const Policy& b) {
  const auto is_before = [](const Policy& x, const Policy& y) { return x.ended && x.ended->value <= y.effective.value; };
  const auto is_void = [](const Policy& x) { return x.ended && x.ended->value <= x.effective.value; };
  if (is_before(a, b) || is_before(b, a) || is_void(a) || is_void(b)) return false;
  return std::ranges::any_of(a.destinations, [&](const std::string& d) { return d == "*" || is_about(b, d); });
}

}  // namespace

bool is_in_force(const Policy& p, Date date) { return p.effective.value <= date && (!p.ended || date < p.ended->value); }
bool is_enforced(const Policy& p, Date date) { return is_in_force(p, date) && last_delivery(p) <= date; }

bool is_about(const Policy& p, const std::string& destination) {
  return std::ranges::any_of(p.destinations, [&](const std::string& d) { return d == destination || (d == "*" && destination != p.authority); });
}

Ruling Rulebook::rule(const Chip& chip, const std::string& destination, Date date) const {
  Ruling ruling;
  bool is_controlled = false, is_banned = false;
  double way_in = 1;  // a chip that several rules close must leak past them all
  for (const auto& p : policies_) {
    if (!is_about(p, destination) || !is_meant(p, chip)) continue;
    const bool is_export = p.kind == PolicyKind::export_control && chip.maker_country != destination;
    const bool is_ban = p.kind == PolicyKind::purchase_ban;
    if (p.kind == PolicyKind::tariff && chip.maker_country != destination && is_in_force(p, date)) ruling.tariff += p.rate->value;
    if ((!is_export && !is_ban) || !is_enforced(p, date)) continue;
    (is_ban ? is_banned : is_controlled) = true;
    ruling.closed_by.push_back(p.id);
    way_in = std::min(way_in, p.leak ? p.leak->value : 0.0);
    if (p.leak_premium) ruling.leak_premium = std::max(ruling.leak_premium, p.leak_premium->value);
  }
  if (is_controlled)
    for (const auto& p : policies_)
      if (p.kind == PolicyKind::licence && is_about(p, destination) && is_in_force(p, date) && is_meant(p, chip)) {
        is_controlled = false;
        ruling.licence = p.id;
        ruling.authority = p.authority;
        ruling.revenue_share = p.revenue_share ? p.revenue_share->value : 0;
        ruling.volume_share = p.volume_share ? p.volume_share->value : -1;
        ruling.tpp_quota = p.tpp_quota ? p.tpp_quota->value : -1;
      }
  ruling.is_open = !is_controlled && !is_banned;
  if (ruling.is_open) ruling.leak_premium = 1;
  else ruling.leak = way_in;
  return ruling;
}

bool Rulebook::may_be_made(const Chip& chip, const std::string& country, Date date) const {
  return std::ranges::none_of(policies_, [&](const Policy& p) {
    return p.kind == PolicyKind::foundry_rule && is_about(p, country) && is_enforced(p, date) && is_meant(p, chip);
  });
}

bool Rulebook::may_receive(const catalog::Memory& memory, const std::string& destination, Date date) const {
  return std::ranges::none_of(policies_, [&](const Policy& p) {
    return p.kind == PolicyKind::memory_control && is_about(p, destination) && is_in_force(p, date) && is_meant(p, memory);
  });
}

catalog::CarbonPrice Rulebook::carbon_price(const std::string& jurisdiction, Date date) const {
  for (const auto& p : policies_)
    if (p.kind == PolicyKind::carbon_price && is_about(p, jurisdiction) && is_in_force(p, date)) return p.carbon_price->value.at(date);
  return {};
}

double Rulebook::subsidy(const std::string& jurisdiction, Date date) const {
  for (const auto& p : policies_)
    if (p.kind == PolicyKind::subsidy && is_about(p, jurisdiction) && is_in_force(p, date)) return p.rate->value;
  return 0;
}

std::vector<Date> Rulebook::change_dates() const {
  std::vector<Date> dates;
  for (const auto& p : policies_) {
    dates.push_back(p.effective.value);
    dates.push_back(last_delivery(p));
    if (p.ended) dates.push_back(p.ended->value);
  }
  std::ranges::sort(dates);
  dates.erase(std::unique(dates.begin(), dates.end()), dates.end());
  return dates;
}

std::vector<std::pair<std::size_t, std::string>> contradictions(const std::vector<Policy>& policies) {
  std::vector<std::pair<std::size_t, std::string>> found;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    const auto& p = policies[i];
    for (std::size_t j = 0; j < i; ++j) {
      if (policies[j].id == p.id) found.emplace_back(i, fmt::format("policy \"{}\" is given twice", p.id));
      else if (policies[j].kind == p.kind && (p.kind == PolicyKind::carbon_price || p.kind == PolicyKind::subsidy) && overlap(policies[j], p))
        found.emplace_back(i, fmt::format("policies \"{}\" and \"{}\" both set the {} of the same place at the same time", policies[j].id, p.id, io::enum_text(p.kind)));
    }
    const bool opens_something = std::ranges::any_of(policies, [&](const Policy& other) { return other.kind == PolicyKind::export_control && overlap(other, p); });
    const bool is_void = p.ended && p.ended->value <= p.effective.value;
    if (p.kind == PolicyKind::licence && !is_void && !opens_something)
      found.emplace_back(i, fmt::format("licence \"{}\" opens nothing: no export control of the scenario closes the same destinations while it is in force", p.id));
  }
  return found;
}

}  // namespace waferwatt::policy
