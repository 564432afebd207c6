// SPDX-License-Identifier: Apache-2.0
// Which line, share and gate each product has: looked up by name once, and again when a shock or a project changed the lines.
#include "find_line.hpp"
#include "waferwatt/supply/chain.hpp"

namespace waferwatt::supply {
namespace {

constexpr Date kAlways = Date::from_days(-1e7), kNever = Date::from_days(1e7);

std::size_t index_of(const auto& lines, const std::string& name, auto member) {
  return static_cast<std::size_t>(find_line(lines, name, member) - lines.begin());
}

}  // namespace

void Chain::index_lines() {
  const std::size_t n = spec_.products.size();
  routes_.assign(n, {});
  gates_.assign(pools_.size() * n, kNever);
  for (std::size_t p = 0; p < n; ++p) {
    const auto& product = spec_.products[p];
    auto& route = routes_[p];
    route.mix_group = static_cast<std::size_t>(
        std::ranges::find_if(spec_.products, [&](const Product& other) { return other.vendor == product.vendor && other.family == product.family; }) - spec_.products.begin());
    route.packaging = index_of(spec_.packaging, product.family, &PackagingLine::family);
    route.memory = index_of(spec_.memories, product.memory, &MemoryPart::memory);
    if (route.packaging < spec_.packaging.size()) {
      const auto& shares = spec_.packaging[route.packaging].customer_shares;
      if (const auto share = shares.find(product.vendor); share != shares.end()) route.share = &share->second;
    }
    for (std::size_t i = 0; i < pools_.size(); ++i) gates_[i * n + p] = gate(pools_[i], product);
  }
}

/// From when a product's vendor may use a pool.
Date Chain::gate(const MemoryPool& pool, const Product& product) const {
  if (pool.memory != product.memory) return kNever;
  if (pool.maker >= spec_.memory_makers.size()) return pool.only_for == product.vendor ? kAlways : kNever;
  const auto& qualified = spec_.memory_makers[pool.maker].qualified;
  const auto found = qualified.find({product.memory, product.vendor});
  return found == qualified.end() ? kNever : found->second;
}

}  // namespace waferwatt::supply
