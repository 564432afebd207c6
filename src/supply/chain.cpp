// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/chain.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "find_line.hpp"

namespace waferwatt::supply {
namespace {

// Products without a packaging line are built as orders come, over this time.
constexpr Time kOrderSpread = 26 * core::week;

/// Relative; infinite when either is not a number, which std::max would pass over.
double difference(double in, double out) {
  const double relative = std::abs(in - out) / std::max({1.0, std::abs(in), std::abs(out)});
  return std::isfinite(relative) ? relative : std::numeric_limits<double>::infinity();
}

}  // namespace

std::string_view limit_name(Limit limit) {
  constexpr std::array<std::string_view, kLimits> kNames = {"packaging", "memory", "logic", "orders", "parts"};
  return kNames[static_cast<std::size_t>(limit)];
}

double ProductAccount::balance_error() const {
  return std::max({difference(wafers_started, wafers_in_fab + wafers_finished + wafers_scrapped), difference(dies_finished + dies_given, dies_bank + dies_used),
                   difference(packages_started, packages_in_assembly + packages_scrapped + packages_awaiting_test + packages_in_test + packages_awaiting_system +
                                                   packages_in_delivery + packages_held + packages_delivered)});
}

double MemoryPool::balance_error() const {
  return std::max(difference(started, in_fab + finished + scrapped), difference(finished + given, store + used));
}

Chain::Chain(ChainSpec spec, OpenOrders open_orders, Delivery delivery)
    : spec_(std::move(spec)), open_orders_(std::move(open_orders)), delivery_(std::move(delivery)), accounts_(spec_.products.size()) {
  for (std::size_t maker = 0; maker < spec_.memory_makers.size(); ++maker)
    for (const auto& part : spec_.memories) pools_.push_back({.maker = maker, .memory = part.memory});
  for (const auto& stock : spec_.stocks) {
    if (stock.stacks > 0)
      pools_.push_back({.maker = spec_.memory_makers.size(), .memory = stock.memory, .only_for = stock.company, .given = stock.stacks, .store = stock.stacks});
    for (std::size_t p = 0; p < spec_.products.size(); ++p)
      if (spec_.products[p].accelerator == stock.accelerator) {
        accounts_[p].dies_given += stock.dies;
        accounts_[p].dies_bank += stock.dies;
        break;  // one accelerator may be made on two packaging lines
      }
  }
  part_accounts_.resize(spec_.parts.size());
  tools_.resize(spec_.packaging.size());
  short_until_.assign(spec_.products.size(), spec_.start);
  index_lines();
}

double Chain::balance_error() const {
  double worst = 0;
  for (const auto& account : accounts_) worst = std::max(worst, account.balance_error());
  for (const auto& pool : pools_) worst = std::max(worst, pool.balance_error());
  for (const auto& account : part_accounts_) worst = std::max(worst, account.balance_error());
  return worst;
}

double Chain::logic_wafers_per_package(std::size_t product, Date date) const {
  const auto& p = spec_.products[product];
  return p.node.empty() ? 0 : p.dies_per_package / p.good_dies_per_wafer(date);
}

double Chain::memory_wafers_per_package(std::size_t product, Date date) const {
  const auto& p = spec_.products[product];
  return p.memory.empty() ? 0 : p.stacks_per_package / spec_.memories[routes_[product].memory].stacks_per_wafer.at(date);
}

void Chain::begin(engine::EventLoop& loop) {
  loop.at(spec_.start.days(), Kind::week, 0, 0);
  // What struck before the start is over with the first week's plans.
  for (std::size_t i = 0; i < spec_.shocks.size(); ++i)
    loop.at(std::max(spec_.start, spec_.shocks[i].date).days(), Kind::shock, static_cast<std::uint32_t>(i), 0);
}

void Chain::send(engine::EventLoop& loop, Kind kind, std::size_t target, double amount, Time delay) {
  std::size_t index = lots_.size();
  if (free_lots_.empty()) {
    lots_.emplace_back();
  } else {
    index = free_lots_.back();
    free_lots_.pop_back();
  }
  lots_[index] = {kind, target, amount};
  loop.after(delay.in(core::day), kind, 0, index);
}

bool Chain::handle(const engine::Event& event, engine::EventLoop& loop) {
  const Date date = Date::from_days(event.time);
  switch (event.kind) {
    case Kind::week:
      plan_week(date, loop);
      if (date + core::week < spec_.end) loop.after(7, Kind::week, 0, 0);
      return true;
    case Kind::shock: suffer(spec_.shocks[event.target], loop); return true;
    case Kind::ban_end: {
      auto& account = accounts_[event.target];
      if (is_banned(event.target, date)) return true;
      const double held = std::exchange(account.packages_held, 0.0);
      account.packages_in_delivery += held;
      finish_delivery(event.target, held, date);
      return true;
    }
    case Kind::wafers_done:
    case Kind::stacks_done:
    case Kind::assembled:
    case Kind::tested:
    case Kind::delivered: {
      const Lot lot = lots_[event.payload];
      lots_[event.payload] = {};
      free_lots_.push_back(event.payload);
      arrive(lot, date, loop);
      return true;
    }
    default: return false;
  }
}

void Chain::arrive(const Lot& lot, Date date, engine::EventLoop& loop) {
  const std::size_t target = lot.target;
  const double amount = lot.amount;
  if (lot.kind == Kind::stacks_done) {
    pools_[target].in_fab -= amount;
    pools_[target].finished += amount;
    pools_[target].store += amount;
    return;
  }
  auto& account = accounts_[target];
  const auto& product = spec_.products[target];
  if (lot.kind == Kind::wafers_done) {
    const double dies = amount * product.good_dies_per_wafer(date);
    account.wafers_in_fab -= amount;
    account.wafers_finished += amount;
    account.dies_finished += dies;
    account.dies_bank += dies;
  } else if (lot.kind == Kind::assembled) {
    const double good = amount * product.assembly_yield.at(date);
    account.packages_in_assembly -= amount;
    account.packages_scrapped += amount - good;
    if (waits_at(catalog::Stage::test, target)) account.packages_awaiting_test += good;  // until the week's cells are given out
    else leave_stage(catalog::Stage::test, target, good, loop);
  } else if (lot.kind == Kind::tested) {
    const double good = amount * product.test_yield;
    account.packages_in_test -= amount;
    account.packages_scrapped += amount - good;
    if (waits_at(catalog::Stage::system, target)) account.packages_awaiting_system += good;
    else leave_stage(catalog::Stage::system, target, good, loop);
  } else {
    finish_delivery(target, amount, date);
  }
}

void Chain::finish_delivery(std::size_t product, double amount, Date date) {
  auto& account = accounts_[product];
  account.packages_in_delivery -= amount;
  if (is_banned(product, date)) {
    account.packages_held += amount;
    return;
  }
  account.packages_delivered += amount;
  if (amount > 0) delivery_(product, amount, date);
}

double Chain::in_pipeline(std::size_t product) const {
  const auto& account = accounts_[product];
  const auto& p = spec_.products[product];
  const double assembly_yield = p.assembly_yield.at(spec_.end);
  return account.packages_in_assembly * assembly_yield * p.test_yield + (account.packages_awaiting_test + account.packages_in_test) * p.test_yield +
         account.packages_awaiting_system + account.packages_in_delivery;
}

std::vector<double> Chain::mix_shares(Date date) const {
  const std::size_t n = spec_.products.size();
  std::vector<double> shares(n), sums(n);  // a sum stands where its first product does
  for (std::size_t p = 0; p < n; ++p) {
    shares[p] = spec_.products[p].mix.at(date);
    sums[routes_[p].mix_group] += shares[p];
  }
  for (std::size_t p = 0; p < n; ++p) shares[p] = sums[routes_[p].mix_group] > 0 ? shares[p] / sums[routes_[p].mix_group] : 0;
  return shares;
}

/// What is ordered, spread over a time; sold out: what its part of the node could give.
double Chain::planned_without_line(std::size_t product, Date date, double mix_share) const {
  const auto& p = spec_.products[product];
  const double open = open_orders_(product, date) - in_pipeline(product);
  if (std::isfinite(open)) return std::max(0.0, open) * (core::week / kOrderSpread);
  const auto node = find_line(spec_.logic, p.node, &LogicLine::node);
  if (node == spec_.logic.end()) return 0;
  const double wafers = (node->capacity.at(date) * node->ai_share.at(date) * core::week).in(wafer);
  return wafers * mix_share * p.good_dies_per_wafer(date) / p.dies_per_package;
}

std::vector<double> Chain::planned_packages(Date date) const {
  std::vector<double> plan = mix_shares(date), wafers;
  for (const auto& line : spec_.packaging) wafers.push_back((line.capacity.at(date) * core::week).in(wafer));
  for (std::size_t p = 0; p < plan.size(); ++p) {
    const auto& route = routes_[p];
    if (route.packaging < wafers.size()) plan[p] *= wafers[route.packaging] * (route.share ? route.share->at(date) : 0.0) * spec_.products[p].packages_per_wafer;
    else plan[p] = planned_without_line(p, date, plan[p]);
  }
  return plan;
}

const std::vector<double>& Chain::planned_packages(Date from, Time span) const {
  if (const auto known = std::ranges::find(plans_, span, &std::pair<Time, std::vector<double>>::first); known != plans_.end()) return known->second;
  // The plan is straight between the points of its ramps: a few samples integrate it.
  constexpr int kSamples = 4;
  std::vector<double> sum(spec_.products.size(), 0.0);
  for (int i = 0; i < kSamples; ++i) {
    const auto plan = planned_packages(from + span * ((i + 0.5) / kSamples));
    for (std::size_t p = 0; p < sum.size(); ++p) sum[p] += plan[p] / kSamples * (span / core::week);
  }
  return plans_.emplace_back(span, std::move(sum)).second;
}

double Chain::stacks_available(std::size_t product, Date date) const {
  double sum = 0;
  for (std::size_t i = 0; i < pools_.size(); ++i)
    if (may_use(i, product, date)) sum += pools_[i].store;
  return sum;
}

/// Base stock: dies on the way and in the bank cover the packaging plan over the cycle time
/// and the cover; a node that cannot start all wafers serves everyone in proportion.
void Chain::start_logic(Date date, engine::EventLoop& loop) {
  for (const auto& line : spec_.logic) {
    std::vector<std::pair<std::size_t, double>> orders;  // product, wafers
    double sum = 0;
    for (std::size_t p = 0; p < spec_.products.size(); ++p) {
      const auto& product = spec_.products[p];
      if (product.node != line.node) continue;
      const double dies_per_wafer = product.good_dies_per_wafer(date + product.logic_cycle_time);
      const double need = planned_packages(date, product.logic_cycle_time + spec_.cover)[p] * product.dies_per_package;
      const double have = accounts_[p].dies_bank + accounts_[p].wafers_in_fab * dies_per_wafer;
      const double wafers = std::max(0.0, need - have) / dies_per_wafer;
      if (wafers > 0) orders.emplace_back(p, wafers);
      sum += wafers;
    }
    const double capacity = (line.capacity.at(date) * line.ai_share.at(date) * core::week).in(wafer);
    const double granted = sum > capacity ? capacity / sum : 1.0;
    for (const auto& [p, wafers] : orders) {
      if (granted < 1) short_until_[p] = date + spec_.products[p].logic_cycle_time + core::week;
      accounts_[p].wafers_started += wafers * granted;
      accounts_[p].wafers_in_fab += wafers * granted;
      send(loop, Kind::wafers_done, p, wafers * granted, spec_.products[p].logic_cycle_time);
    }
  }
}

/// The same rule for stacks, vendor by vendor: what a vendor needs and the pools it will be
/// qualified for do not hold goes to those makers in proportion to their capacity. A pool that
/// several vendors can use counts for each by its part of what they need together.
void Chain::order_stacks(std::size_t memory, Date date, std::vector<double>& stacks) const {
  const Time cycle_time = spec_.memories[memory].cycle_time;
  const Date ready = date + cycle_time;
  std::vector<std::pair<std::size_t, double>> needs;  // of a vendor: one of its products stands for all
  for (std::size_t p = 0; p < spec_.products.size(); ++p) {
    if (routes_[p].memory != memory) continue;
    auto own = std::ranges::find_if(needs, [&](const auto& need) { return spec_.products[need.first].vendor == spec_.products[p].vendor; });
    if (own == needs.end()) own = needs.insert(own, {p, 0.0});
    own->second += planned_packages(date, cycle_time + spec_.cover)[p] * spec_.products[p].stacks_per_package;
  }
  std::vector<double> asked(pools_.size(), 0.0);
  for (const auto& [product, need] : needs)
    for (std::size_t i = 0; i < pools_.size(); ++i)
      if (may_use(i, product, ready)) asked[i] += need;
  for (const auto& [product, need] : needs) {
    double position = 0, capacity = 0;
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      if (need <= 0 || !may_use(i, product, ready)) continue;
      position += (pools_[i].store + pools_[i].in_fab) * need / asked[i];
      if (pools_[i].only_for.empty()) capacity += spec_.memory_makers[pools_[i].maker].capacity.at(date).base();
    }
    if (need <= position || capacity <= 0) continue;
    for (std::size_t i = 0; i < pools_.size(); ++i)
      if (pools_[i].only_for.empty() && may_use(i, product, ready))
        stacks[i] += (need - position) * spec_.memory_makers[pools_[i].maker].capacity.at(date).base() / capacity;
  }
}

/// Memory makers serve all orders in proportion when their wafers do not suffice.
void Chain::start_memory(Date date, engine::EventLoop& loop) {
  std::vector<double> stacks(pools_.size(), 0.0);
  for (std::size_t memory = 0; memory < spec_.memories.size(); ++memory) order_stacks(memory, date, stacks);
  for (std::size_t maker = 0; maker < spec_.memory_makers.size(); ++maker) {
    const double capacity = (spec_.memory_makers[maker].capacity.at(date) * core::week).in(wafer);
    const auto per_wafer = [&](const MemoryPool& pool) { return find_line(spec_.memories, pool.memory, &MemoryPart::memory)->stacks_per_wafer.at(date); };
    double wafers = 0;
    for (std::size_t i = 0; i < pools_.size(); ++i)
      if (pools_[i].maker == maker) wafers += stacks[i] / per_wafer(pools_[i]);
    const double granted = wafers > capacity ? capacity / wafers : 1.0;
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      const double amount = stacks[i] * granted;
      if (pools_[i].maker != maker || amount <= 0) continue;
      pools_[i].started += amount;
      pools_[i].in_fab += amount;
      pools_[i].wafers_started += amount / per_wafer(pools_[i]);
      send(loop, Kind::stacks_done, i, amount, find_line(spec_.memories, pools_[i].memory, &MemoryPart::memory)->cycle_time);
    }
  }
}

}  // namespace waferwatt::supply
