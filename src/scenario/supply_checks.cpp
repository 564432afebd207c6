// SPDX-License-Identifier: Apache-2.0
// Rules of supply scenarios that need the catalog. Each complaint stands where its cause was written.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "waferwatt/scenario/supply_scenario.hpp"

namespace waferwatt::scenario {
namespace {

/// Complains of an id that no shelf knows. \returns whether it is known (or empty)
bool is_known(const std::string& id, const std::vector<std::string>& ids, const io::Location& where, std::string_view key, const char* what, Diagnostics& diagnostics) {
  if (id.empty() || std::ranges::find(ids, id) != ids.end()) return true;
  diagnostics.add(where.diagnostic(key, fmt::format("unknown {} \"{}\"{}", what, id, suggestion(id, ids, "ids"))));
  return false;
}

/// The parts of a product that nobody makes: dies, stacks, packages.
void check_sources(const supply::Product& made, const SupplyProduct& product, const std::vector<SupplyStock>& stocks, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  const auto is_stocked = [&](auto holds) { return std::ranges::any_of(stocks, holds); };
  if (!made.memory.empty()) {
    const bool is_made = std::ranges::any_of(catalog.memory_makers.all(), [&](const auto& entry) {
      return std::ranges::any_of(entry.second.qualified, [&](const catalog::Qualification& gate) { return gate.memory == made.memory && gate.customer == made.vendor; });
    });
    if (!is_made && !is_stocked([&](const SupplyStock& s) { return s.memory == made.memory && s.company == made.vendor && s.stacks > 0; }))
      diagnostics.add(product.where.diagnostic("accelerator", fmt::format("{} needs {} stacks, which no maker may deliver to {} and no stock holds", made.accelerator, made.memory, made.vendor)));
  }
  if (!made.node.empty() && catalog.nodes.at(made.node).capacity.empty() && !is_stocked([&](const SupplyStock& s) { return s.accelerator == made.accelerator && s.dies > 0; }))
    diagnostics.add(product.where.diagnostic("accelerator", fmt::format("{} needs dies of {}, whose capacity nobody knows", made.accelerator, made.node)));
  if (made.family.empty()) {
    if (made.node.empty() && !product.orders)
      diagnostics.add(product.where.diagnostic("accelerator", fmt::format("{} has neither a node nor a packaging line in the catalog, so nothing limits it; give \"orders\"", made.accelerator)));
    return;
  }
  const auto& shares = catalog.packaging_families.at(made.family).customer_shares;
  if (std::ranges::find(shares, made.vendor, &catalog::CustomerShare::company) == shares.end())
    diagnostics.add(product.where.diagnostic(product.vendor.empty() ? "accelerator" : "vendor", fmt::format("{} has no share of {}, which packages {}", made.vendor, made.family, made.accelerator)));
}

/// Ids of the lines of a chain: nodes, packaging families and their on-substrate steps, memory makers, parts;
/// memories and packaging too when a yield is meant.
std::vector<std::string> line_ids(const catalog::Catalog& catalog, bool of_yield, bool of_parts = true) {
  std::vector<std::string> ids;
  const auto add = [&](const auto& shelf) {
    for (const auto& id : shelf.ids()) ids.push_back(id);
  };
  add(catalog.nodes);
  add(catalog.packaging_families);
  add(catalog.memory_makers);
  for (const auto& [id, family] : catalog.packaging_families.all())
    if (!family.outsourced.empty()) ids.push_back(id + "-on-substrate");
  if (of_parts) add(catalog.parts);
  if (of_yield) add(catalog.memories);
  if (of_yield) add(catalog.packaging);
  return ids;
}

/// The kind of fab that makes a line, or nothing for steps and unknown lines.
std::optional<catalog::FabKind> fab_kind(const std::string& line, const catalog::Catalog& catalog) {
  if (catalog.nodes.find(line)) return catalog::FabKind::logic;
  if (catalog.packaging_families.find(line)) return catalog::FabKind::packaging;
  if (catalog.memory_makers.find(line)) return catalog::FabKind::memory;
  return std::nullopt;
}

void check_expansion(const SupplyExpansion& expansion, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  is_known(expansion.line, line_ids(catalog, false, false), expansion.where, "line", "line", diagnostics);
  if (!is_known(expansion.build, catalog.fab_builds.ids(), expansion.where, "build", "fab build", diagnostics) || expansion.build.empty()) return;
  const auto kind = catalog.fab_builds.at(expansion.build).kind, needed = fab_kind(expansion.line, catalog).value_or(kind);
  if (kind != needed)
    diagnostics.add(expansion.where.diagnostic("build", fmt::format("{} builds {}, and {} is a line of {}", expansion.build, io::enum_text(kind), expansion.line, io::enum_text(needed))));
}

/// The count of good units is worked out for clustered defects only.
void check_harvest(const SupplyScenario& scenario, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  for (const auto& product : scenario.products) {
    Diagnostics known;
    const auto* accelerator = product.accelerator.resolve(catalog.accelerators, known);
    const auto* node = accelerator && accelerator->node ? catalog.nodes.find(*accelerator->node) : nullptr;
    if (!product.harvest || !node) continue;
    const auto model = scenario.die_yield.value_or(node->die_yield.value_or(catalog::DieYield{})).model;
    if (model != catalog::YieldModel::negative_binomial)
      diagnostics.add(product.where.diagnostic("harvest", fmt::format("needs the negative-binomial model of yield, and this one is {}; give harvest_fraction", io::enum_text(model))));
  }
}

void check_events(const SupplyScenario& scenario, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  for (const auto& shock : scenario.shocks) {
    const auto ids = line_ids(catalog, shock.kind == supply::ShockKind::yield_excursion);
    for (const auto& line : shock.lines) is_known(line, ids, shock.where, "lines", "line", diagnostics);
    is_known(shock.company, catalog.companies.ids(), shock.where, "company", "company", diagnostics);
    is_known(shock.memory, catalog.memories.ids(), shock.where, "memory", "memory", diagnostics);
    is_known(shock.accelerator, catalog.accelerators.ids(), shock.where, "accelerator", "accelerator", diagnostics);
  }
  for (const auto& risk : scenario.risks)
    for (const auto& line : risk.lines) is_known(line, line_ids(catalog, risk.kind == supply::ShockKind::yield_excursion), risk.where, "lines", "line", diagnostics);
  for (const auto& expansion : scenario.expansions) check_expansion(expansion, catalog, diagnostics);
  for (const auto& allocation : scenario.allocation) {
    is_known(allocation.line, catalog.packaging_families.ids(), allocation.where, "line", "packaging family", diagnostics);
    const auto company = [&](const std::string& id, std::string_view key) { is_known(id, catalog.companies.ids(), allocation.where, key, "company", diagnostics); };
    for (const auto& id : allocation.priority) company(id, "priority");
    for (const auto& [id, money] : allocation.prepaid) company(id, "prepaid");
    for (const auto& [id, price] : allocation.bids) company(id, "bids");
  }
}

void check_buyers(const SupplyScenario& scenario, Diagnostics& diagnostics) {
  std::vector<std::string> products;
  for (const auto& product : scenario.products) products.push_back(product.accelerator.id());
  std::set<std::string> names;
  for (const auto& buyer : scenario.buyers) {
    if (!names.insert(buyer.name).second) diagnostics.add(buyer.where.diagnostic("name", fmt::format("buyer \"{}\" is given twice", buyer.name)));
    for (const auto& need : buyer.needs) is_known(need.accelerator, products, need.where, "accelerator", "product", diagnostics);
  }
  for (const auto& product : scenario.products)
    if (product.orders && std::ranges::any_of(scenario.buyers, [&](const SupplyBuyer& buyer) {
          return std::ranges::find(buyer.needs, product.accelerator.id(), &SupplyNeed::accelerator) != buyer.needs.end();
        }))
      diagnostics.add(product.where.diagnostic("orders", "buyers order this accelerator; give either \"orders\" or their needs"));
}

}  // namespace

void check_products(const std::vector<SupplyProduct>& products, const std::vector<SupplyStock>& stocks, Date known_at, const io::Location& where, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  std::set<std::string> seen;
  std::set<std::pair<std::string, std::string>> pairs;
  for (const auto& product : products) {
    const auto* accelerator = product.accelerator.resolve(catalog.accelerators, diagnostics);
    if (!accelerator) continue;
    seen.insert(accelerator->id);
    if (!pairs.insert({accelerator->id, product.packaging}).second) diagnostics.add(product.where.diagnostic("accelerator", fmt::format("accelerator \"{}\" is given twice", accelerator->id)));
    const std::string vendor = product.vendor.empty() ? accelerator->vendor : product.vendor;
    if (!is_known(vendor, catalog.companies.ids(), product.where, "vendor", "company", diagnostics)) continue;
    if (!is_known(product.packaging, catalog.packaging.ids(), product.where, "packaging", "packaging", diagnostics)) continue;
    try {
      check_sources(supply::make_product(*accelerator, catalog, vendor, product.mix, product.harvest_fraction, product.packaging), product, stocks, catalog, diagnostics);
    } catch (const InputError& error) {
      diagnostics.add(product.where.diagnostic("accelerator", error.diagnostics().front().message));
    }
  }
  for (const auto& stock : stocks) {
    is_known(stock.company, catalog.companies.ids(), stock.where, "company", "company", diagnostics);
    is_known(stock.memory, catalog.memories.ids(), stock.where, "memory", "memory", diagnostics);
    if (is_known(stock.accelerator, catalog.accelerators.ids(), stock.where, "accelerator", "accelerator", diagnostics) && !stock.accelerator.empty() && !seen.contains(stock.accelerator))
      diagnostics.add(stock.where.diagnostic("accelerator", fmt::format("the dies of {} are in store, but it is not among the products", stock.accelerator)));
  }
  if (known_at < Date::from_civil(2000, 1, 1)) diagnostics.add(where.diagnostic("known_at", "nothing was known before 2000"));
}

void check(const SupplyScenario& scenario, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  check_products(scenario.products, scenario.stocks, scenario.known_at, scenario.where, catalog, diagnostics);
  check_events(scenario, catalog, diagnostics);
  check_harvest(scenario, catalog, diagnostics);
  check_buyers(scenario, diagnostics);
  if (scenario.parts)
    for (const auto& part : *scenario.parts) is_known(part, catalog.parts.ids(), scenario.where, "parts", "part", diagnostics);
}

}  // namespace waferwatt::scenario
