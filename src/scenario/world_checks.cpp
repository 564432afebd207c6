// SPDX-License-Identifier: Apache-2.0
// Rules of world scenarios that need the catalog. Each complaint stands where its cause was written.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "waferwatt/policy/rulebook.hpp"
#include "waferwatt/scenario/world_scenario.hpp"
#include "world_build.hpp"

namespace waferwatt::scenario {
namespace {

void check_buyer(const WorldBuyer& buyer, const std::set<std::string>& vendors, const std::set<std::string>& products, const std::vector<std::string>& buyers, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  const auto complain = [&](std::string_view key, std::string message) { diagnostics.add(buyer.where.diagnostic(key, fmt::format("buyer \"{}\": {}", buyer.name, message))); };
  buyer.grid.resolve(catalog.grids, diagnostics);
  for (const auto& site : buyer.sites) site.resolve(catalog.sites, diagnostics);
  const std::vector<std::string> known(vendors.begin(), vendors.end());
  for (const auto& [vendor, share] : buyer.vendors)
    if (!vendors.contains(vendor)) complain("vendors", fmt::format("unknown vendor \"{}\"{}", vendor, suggestion(vendor, known, "vendors")));
  for (const auto& fleet : buyer.initial_fleet) {
    const auto* accelerator = fleet.accelerator.resolve(catalog.accelerators, diagnostics);
    if (accelerator && !products.contains(accelerator->id)) complain("initial_fleet", fmt::format("the initial fleet's \"{}\" is not among the products", accelerator->id));
  }
  for (const auto& partner : buyer.partners)
    if (std::ranges::find(buyers, partner) == buyers.end()) complain("partners", fmt::format("unknown partner \"{}\"{}", partner, suggestion(partner, buyers, "buyers")));
  if (!buyer.company) return;
  const auto* company = catalog.companies.find(*buyer.company);
  if (!company) complain("company", fmt::format("unknown company \"{}\"{}", *buyer.company, suggestion(*buyer.company, catalog.companies.ids(), "ids")));
  else if (buyer.capex_share && !company->capex) complain("capex_share", fmt::format("the catalog knows no capital spending of \"{}\"; give a \"budget\"", *buyer.company));
}

void check_offers(const WorldScenario& scenario, const std::vector<std::string>& buyers, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  for (const auto& product : scenario.products) {
    Diagnostics already_told;  // with the chain
    const auto* accelerator = product.accelerator.resolve(catalog.accelerators, already_told);
    if (accelerator && !product.price && !accelerator->price)
      diagnostics.add(product.where.diagnostic("price", fmt::format("the catalog knows no price of {}; give a \"price\"", accelerator->id)));
    if (accelerator && !catalog.system_of(accelerator->id))
      diagnostics.add(product.where.diagnostic("accelerator", fmt::format("no system in the catalog holds {}", accelerator->id)));
    for (const auto& [key, names] : {std::pair{"only_to", &product.only_to}, std::pair{"not_to", &product.not_to}})
      for (const auto& name : *names)
        if (std::ranges::find(buyers, name) == buyers.end())
          diagnostics.add(product.where.diagnostic(key, fmt::format("{}: unknown buyer \"{}\"{}", product.accelerator.id(), name, suggestion(name, buyers, "buyers"))));
  }
}

/// Policies exist, do not contradict each other, and name places where some buyer or maker is.
void check_policies(const WorldScenario& scenario, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  if (scenario.policies.empty()) return;
  const auto shelf = catalog::load_policies(catalog.folder);
  std::vector<catalog::Policy> policies;
  const std::size_t n_before = diagnostics.found().size();
  for (const auto& reference : scenario.policies)
    if (const auto* policy = reference.resolve(shelf, diagnostics)) policies.push_back(*policy);
  if (diagnostics.found().size() > n_before) return;
  for (const auto& [index, message] : policy::contradictions(policies)) diagnostics.add(scenario.where.diagnostic("policies", message));
}

/// Demand that nothing in the scenario can ever serve.
void check_supply_of_demand(const WorldScenario& scenario, Diagnostics& diagnostics) {
  const bool buys = std::ranges::any_of(scenario.buyers, [&](const WorldBuyer& b) {
    const bool has_money = b.capex_share || (b.budget && std::ranges::any_of(b.budget->points(), [](const auto& point) { return point.second > MoneyRate{}; }));
    return has_money || !b.initial_fleet.empty();
  });
  if (!buys) diagnostics.add(scenario.where.diagnostic("buyers", "tokens are asked for, but no buyer has a budget or an initial fleet: nothing would ever be served"));
}

}  // namespace

void check(const WorldScenario& scenario, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  check(supply_part(scenario), catalog, diagnostics);
  std::set<std::string> vendors, ids;
  std::vector<std::string> buyers;
  for (const auto& buyer : scenario.buyers) buyers.push_back(buyer.name);
  for (const auto& product : scenario.products) {
    Diagnostics already_told;
    const auto* accelerator = product.accelerator.resolve(catalog.accelerators, already_told);
    vendors.insert(!product.vendor.empty() ? product.vendor : accelerator ? accelerator->vendor : product.accelerator.id());
    ids.insert(product.accelerator.id());
  }
  check_offers(scenario, buyers, catalog, diagnostics);
  for (const auto& buyer : scenario.buyers) check_buyer(buyer, vendors, ids, buyers, catalog, diagnostics);
  if (scenario.demand.model) scenario.demand.model->resolve(catalog.language_models, diagnostics);
  for (const auto& tier : scenario.demand.tiers) tier.model.resolve(catalog.language_models, diagnostics);
  if (scenario.demand.training_model) scenario.demand.training_model->resolve(catalog.language_models, diagnostics);
  for (const auto& project : scenario.projects)
    if (project.buyer && std::ranges::find(buyers, *project.buyer) == buyers.end())
      diagnostics.add(project.where.diagnostic("buyer", fmt::format("project \"{}\": unknown buyer \"{}\"{}", project.name, *project.buyer, suggestion(*project.buyer, buyers, "buyers"))));
  check_policies(scenario, catalog, diagnostics);
  check_supply_of_demand(scenario, diagnostics);
}

}  // namespace waferwatt::scenario
