// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/catalog/policy.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "read_shelf.hpp"

namespace waferwatt::catalog {
namespace {

constexpr auto kNoBandwidth = 0 * byte / second;
constexpr auto kMostBandwidth = 1000 * tera * byte / second;

/// Which members a kind needs, and which mean nothing to it.
void check_terms(const Policy& p, const io::FieldComplaint& complain) {
  using K = PolicyKind;
  const auto only_for = [&](const char* key, bool given, std::initializer_list<K> kinds) {
    if (given && std::ranges::find(kinds, p.kind) == kinds.end())
      complain(key, fmt::format("a policy of kind \"{}\" has no \"{}\"", io::enum_text(p.kind), key));
  };
  const auto needs = [&](const char* key, bool given, std::initializer_list<K> kinds) {
    if (!given && std::ranges::find(kinds, p.kind) != kinds.end())
      complain("", fmt::format("a policy of kind \"{}\" needs \"{}\"", io::enum_text(p.kind), key));
  };
  only_for("revenue_share", p.revenue_share.has_value(), {K::licence});
  only_for("volume_share", p.volume_share.has_value(), {K::licence});
  only_for("tpp_quota", p.tpp_quota.has_value(), {K::licence});
  only_for("enforcement_lag", p.enforcement_lag.has_value(), {K::export_control, K::foundry_rule, K::purchase_ban});
  only_for("leak", p.leak.has_value(), {K::export_control, K::purchase_ban});
  only_for("leak_premium", p.leak_premium.has_value(), {K::export_control, K::purchase_ban});
  only_for("rate", p.rate.has_value(), {K::tariff, K::subsidy});
  only_for("carbon_price", p.carbon_price.has_value(), {K::carbon_price});
  needs("rate", p.rate.has_value(), {K::tariff, K::subsidy});
  needs("carbon_price", p.carbon_price.has_value(), {K::carbon_price});
  const bool at_home = std::ranges::find(p.destinations, p.authority) != p.destinations.end();
  if (at_home && (p.kind == K::export_control || p.kind == K::licence))
    complain("destinations", fmt::format("\"{}\" cannot control exports to itself", p.authority));
  if (!at_home && p.kind == K::purchase_ban)
    complain("destinations", fmt::format("a purchase ban binds the authority's own buyers; \"{}\" is not among the destinations", p.authority));
  if (p.destinations.empty()) complain("destinations", "give at least one destination; \"*\" means all but the authority");
}

}  // namespace

const io::Record<PolicyClause>& PolicyClause::record() {
  using C = PolicyClause;
  static const auto record =
      io::Record<C>("policy_clause", "One way to be meant by a policy: all bounds that are given hold.")
          .optional("tpp_at_least", &C::tpp_at_least, {.doc = "Total processing performance: dense TFLOP/s times bits of the operands, the largest over formats.", .at_least = 0.0, .at_most = 1e9})
          .optional("tpp_below", &C::tpp_below, {.doc = "The same, from above.", .above = 0.0, .at_most = 1e9})
          .optional("density_at_least", &C::density_at_least, {.doc = "TPP per square millimetre of logic dies.", .at_least = 0.0, .at_most = 1e6})
          .optional("density_below", &C::density_below, {.doc = "The same, from above.", .above = 0.0, .at_most = 1e6})
          .optional("memory_bandwidth_at_least", &C::memory_bandwidth_at_least, {.doc = "Bandwidth of its memory.", .at_least = kNoBandwidth, .at_most = kMostBandwidth})
          .optional("memory_bandwidth_below", &C::memory_bandwidth_below, {.doc = "The same, from above.", .above = kNoBandwidth, .at_most = kMostBandwidth})
          .optional("io_at_least", &C::io_at_least, {.doc = "Bandwidth to other chips, both directions.", .at_least = kNoBandwidth, .at_most = kMostBandwidth})
          .optional("total_bandwidth_at_least", &C::total_bandwidth_at_least, {.doc = "Memory and I/O together.", .at_least = kNoBandwidth, .at_most = kMostBandwidth})
          .optional("memory_density_above", &C::memory_density_above, {.doc = "Bandwidth of a memory stack per its area."})
          .optional("transistors_at_least", &C::transistors_at_least, {.doc = "Transistors of the package.", .at_least = 0.0, .at_most = 1e15})
          .optional("has_stacked_memory", &C::has_stacked_memory, {.doc = "Whether high-bandwidth memory is in the package."})
          .optional("for_datacentres", &C::for_datacentres, {.doc = "Whether it is sold for datacentres."})
          .optional("accelerators", &C::accelerators, {.doc = "Named accelerators; absent: by the bounds."});
  return record;
}

const io::Record<Policy>& Policy::record() {
  using P = Policy;
  static const auto record =
      io::Record<P>("policy", "A rule of a state about chips, their making, carbon or capital.")
          .required("id", &P::id, {.doc = "Id; the file's name."})
          .required("name", &P::name, {.doc = "What it is."})
          .required("kind", &P::kind, {.doc = "What it does."})
          .required("authority", &P::authority, {.doc = "Jurisdiction that makes the rule."})
          .required("destinations", &P::destinations, {.doc = "Jurisdictions it is about; \"*\": all but the authority."})
          .required("effective", &P::effective, {.doc = "First day."})
          .optional("ended", &P::ended, {.doc = "Day after the last; not after \"effective\": rescinded before it took effect."})
          .optional("clauses", &P::clauses, {.doc = "What is meant: any of them; absent: everything."})
          .optional("enforcement_lag", &P::enforcement_lag, {.doc = "From the first day to the last delivery.", .at_least = 0 * day, .at_most = 10 * year})
          .optional("leak", &P::leak, {.doc = "Of what buyers would spend on closed chips, the part that finds a way.", .at_least = 0.0, .at_most = 1.0})
          .optional("leak_premium", &P::leak_premium, {.doc = "Price in the grey market over the price.", .at_least = 1.0, .at_most = 20.0})
          .optional("revenue_share", &P::revenue_share, {.doc = "Of a licensed sale, to the authority.", .at_least = 0.0, .at_most = 1.0})
          .optional("volume_share", &P::volume_share, {.doc = "Licensed units over those of the same accelerator sold to the authority's own buyers.", .at_least = 0.0, .at_most = 100.0})
          .optional("tpp_quota", &P::tpp_quota, {.doc = "Licensed TPP in all, for each destination.", .at_least = 0.0, .at_most = 1e15})
          .optional("rate", &P::rate, {.doc = "Of a tariff on the price; of a subsidy on capital spending.", .at_least = 0.0, .at_most = 10.0})
          .optional("carbon_price", &P::carbon_price, {.doc = "Price of emissions over time.", .at_least = 0 * usd / kg_co2e, .at_most = 10 * usd / kg_co2e})
          .optional("notes", &P::notes, {.doc = "Conflicts between sources and how they were settled."})
          .check(check_terms);
  return record;
}

void read_policies(const std::filesystem::path& folder, Shelf<Policy>& policies, CatalogReadContext& context) {
  read_shelf(folder / "policies", policies, context);
}

Shelf<Policy> load_policies(const std::filesystem::path& folder) {
  Diagnostics diagnostics;
  CatalogReadContext context{diagnostics};
  Shelf<Policy> policies;
  read_policies(folder, policies, context);
  diagnostics.throw_if_any();
  return policies;
}

}  // namespace waferwatt::catalog
