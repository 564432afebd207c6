// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/chain.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace waferwatt::supply {
namespace {

constexpr double kTiny = 1e-9;
// Products without a packaging line are built as orders come, over this time.
constexpr Time kOrderSpread = 26 * core::week;

template <class Lines>
auto find_line(const Lines& lines, std::string_view name, auto member) {
  return std::ranges::find_if(lines, [&](const auto& line) { return line.*member == name; });
}

/// Relative; infinite when either is not a number, which std::max would pass over.
double difference(double in, double out) {
  const double relative = std::abs(in - out) / std::max({1.0, std::abs(in), std::abs(out)});
  return std::isfinite(relative) ? relative : std::numeric_limits<double>::infinity();
}

}  // namespace

std::string_view limit_name(Limit limit) {
  constexpr std::array<std::string_view, kLimits> kNames = {"packaging", "memory", "logic", "orders"};
  return kNames[static_cast<std::size_t>(limit)];
}

double ProductAccount::balance_error() const {
  return std::max({difference(dies_finished + dies_given, dies_bank + dies_used),
                   difference(packages_started, packages_in_assembly + packages_scrapped + packages_in_test + packages_in_delivery + packages_delivered)});
}

double MemoryPool::balance_error() const {
  return std::max(difference(started, in_fab + finished), difference(finished + given, store + used));
}

struct Chain::Request {
  std::size_t product = 0;
  double wanted = 0;       ///< packages to start
  double slots = 0;        ///< packages of its share of the line
  double line_limit = 0;   ///< packages the line grants after sharing out what others leave
  double die_limit = 0, stack_limit = 0;

  double material_limit() const { return std::min({wanted, die_limit, stack_limit}); }
  double start() const { return std::min(material_limit(), line_limit); }
};

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
      }
  }
}

void Chain::begin(engine::EventLoop& loop) { loop.at(spec_.start.days(), Kind::week, 0, 0); }

void Chain::send(engine::EventLoop& loop, Kind kind, std::size_t target, double amount, Time delay) const {
  loop.after(delay.in(core::day), kind, static_cast<std::uint32_t>(target), std::bit_cast<std::uint64_t>(amount));
}

bool Chain::handle(const engine::Event& event, engine::EventLoop& loop) {
  const Date date = Date::from_days(event.time);
  const double amount = std::bit_cast<double>(event.payload);
  const std::size_t target = event.target;
  switch (event.kind) {
    case Kind::week:
      plan_week(date, loop);
      if (date + core::week < spec_.end) loop.after(7, Kind::week, 0, 0);
      return true;
    case Kind::wafers_done: {
      auto& account = accounts_[target];
      const double dies = amount * spec_.products[target].good_dies_per_wafer(date);
      account.wafers_in_fab -= amount;
      account.dies_finished += dies;
      account.dies_bank += dies;
      return true;
    }
    case Kind::stacks_done:
      pools_[target].in_fab -= amount;
      pools_[target].finished += amount;
      pools_[target].store += amount;
      return true;
    case Kind::assembled: {
      auto& account = accounts_[target];
      const double good = amount * spec_.products[target].assembly_yield.at(date);
      account.packages_in_assembly -= amount;
      account.packages_scrapped += amount - good;
      account.packages_in_test += good;
      send(loop, Kind::tested, target, good, spec_.products[target].test_time);
      return true;
    }
    case Kind::tested: {
      auto& account = accounts_[target];
      const double good = amount * spec_.products[target].test_yield;
      account.packages_in_test -= amount;
      account.packages_scrapped += amount - good;
      account.packages_in_delivery += good;
      send(loop, Kind::delivered, target, good, spec_.assembly_time + spec_.shipping_time);
      return true;
    }
    case Kind::delivered:
      accounts_[target].packages_in_delivery -= amount;
      accounts_[target].packages_delivered += amount;
      delivery_(target, amount, date);
      return true;
    default: return false;
  }
}

void Chain::plan_week(Date date, engine::EventLoop& loop) {
  auto open = requests(date);
  share_memory(date, open);
  share_packaging(date, open);
  start_packages(date, open, loop);
  start_logic(date, loop);
  start_memory(date, loop);
}

double Chain::in_pipeline(std::size_t product) const {
  const auto& account = accounts_[product];
  const auto& p = spec_.products[product];
  const double assembly_yield = p.assembly_yield.at(spec_.end);
  return account.packages_in_assembly * assembly_yield * p.test_yield + account.packages_in_test * p.test_yield + account.packages_in_delivery;
}

double Chain::mix_share(std::size_t product, Date date) const {
  const auto& self = spec_.products[product];
  double sum = 0;
  for (const auto& other : spec_.products)
    if (other.vendor == self.vendor && other.family == self.family) sum += other.mix.at(date);
  return sum > 0 ? self.mix.at(date) / sum : 0;
}

double Chain::planned_packages(std::size_t product, Date date) const {
  const auto& p = spec_.products[product];
  const auto line = find_line(spec_.packaging, p.family, &PackagingLine::family);
  if (line == spec_.packaging.end()) {
    const double open = open_orders_(product, date) - in_pipeline(product);
    if (std::isfinite(open)) return std::max(0.0, open) * (core::week / kOrderSpread);
    // Sold out: what its part of the node could give.
    const auto node = find_line(spec_.logic, p.node, &LogicLine::node);
    if (node == spec_.logic.end()) return 0;
    const double wafers = (node->capacity.at(date) * node->ai_share.at(date) * core::week).in(wafer);
    return wafers * mix_share(product, date) * p.good_dies_per_wafer(date) / p.dies_per_package;
  }
  const auto share = line->customer_shares.find(p.vendor);
  if (share == line->customer_shares.end()) return 0;
  const double wafers = (line->capacity.at(date) * core::week).in(wafer);
  return wafers * share->second.at(date) * mix_share(product, date) * p.packages_per_wafer;
}

double Chain::planned_packages(std::size_t product, Date from, Time span) const {
  // The plan is straight between the points of its ramps: a few samples integrate it.
  constexpr int kSamples = 4;
  double sum = 0;
  for (int i = 0; i < kSamples; ++i) sum += planned_packages(product, from + span * ((i + 0.5) / kSamples));
  return sum / kSamples * (span / core::week);
}

bool Chain::may_use(const MemoryPool& pool, const Product& product, Date date) const {
  if (pool.memory != product.memory) return false;
  if (pool.maker >= spec_.memory_makers.size()) return pool.only_for == product.vendor;
  const auto& gates = spec_.memory_makers[pool.maker].qualified;
  const auto gate = gates.find({product.memory, product.vendor});
  return gate != gates.end() && gate->second <= date;
}

double Chain::stacks_available(std::size_t product, Date date) const {
  double sum = 0;
  for (const auto& pool : pools_)
    if (may_use(pool, spec_.products[product], date)) sum += pool.store;
  return sum;
}

std::vector<Chain::Request> Chain::requests(Date date) const {
  std::vector<Request> result;
  for (std::size_t p = 0; p < spec_.products.size(); ++p) {
    const auto& product = spec_.products[p];
    const double yield = product.package_yield(date);
    Request request{.product = p};
    request.wanted = std::max(0.0, open_orders_(p, date) - in_pipeline(p)) / yield;
    request.slots = planned_packages(p, date);
    request.die_limit = product.node.empty() ? std::numeric_limits<double>::infinity() : accounts_[p].dies_bank / product.dies_per_package;
    request.stack_limit = product.memory.empty() ? std::numeric_limits<double>::infinity() : stacks_available(p, date) / product.stacks_per_package;
    result.push_back(request);
  }
  return result;
}

/// Each pool's stacks are shared in proportion to what the products that may use it could package.
void Chain::share_memory(Date date, std::vector<Request>& open) const {
  const auto wish = [&](const Request& r) { return std::min({r.wanted, r.die_limit, r.slots}) * spec_.products[r.product].stacks_per_package; };
  std::vector<double> fair(open.size(), 0.0);
  for (const auto& pool : pools_) {
    double asked = 0;
    for (const auto& request : open)
      if (may_use(pool, spec_.products[request.product], date)) asked += wish(request);
    for (std::size_t i = 0; i < open.size(); ++i)
      if (asked > 0 && may_use(pool, spec_.products[open[i].product], date)) fair[i] += pool.store * wish(open[i]) / asked;
  }
  for (std::size_t i = 0; i < open.size(); ++i) {
    const auto& p = spec_.products[open[i].product];
    // Where there is enough for all, nobody is held to a part: what others leave may be taken.
    if (!p.memory.empty() && fair[i] < wish(open[i])) open[i].stack_limit = std::min(open[i].stack_limit, fair[i] / p.stacks_per_package);
  }
}

/// A customer's share of the line goes to its products by mix; what one leaves, the others take.
void Chain::share_packaging(Date, std::vector<Request>& open) const {
  std::map<std::pair<std::string, std::string>, std::vector<Request*>> customers;
  for (auto& request : open) {
    const auto& p = spec_.products[request.product];
    if (p.family.empty()) request.line_limit = std::numeric_limits<double>::infinity();
    else customers[{p.vendor, p.family}].push_back(&request);
  }
  for (auto& [customer, members] : customers) {
    double left_wafers = 0;
    for (auto* request : members) {
      const double per_wafer = spec_.products[request->product].packages_per_wafer;
      request->line_limit = request->slots;
      left_wafers += std::max(0.0, request->slots - request->material_limit()) / per_wafer;
    }
    for (auto* request : members) {
      const double per_wafer = spec_.products[request->product].packages_per_wafer;
      const double extra = std::clamp((request->material_limit() - request->slots) / per_wafer, 0.0, left_wafers);
      request->line_limit += extra * per_wafer;
      left_wafers -= extra;
    }
  }
}

void Chain::start_packages(Date date, const std::vector<Request>& open, engine::EventLoop& loop) {
  for (const auto& request : open) {
    const auto& product = spec_.products[request.product];
    // Products that share a pool may between them ask for more than is left.
    const double start = std::min(request.start(), product.memory.empty() ? std::numeric_limits<double>::infinity()
                                                                          : stacks_available(request.product, date) / product.stacks_per_package);
    WeekEntry entry{.product = request.product, .week = date, .slots = request.slots, .started = start};
    const double slack = kTiny * std::max(1.0, start);
    if (start >= request.wanted - slack) entry.limit = Limit::orders;
    else if (start >= request.line_limit - slack) entry.limit = Limit::packaging;
    else if (start >= request.die_limit - slack) entry.limit = Limit::logic;
    else entry.limit = Limit::memory;
    if (std::isfinite(request.wanted)) entry.waiting = request.wanted - start;
    if (request.slots > 0 || start > 0 || entry.waiting > 0) weeks_.push_back(entry);
    if (start <= 0) continue;

    auto& account = accounts_[request.product];
    if (!product.node.empty()) {
      account.dies_bank -= start * product.dies_per_package;
      account.dies_used += start * product.dies_per_package;
    }
    if (!product.memory.empty()) take_stacks(request.product, start * product.stacks_per_package, date);
    account.packages_started += start;
    account.packages_in_assembly += start;
    send(loop, Kind::assembled, request.product, start, product.packaging_cycle_time);
  }
}

void Chain::take_stacks(std::size_t product, double stacks, Date date) {
  accounts_[product].stacks_used += stacks;
  for (auto& pool : pools_) {
    if (!may_use(pool, spec_.products[product], date)) continue;
    const double taken = std::min(stacks, pool.store);
    pool.store -= taken;
    pool.used += taken;
    stacks -= taken;
  }
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
      const double need = planned_packages(p, date, product.logic_cycle_time + spec_.cover) * product.dies_per_package;
      const double have = accounts_[p].dies_bank + accounts_[p].wafers_in_fab * dies_per_wafer;
      const double wafers = std::max(0.0, need - have) / dies_per_wafer;
      if (wafers > 0) orders.emplace_back(p, wafers);
      sum += wafers;
    }
    const double capacity = (line.capacity.at(date) * line.ai_share.at(date) * core::week).in(wafer);
    const double granted = sum > capacity ? capacity / sum : 1.0;
    for (const auto& [p, wafers] : orders) {
      accounts_[p].wafers_started += wafers * granted;
      accounts_[p].wafers_in_fab += wafers * granted;
      send(loop, Kind::wafers_done, p, wafers * granted, spec_.products[p].logic_cycle_time);
    }
  }
}

/// The same rule for stacks, vendor by vendor: what a vendor needs and the pools it will be
/// qualified for do not hold goes to those makers in proportion to their capacity. A pool that
/// several vendors can use counts for each by its part of what they need together.
void Chain::order_stacks(const MemoryPart& part, Date date, std::vector<double>& stacks) const {
  const Date ready = date + part.cycle_time;
  std::map<std::string, double> need_of;  // vendor
  for (std::size_t p = 0; p < spec_.products.size(); ++p)
    if (const auto& product = spec_.products[p]; product.memory == part.memory)
      need_of[product.vendor] += planned_packages(p, date, part.cycle_time + spec_.cover) * product.stacks_per_package;
  const auto usable = [&](const MemoryPool& pool, const std::string& vendor) {
    return may_use(pool, Product{.vendor = vendor, .memory = part.memory}, ready);
  };
  std::vector<double> asked(pools_.size(), 0.0);
  for (const auto& [vendor, need] : need_of)
    for (std::size_t i = 0; i < pools_.size(); ++i)
      if (usable(pools_[i], vendor)) asked[i] += need;
  for (const auto& [vendor, need] : need_of) {
    double position = 0, capacity = 0;
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      if (need <= 0 || !usable(pools_[i], vendor)) continue;
      position += (pools_[i].store + pools_[i].in_fab) * need / asked[i];
      if (pools_[i].only_for.empty()) capacity += spec_.memory_makers[pools_[i].maker].capacity.at(date).base();
    }
    if (need <= position || capacity <= 0) continue;
    for (std::size_t i = 0; i < pools_.size(); ++i)
      if (pools_[i].only_for.empty() && usable(pools_[i], vendor))
        stacks[i] += (need - position) * spec_.memory_makers[pools_[i].maker].capacity.at(date).base() / capacity;
  }
}

/// Memory makers serve all orders in proportion when their wafers do not suffice.
void Chain::start_memory(Date date, engine::EventLoop& loop) {
  std::vector<double> stacks(pools_.size(), 0.0);
  for (const auto& part : spec_.memories) order_stacks(part, date, stacks);
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
