// SPDX-License-Identifier: Apache-2.0
// One week's packages: what each product wants, what it has, and who gets the line.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "find_line.hpp"
#include "waferwatt/supply/chain.hpp"

namespace waferwatt::supply {
namespace {

constexpr double kTiny = 1e-9;
constexpr double kNoLimit = std::numeric_limits<double>::infinity();

}  // namespace

struct Chain::Request {
  std::size_t product = 0;
  double wanted = 0;       ///< packages to start
  double slots = 0;        ///< packages of its share of the line
  double line_limit = 0;   ///< packages the line grants after sharing out what others leave
  double die_limit = 0, stack_limit = 0;
  double part_limit = kNoLimit;
  std::size_t part = kNoPart;  ///< the scarcest part

  double material_limit() const { return std::min({wanted, die_limit, stack_limit}); }
  double start() const { return std::min({material_limit(), line_limit, part_limit}); }
};

void Chain::plan_week(Date date, engine::EventLoop& loop) {
  plans_.clear();
  take_stock(date);
  plan_conversions(date);
  make_parts(date);
  pass_stage(catalog::Stage::system, date, loop);
  pass_stage(catalog::Stage::test, date, loop);
  auto open = requests(date);
  share_memory(date, open);
  share_packaging(date, open);
  limit_by_parts(open);
  start_packages(date, open, loop);
  review_expansions(date);
  plans_.clear();  // starts and new projects change them
  start_logic(date, loop);
  start_memory(date, loop);
}

std::vector<Chain::Request> Chain::requests(Date date) const {
  const auto plan = planned_packages(date);
  std::vector<Request> result;
  for (std::size_t p = 0; p < spec_.products.size(); ++p) {
    const auto& product = spec_.products[p];
    const double yield = product.package_yield(date);
    Request request{.product = p};
    const bool is_made = product.mix.at(date) > 0 && !is_banned(p, date);
    request.wanted = is_made ? std::max(0.0, open_orders_(p, date) - in_pipeline(p)) / yield : 0.0;
    request.slots = plan[p];
    request.die_limit = product.node.empty() ? kNoLimit : accounts_[p].dies_bank / product.dies_per_package;
    request.stack_limit = product.memory.empty() ? kNoLimit : stacks_available(p, date) / product.stacks_per_package;
    result.push_back(request);
  }
  return result;
}

/// Each pool's stacks are shared in proportion to what the products that may use it could package.
void Chain::share_memory(Date date, std::vector<Request>& open) const {
  const auto wish = [&](const Request& r) { return std::min({r.wanted, r.die_limit, r.slots}) * spec_.products[r.product].stacks_per_package; };
  std::vector<double> fair(open.size(), 0.0);
  for (std::size_t pool = 0; pool < pools_.size(); ++pool) {
    double asked = 0;
    for (const auto& request : open)
      if (may_use(pool, request.product, date)) asked += wish(request);
    for (std::size_t i = 0; i < open.size(); ++i)
      if (asked > 0 && may_use(pool, open[i].product, date)) fair[i] += pools_[pool].store * wish(open[i]) / asked;
  }
  for (std::size_t i = 0; i < open.size(); ++i) {
    const auto& p = spec_.products[open[i].product];
    // Where there is enough for all, nobody is held to a part: what others leave may be taken.
    if (!p.memory.empty() && fair[i] < wish(open[i])) open[i].stack_limit = std::min(open[i].stack_limit, fair[i] / p.stacks_per_package);
  }
}

/// Wafers of a line by process at a date, when its customers take their shares: a part of the line's capacity each.
std::map<std::string, double> Chain::planned_split(const PackagingLine& line, Date date) const {
  std::map<std::string, double> split;
  double sum = 0;
  const auto mix = mix_shares(date);
  for (std::size_t p = 0; p < spec_.products.size(); ++p) {
    const auto& product = spec_.products[p];
    if (product.family != line.family || !routes_[p].share) continue;
    const double wafers = routes_[p].share->at(date) * mix[p];
    split[product.packaging] += wafers;
    sum += wafers;
  }
  // Where shares bind, the tools of customers that are not in the chain stay theirs.
  const bool is_shared_out = line.allocation == Allocation::agreement;
  for (auto& [process, part] : split)
    if (!is_shared_out && sum > 0) part /= sum;
  return split;
}

/// Tools are converted to what was planned a conversion time before.
void Chain::plan_conversions(Date date) {
  for (std::size_t l = 0; l < spec_.packaging.size(); ++l) {
    const auto& line = spec_.packaging[l];
    if (line.conversion_time <= Time{}) continue;
    auto& plans = tools_[l];
    Date next = plans.empty() ? date : plans.back().first + core::week;
    for (; next <= date + line.conversion_time; next = next + core::week) plans.emplace_back(next, planned_split(line, next));
  }
}

const std::map<std::string, double>& Chain::tools_of(std::size_t line, Date date) const {
  const auto& plans = tools_[line];
  const auto after = std::ranges::upper_bound(plans, date, {}, [](const auto& plan) { return plan.first; });
  return after == plans.begin() ? plans.front().second : std::prev(after)->second;
}

/// Tools of a process serve that process only; a line whose tools convert at once is shared as a whole.
void Chain::share_packaging(Date date, std::vector<Request>& open) {
  for (auto& request : open)
    if (spec_.products[request.product].family.empty()) request.line_limit = kNoLimit;
  for (std::size_t l = 0; l < spec_.packaging.size(); ++l) {
    const auto& line = spec_.packaging[l];
    const double wafers = (line.capacity.at(date) * core::week).in(wafer);
    std::map<std::string, std::vector<Request*>> members_of;  // process
    for (auto& request : open)
      if (const auto& p = spec_.products[request.product]; p.family == line.family) members_of[line.conversion_time > Time{} ? p.packaging : ""].push_back(&request);
    for (auto& [process, members] : members_of) {
      double part = 1;
      if (!process.empty()) {
        const auto& tools = tools_of(l, date);
        const auto own = tools.find(process);
        part = own == tools.end() ? 0 : own->second;
      }
      double claimed = 0;
      for (const auto* request : members) claimed += request->slots / spec_.products[request->product].packages_per_wafer;
      share_line(line, date, wafers * part, claimed > wafers * part ? wafers * part / claimed : 1.0, members);
    }
  }
}

/// Wafers `request` could still use beyond what it was granted.
double Chain::unmet_wafers(const Request& request) const {
  constexpr double kAll = 1e12;  // without orders, dies or stacks to wait for, as many as there are
  return std::clamp(request.material_limit() - request.line_limit, 0.0, kAll) / spec_.products[request.product].packages_per_wafer;
}

/// Hands `wafers` to requests in proportion to what they could still use. \returns what is left
double Chain::hand_out(double wafers, const std::vector<Request*>& to) const {
  double asked = 0;
  for (const auto* request : to) asked += unmet_wafers(*request);
  if (asked <= 0) return wafers;
  const double granted = std::min(1.0, wafers / asked);
  for (auto* request : to) request->line_limit += unmet_wafers(*request) * granted * spec_.products[request->product].packages_per_wafer;
  return std::max(0.0, wafers - asked * granted);
}

/// \param wafers of the tools that serve these requests \param claimable part of the agreed slots that these tools can serve
void Chain::share_line(const PackagingLine& line, Date date, double wafers, double claimable, std::vector<Request*>& members) {
  Customers customers;
  for (auto* request : members) customers[spec_.products[request->product].vendor].push_back(request);
  if (!spec_.allocation_rule && (line.allocation == Allocation::agreement || line.allocation == Allocation::release)) return share_agreed(line, date, claimable, customers);
  for (auto* request : members) request->line_limit = 0;
  if (spec_.allocation_rule) return share_by_rule(line, date, wafers, customers);
  double left = wafers;
  if (line.allocation == Allocation::priority)
    for (const auto& customer : line.priority)
      if (const auto found = customers.find(customer); found != customers.end()) left = hand_out(left, found->second);
  if (line.allocation == Allocation::auction) return auction(line, date, wafers, customers);
  if (line.allocation == Allocation::prepayment)
    left = share_by_weight(left, customers, [&](const std::string& customer) {
      const auto paid = line.prepaid.find(customer);
      return paid == line.prepaid.end() ? 0.0 : paid->second.in(usd);
    });
  hand_out(left, members);
}

/// A customer's share of the tools goes to its products by mix; what one leaves, the others take. What a customer
/// leaves is lost, or released to the others by their shares.
void Chain::share_agreed(const PackagingLine& line, Date date, double claimable, const Customers& customers) const {
  double idle = 0;
  for (const auto& [customer, own] : customers) {
    double left_wafers = 0;
    for (auto* request : own) {
      const double per_wafer = spec_.products[request->product].packages_per_wafer;
      request->line_limit = request->slots * claimable;
      left_wafers += std::max(0.0, request->line_limit - request->material_limit()) / per_wafer;
    }
    for (auto* request : own) {
      const double per_wafer = spec_.products[request->product].packages_per_wafer;
      const double extra = std::clamp((request->material_limit() - request->line_limit) / per_wafer, 0.0, left_wafers);
      request->line_limit += extra * per_wafer;
      left_wafers -= extra;
    }
    idle += left_wafers;
  }
  if (line.allocation != Allocation::release) return;
  share_by_weight(idle, customers, [&](const std::string& customer) {
    const auto share = line.customer_shares.find(customer);
    return share == line.customer_shares.end() ? 0.0 : share->second.at(date);
  });
}

/// Wafers go to the customers that could use more, by their weights, until none is left or wanted. \returns what is left
double Chain::share_by_weight(double wafers, const Customers& customers, const Weight& weight) const {
  constexpr int kRounds = 8;  // each round satisfies at least one customer; the rest is rounding
  const auto weight_now = [&](const std::string& customer, const std::vector<Request*>& own) {
    double unmet = 0;
    for (const auto* request : own) unmet += unmet_wafers(*request);
    return unmet > kTiny ? weight(customer) : 0.0;
  };
  for (int round = 0; round < kRounds && wafers > kTiny; ++round) {
    double sum = 0;
    for (const auto& [customer, own] : customers) sum += weight_now(customer, own);
    if (sum <= 0) break;
    double left = 0;
    for (const auto& [customer, own] : customers)
      if (const double part = weight_now(customer, own) / sum; part > 0) left += hand_out(wafers * part, own);
    wafers = left;
  }
  return wafers;
}

/// As the caller's rule says.
void Chain::share_by_rule(const PackagingLine& line, Date date, double wafers, const Customers& customers) const {
  AllocationCase question{.date = date, .of = line.family, .supply = wafers, .orders = {}};
  for (const auto& [customer, own] : customers) {
    AllocationOrder order{.who = customer};
    for (const auto* request : own) order.wanted += unmet_wafers(*request);
    if (const auto share = line.customer_shares.find(customer); share != line.customer_shares.end()) order.share = share->second.at(date);
    if (const auto paid = line.prepaid.find(customer); paid != line.prepaid.end()) order.prepaid = paid->second;
    if (const auto bid = line.bids.find(customer); bid != line.bids.end()) order.bid = bid->second * wafer;
    question.orders.push_back(order);
  }
  if (wafers <= 0 || question.orders.empty()) return;
  const auto given = allocated(spec_.allocation_rule, question);
  std::size_t i = 0;
  for (const auto& [customer, own] : customers) hand_out(given[i++], own);
}

/// Highest bid first, equal bids together; all pay the highest bid that got less than it wanted.
void Chain::auction(const PackagingLine& line, Date date, double wafers, const Customers& customers) {
  std::map<double, std::vector<Request*>, std::greater<>> by_bid;
  for (const auto& [customer, own] : customers) {
    const auto bid = line.bids.find(customer);
    auto& group = by_bid[bid == line.bids.end() ? 0.0 : bid->second.in(usd / wafer)];
    group.insert(group.end(), own.begin(), own.end());
  }
  double price = 0;
  for (auto& [bid, group] : by_bid) {
    wafers = hand_out(wafers, group);
    if (wafers <= kTiny && price == 0)
      for (const auto* request : group)
        if (unmet_wafers(*request) > kTiny) price = bid;
  }
  auctions_.push_back({line.family, date, price * usd / core::wafer});
}

/// Parts that starts need are shared in proportion to the starts that all else allows.
void Chain::limit_by_parts(std::vector<Request>& open) const {
  for (std::size_t l = 0; l < spec_.parts.size(); ++l) {
    const auto& line = spec_.parts[l];
    if (line.stage != catalog::Stage::packaging) continue;
    double wanted = 0;
    for (const auto& request : open) wanted += request.start() * line.units[request.product];
    if (wanted <= part_accounts_[l].store) continue;
    for (auto& request : open)
      if (line.units[request.product] > 0) {
        request.part_limit = request.start() * part_accounts_[l].store / wanted;
        request.part = l;
      }
  }
}

void Chain::start_packages(Date date, const std::vector<Request>& open, engine::EventLoop& loop) {
  for (const auto& request : open) {
    const auto& product = spec_.products[request.product];
    // Products that share a pool may between them ask for more than is left.
    const double start = std::min(request.start(), product.memory.empty() ? kNoLimit : stacks_available(request.product, date) / product.stacks_per_package);
    WeekEntry entry{.product = request.product, .week = date, .slots = request.slots, .started = start};
    const double slack = kTiny * std::max(1.0, start);
    if (start >= request.wanted - slack) entry.limit = Limit::orders;
    else if (start >= request.part_limit - slack) entry.limit = Limit::parts, entry.part = request.part;
    else if (start >= request.line_limit - slack) entry.limit = Limit::packaging;
    // Without a line to fill, dies are made as orders come: they are late only where the node was short.
    else if (start >= request.die_limit - slack) entry.limit = product.family.empty() && std::isfinite(request.wanted) && date > short_until_[request.product] ? Limit::orders : Limit::logic;
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
    for (std::size_t l = 0; l < spec_.parts.size(); ++l) {
      if (spec_.parts[l].stage != catalog::Stage::packaging) continue;
      const double taken = std::min(part_accounts_[l].store, start * spec_.parts[l].units[request.product]);
      part_accounts_[l].store -= taken;
      part_accounts_[l].used += taken;
    }
    account.packages_started += start;
    account.packages_in_assembly += start;
    send(loop, Kind::assembled, request.product, start, product.packaging_cycle_time);
  }
}

void Chain::take_stacks(std::size_t product, double stacks, Date date) {
  accounts_[product].stacks_used += stacks;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    if (!may_use(i, product, date)) continue;
    auto& pool = pools_[i];
    const double taken = std::min(stacks, pool.store);
    pool.store -= taken;
    pool.used += taken;
    stacks -= taken;
  }
}

}  // namespace waferwatt::supply
