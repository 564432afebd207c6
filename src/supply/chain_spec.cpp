// SPDX-License-Identifier: Apache-2.0
// Chain lines from the catalog.
#include <cmath>
#include <set>

#include "waferwatt/supply/chain.hpp"
#include "waferwatt/supply/geometry.hpp"

namespace waferwatt::supply {
namespace {

template <class T>
Ramp<T> scaled(const Ramp<T>& ramp, double factor) {
  std::vector<typename Ramp<T>::Point> points;
  for (const auto& [date, value] : ramp.points()) points.emplace_back(date, value * factor);
  return Ramp<T>(std::move(points));
}

/// Good stacks of one DRAM wafer: good dies over layers, times the yield of stacking.
/// The dates of both yield ramps are kept.
Ramp<double> good_stacks_per_wafer(const catalog::Memory& memory) {
  const Length side = std::sqrt(memory.die_area->in(square_millimetre)) * millimetre;
  const double stacks = rectangles_per_wafer(side, side) / static_cast<double>(memory.n_layers.value);
  std::set<Date> dates;
  for (const auto& [date, value] : memory.die_yield->points()) dates.insert(date);
  for (const auto& [date, value] : memory.stack_yield->points()) dates.insert(date);
  std::vector<Ramp<double>::Point> points;
  for (const Date date : dates) points.emplace_back(date, stacks * memory.die_yield->at(date) * memory.stack_yield->at(date));
  return Ramp<double>(std::move(points));
}

}  // namespace

ChainSpec make_chain_spec(const catalog::Catalog& catalog, Date known_at, std::vector<Product> products, const std::array<double, 3>& capacity_scale) {
  ChainSpec spec{.assembly_time = 4 * core::week, .shipping_time = 1 * core::week, .cover = 4 * core::week};
  std::set<std::string> nodes, families, memories;
  for (const auto& product : products) {
    if (!product.node.empty()) nodes.insert(product.node);
    if (!product.family.empty()) families.insert(product.family);
    if (!product.memory.empty()) memories.insert(product.memory);
  }
  for (const auto& id : families) {
    const auto& family = catalog.packaging_families.at(id);
    PackagingLine line{id, scaled(catalog::known_at(family.capacity, known_at), capacity_scale[0]), {}};
    for (const auto& share : family.customer_shares) line.customer_shares.emplace(share.company, catalog::known_at(share.vintages, known_at));
    spec.packaging.push_back(std::move(line));
  }
  for (const auto& [id, maker] : catalog.memory_makers.all()) {
    MemoryLine line{id, scaled(catalog::known_at(maker.tsv_capacity, known_at), capacity_scale[1]), {}};
    for (const auto& gate : maker.qualified) line.qualified.emplace(std::pair{gate.memory, gate.customer}, gate.date.value);
    spec.memory_makers.push_back(std::move(line));
  }
  for (const auto& id : memories) {
    const auto& memory = catalog.memories.at(id);
    spec.memories.push_back({id, good_stacks_per_wafer(memory), memory.cycle_time.value});
  }
  for (const auto& id : nodes) {
    const auto& node = catalog.nodes.at(id);
    spec.logic.push_back({id, scaled(catalog::known_at(node.capacity, known_at), capacity_scale[2]), node.ai_share.value});
  }
  spec.products = std::move(products);
  return spec;
}

}  // namespace waferwatt::supply
