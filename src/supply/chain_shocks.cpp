// SPDX-License-Identifier: Apache-2.0
// What the chain does on the day of a shock, and when it decides to grow.
#include <algorithm>

#include "waferwatt/supply/chain.hpp"

namespace waferwatt::supply {

void Chain::suffer(const Shock& shock, engine::EventLoop& loop) {
  apply(shock, spec_);
  index_lines();
  scrap(shock);
  if (shock.kind != ShockKind::ban) return;
  for (std::size_t p = 0; p < spec_.products.size(); ++p)
    if (spec_.products[p].accelerator == shock.accelerator && shock.end() < spec_.end && shock.end().days() >= loop.now())
      loop.at(shock.end().days(), Kind::ban_end, static_cast<std::uint32_t>(p), 0);
}

/// Destroys a part of the lots in process in the lines that were hit.
void Chain::scrap(const Shock& shock) {
  if (shock.scrap <= 0) return;
  for (auto& lot : lots_) {
    const double lost = lot.amount * shock.scrap;
    if (lot.kind == Kind::wafers_done && shock.hits(spec_.products[lot.target].node)) {
      accounts_[lot.target].wafers_in_fab -= lost;
      accounts_[lot.target].wafers_scrapped += lost;
    } else if (lot.kind == Kind::assembled && shock.hits(spec_.products[lot.target].family)) {
      accounts_[lot.target].packages_in_assembly -= lost;
      accounts_[lot.target].packages_scrapped += lost;
    } else if (lot.kind == Kind::stacks_done && shock.hits(spec_.memory_makers[pools_[lot.target].maker].maker)) {
      pools_[lot.target].in_fab -= lost;
      pools_[lot.target].scrapped += lost;
    } else {
      continue;
    }
    lot.amount -= lost;
  }
}

bool Chain::is_banned(std::size_t product, Date date) const {
  return std::ranges::any_of(spec_.shocks, [&](const Shock& shock) {
    return shock.kind == ShockKind::ban && shock.accelerator == spec_.products[product].accelerator && shock.date <= date && date < shock.end();
  });
}

void Chain::build(const Expansion& expansion, Date date) {
  const Date output = date + expansion.build_time;
  projects_.push_back({expansion.line, date, output, output + std::max(expansion.ramp_time, 1 * day), expansion.capacity, expansion.capital_cost});
  const auto grow = [&](auto& lines, auto member) {
    if (const auto line = std::ranges::find(lines, expansion.line, member); line != lines.end()) line->capacity = expanded(line->capacity, projects_.back());
  };
  grow(spec_.logic, &LogicLine::node);
  grow(spec_.packaging, &PackagingLine::family);
  grow(spec_.memory_makers, &MemoryLine::maker);
  // A new packaging line does its own on-substrate steps; a line of that name adds them alone.
  const Ramp<Frequency> added({{output, Frequency{}}, {projects_.back().full_output, expansion.capacity / wafer}});
  for (auto& line : spec_.parts)
    if (line.part == expansion.line || line.part == expansion.line + "-on-substrate") line.capacity = sum_of(line.capacity, added);
}

/// Part of the package slots of products that need a line which that line decided.
double Chain::binding_share(const std::string& line, Date since) const {
  double charged = 0, all = 0;
  for (auto entry = weeks_.rbegin(); entry != weeks_.rend() && entry->week >= since; ++entry) {
    const auto& product = spec_.products[entry->product];
    const bool is_logic = product.node == line, is_packaging = product.family == line;
    bool is_memory = false;
    for (std::size_t i = 0; i < pools_.size(); ++i)
      is_memory |= pools_[i].maker < spec_.memory_makers.size() && spec_.memory_makers[pools_[i].maker].maker == line && may_use(i, entry->product, entry->week);
    if (!is_logic && !is_packaging && !is_memory) continue;
    all += entry->slots;
    if ((is_logic && entry->limit == Limit::logic) || (is_packaging && entry->limit == Limit::packaging) || (is_memory && entry->limit == Limit::memory))
      charged += entry->slots;
  }
  return all > 0 ? charged / all : 0;
}

void Chain::review_expansions(Date date) {
  for (const auto& expansion : spec_.expansions) {
    const auto taken = std::ranges::count(projects_, expansion.line, &Project::line);
    if (expansion.decided) {
      const bool is_due = *expansion.decided <= date && *expansion.decided > date - core::week;
      if (is_due || (date == spec_.start && *expansion.decided < date)) build(expansion, *expansion.decided);
      continue;
    }
    const bool is_building = std::ranges::any_of(projects_, [&](const Project& project) { return project.line == expansion.line && project.full_output > date; });
    if (taken >= expansion.max_projects || is_building || date < expansion.not_before || date < spec_.start + expansion.review) continue;
    if (binding_share(expansion.line, date - expansion.review) > expansion.threshold) build(expansion, date);
  }
}

}  // namespace waferwatt::supply
