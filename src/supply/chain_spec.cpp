// SPDX-License-Identifier: Apache-2.0
// Chain lines from the catalog.
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "waferwatt/supply/chain.hpp"
#include "waferwatt/supply/geometry.hpp"
#include "waferwatt/supply/yield.hpp"

namespace waferwatt::supply {
namespace {

/// Good stacks of one DRAM wafer: good dies over layers, times the yield of stacking, (9) of yield.hpp.
/// The dates of both yield ramps are kept.
Ramp<double> good_stacks_per_wafer(const catalog::Memory& memory) {
  const Length side = std::sqrt(memory.die_area->in(square_millimetre)) * millimetre;
  const auto n_layers = static_cast<int>(memory.n_layers.value);
  const double stacks = static_cast<double>(rectangles_per_wafer(side, side)) / n_layers;
  std::set<Date> dates;
  for (const auto& [date, value] : memory.die_yield->points()) dates.insert(date);
  for (const auto& [date, value] : memory.bond_yield->points()) dates.insert(date);
  std::vector<Ramp<double>::Point> points;
  for (const Date date : dates) points.emplace_back(date, stacks * memory.die_yield->at(date) * stack_yield(memory.bond_yield->at(date), n_layers));
  return Ramp<double>(std::move(points));
}

/// On-substrate steps that a family leaves to outsourced assemblers: what it does itself is what its plan leaves them less,
/// so that the step binds only where shocks or expansions part the two.
std::optional<PartLine> on_substrate(const catalog::PackagingFamily& family, Date known_at, double scale) {
  if (family.outsourced.empty()) return std::nullopt;
  const auto& chips = catalog::known_at(family.capacity, known_at);
  const auto& outsourced = catalog::known_at(family.outsourced, known_at);
  std::set<Date> dates;
  for (const auto& [date, value] : chips.points()) dates.insert(date);
  for (const auto& [date, value] : outsourced.points()) dates.insert(date);
  std::vector<Ramp<Frequency>::Point> points;
  for (const Date date : dates) points.emplace_back(date, std::max(chips.at(date), outsourced.at(date)) * scale / wafer);
  return PartLine{.part = family.id + "-on-substrate", .stage = catalog::Stage::packaging, .is_service = true, .capacity = Ramp<Frequency>(std::move(points)), .units = {}};
}

void add_parts(const catalog::Catalog& catalog, Date known_at, const std::vector<std::string>& parts, ChainSpec& spec) {
  for (const auto& id : parts) {
    const auto& part = catalog.parts.at(id);
    PartLine line{.part = id, .stage = part.stage, .is_service = part.is_service, .capacity = catalog::known_at(part.capacity, known_at),
                  .units = std::vector<double>(spec.products.size(), 0.0)};
    bool is_needed = false;
    for (std::size_t p = 0; p < spec.products.size(); ++p)
      for (const auto& use : part.uses)
        if (std::ranges::find(use.accelerators, spec.products[p].accelerator) != use.accelerators.end()) {
          line.units[p] = use.units.value;
          is_needed = true;
        }
    if (is_needed) spec.parts.push_back(std::move(line));
  }
}

}  // namespace

ChainSpec make_chain_spec(const catalog::Catalog& catalog, Date known_at, std::vector<Product> products, const std::array<double, 3>& capacity_scale,
                          const std::vector<std::string>& parts) {
  ChainSpec spec{.assembly_time = 4 * core::week, .shipping_time = 1 * core::week, .cover = 4 * core::week};
  std::set<std::string> nodes, families, memories;
  for (const auto& product : products) {
    if (!product.node.empty()) nodes.insert(product.node);
    if (!product.family.empty()) families.insert(product.family);
    if (!product.memory.empty()) memories.insert(product.memory);
  }
  for (const auto& id : families) {
    const auto& family = catalog.packaging_families.at(id);
    PackagingLine line{id, catalog::known_at(family.capacity, known_at).scaled(capacity_scale[0]), {}};
    for (const auto& share : family.customer_shares) line.customer_shares.emplace(share.company, catalog::known_at(share.vintages, known_at));
    if (family.conversion_time) line.conversion_time = family.conversion_time->value;
    if (auto step = on_substrate(family, known_at, capacity_scale[0]); step && !parts.empty()) {
      for (const auto& product : products) step->units.push_back(product.family == id ? 1 / product.packages_per_wafer : 0);
      spec.parts.push_back(std::move(*step));
    }
    spec.packaging.push_back(std::move(line));
  }
  for (const auto& [id, maker] : catalog.memory_makers.all()) {
    MemoryLine line{id, catalog::known_at(maker.tsv_capacity, known_at).scaled(capacity_scale[1]), {}};
    for (const auto& gate : maker.qualified) line.qualified.emplace(std::pair{gate.memory, gate.customer}, gate.date.value);
    spec.memory_makers.push_back(std::move(line));
  }
  for (const auto& id : memories) {
    const auto& memory = catalog.memories.at(id);
    spec.memories.push_back({id, good_stacks_per_wafer(memory), memory.cycle_time.value});
  }
  for (const auto& id : nodes) {
    const auto& node = catalog.nodes.at(id);
    spec.logic.push_back({id, catalog::known_at(node.capacity, known_at).scaled(capacity_scale[2]), node.ai_share.value});
  }
  spec.products = std::move(products);
  add_parts(catalog, known_at, parts, spec);
  return spec;
}

}  // namespace waferwatt::supply
