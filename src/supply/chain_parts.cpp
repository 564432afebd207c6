// SPDX-License-Identifier: Apache-2.0
// Parts and steps beyond dies, stacks and interposers: they are made to the plan, and packages wait for them.
#include <algorithm>
#include <cmath>

#include "waferwatt/supply/chain.hpp"

namespace waferwatt::supply {

using catalog::Stage;

double PartAccount::balance_error() const {
  const double out = store + used + lapsed, relative = std::abs(made - out) / std::max({1.0, made, out});
  return std::isfinite(relative) ? relative : std::numeric_limits<double>::infinity();
}

bool Chain::waits_at(Stage stage, std::size_t product) const {
  return std::ranges::any_of(spec_.parts, [&](const PartLine& line) { return line.stage == stage && line.units[product] > 0; });
}

/// A week's output. Makers of parts fill their store up to the plan of the cover; in the first week the store
/// holds what they could make in that time before. A step offers its capacity, and what was left of it lapses.
void Chain::make_parts(Date date) {
  for (std::size_t l = 0; l < spec_.parts.size(); ++l) {
    const auto& line = spec_.parts[l];
    auto& account = part_accounts_[l];
    double output = line.capacity.at(date) * core::week;
    if (line.is_service) {
      account.lapsed += account.store;
      account.store = 0;
    } else {
      double need = 0;
      for (std::size_t p = 0; p < spec_.products.size(); ++p) {
        const auto& waiting = accounts_[p];
        if (line.units[p] > 0)
          need += line.units[p] * (planned_packages(date, spec_.cover + core::week)[p] + waiting.packages_awaiting_test + waiting.packages_awaiting_system);
      }
      if (date <= spec_.start) output *= 1 + spec_.cover / core::week;
      output = std::clamp(need - account.store, 0.0, output);
    }
    account.made += output;
    account.store += output;
  }
}

/// Lets packages on, as many as the parts of the stage suffice for; a scarce one is shared in proportion.
void Chain::pass_stage(Stage stage, Date date, engine::EventLoop& loop) {
  const auto queue = stage == Stage::test ? &ProductAccount::packages_awaiting_test : &ProductAccount::packages_awaiting_system;
  std::vector<double> granted(spec_.parts.size(), 1.0);
  for (std::size_t l = 0; l < spec_.parts.size(); ++l) {
    if (spec_.parts[l].stage != stage) continue;
    double wanted = 0;
    for (std::size_t p = 0; p < accounts_.size(); ++p) wanted += accounts_[p].*queue * spec_.parts[l].units[p];
    if (wanted > part_accounts_[l].store) granted[l] = part_accounts_[l].store / wanted;
  }
  for (std::size_t p = 0; p < accounts_.size(); ++p) {
    const double waiting = accounts_[p].*queue;
    if (waiting <= 0) continue;
    std::size_t scarcest = kNoPart;
    for (std::size_t l = 0; l < spec_.parts.size(); ++l)
      if (spec_.parts[l].stage == stage && spec_.parts[l].units[p] > 0 && (scarcest == kNoPart || granted[l] < granted[scarcest])) scarcest = l;
    const double passed = scarcest == kNoPart ? waiting : waiting * granted[scarcest];
    for (std::size_t l = 0; l < spec_.parts.size(); ++l) {
      if (spec_.parts[l].stage != stage) continue;
      const double taken = std::min(part_accounts_[l].store, passed * spec_.parts[l].units[p]);
      part_accounts_[l].store -= taken;
      part_accounts_[l].used += taken;
    }
    accounts_[p].*queue -= passed;
    leave_stage(stage, p, passed, loop);
    if (passed < waiting) part_waits_.push_back({p, scarcest, date, waiting - passed});
  }
}

void Chain::leave_stage(Stage stage, std::size_t product, double packages, engine::EventLoop& loop) {
  const auto& p = spec_.products[product];
  auto& account = accounts_[product];
  if (stage == Stage::test) {
    account.packages_in_test += packages;
    send(loop, Kind::tested, product, packages, p.test_time);
  } else {
    account.packages_in_delivery += packages;
    send(loop, Kind::delivered, product, packages, p.delivery_time.value_or(spec_.assembly_time + spec_.shipping_time));
  }
}

void Chain::take_stock(Date date) {
  Inventory inventory{date, {}, {}, {}};
  for (const auto& account : accounts_) inventory.dies.push_back(account.dies_bank);
  for (const auto& pool : pools_) inventory.stacks.push_back(pool.store);
  for (std::size_t l = 0; l < part_accounts_.size(); ++l) inventory.parts.push_back(spec_.parts[l].is_service ? 0.0 : part_accounts_[l].store);
  inventories_.push_back(std::move(inventory));
}

}  // namespace waferwatt::supply
