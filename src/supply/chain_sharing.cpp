// SPDX-License-Identifier: Apache-2.0
// One week's packages: what each product wants, what it has, and who gets the line.
#include <algorithm>
#include <cmath>
#include <limits>

#include "find_line.hpp"
#include "waferwatt/supply/chain.hpp"

namespace waferwatt::supply {
namespace {

constexpr double kTiny = 1e-9;

}  // namespace

struct Chain::Request {
  std::size_t product = 0;
  double wanted = 0;       ///< packages to start
  double slots = 0;        ///< packages of its share of the line
  double line_limit = 0;   ///< packages the line grants after sharing out what others leave
  double die_limit = 0, stack_limit = 0;

  double material_limit() const { return std::min({wanted, die_limit, stack_limit}); }
  double start() const { return std::min(material_limit(), line_limit); }
};

void Chain::plan_week(Date date, engine::EventLoop& loop) {
  auto open = requests(date);
  share_memory(date, open);
  share_packaging(date, open);
  start_packages(date, open, loop);
  review_expansions(date);
  start_logic(date, loop);
  start_memory(date, loop);
}

std::vector<Chain::Request> Chain::requests(Date date) const {
  std::vector<Request> result;
  for (std::size_t p = 0; p < spec_.products.size(); ++p) {
    const auto& product = spec_.products[p];
    const double yield = product.package_yield(date);
    Request request{.product = p};
    request.wanted = is_banned(p, date) ? 0.0 : std::max(0.0, open_orders_(p, date) - in_pipeline(p)) / yield;
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

/// A customer's share of the line goes to its products by mix; what one leaves, the others take. Then the
/// line's policy says what happens to wafers that a customer leaves.
void Chain::share_packaging(Date date, std::vector<Request>& open) const {
  std::map<std::string, std::vector<Request*>> members_of;  // family
  for (auto& request : open) {
    const auto& p = spec_.products[request.product];
    if (p.family.empty()) request.line_limit = std::numeric_limits<double>::infinity();
    else members_of[p.family].push_back(&request);
  }
  for (auto& [family, members] : members_of) {
    const auto line = find_line(spec_.packaging, family, &PackagingLine::family);
    if (line != spec_.packaging.end()) share_line(*line, date, members);
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

void Chain::share_line(const PackagingLine& line, Date date, std::vector<Request*>& members) const {
  std::map<std::string, std::vector<Request*>> customers;
  for (auto* request : members) customers[spec_.products[request->product].vendor].push_back(request);
  if (line.allocation == Allocation::pro_rata || line.allocation == Allocation::priority) {
    double left = (line.capacity.at(date) * core::week).in(wafer);
    for (auto* request : members) request->line_limit = 0;
    if (line.allocation == Allocation::priority)
      for (const auto& customer : line.priority)
        if (const auto found = customers.find(customer); found != customers.end()) left = hand_out(left, found->second);
    hand_out(left, members);
    return;
  }
  double idle = 0;
  for (auto& [customer, own] : customers) {
    double left_wafers = 0;
    for (auto* request : own) {
      const double per_wafer = spec_.products[request->product].packages_per_wafer;
      request->line_limit = request->slots;
      left_wafers += std::max(0.0, request->slots - request->material_limit()) / per_wafer;
    }
    for (auto* request : own) {
      const double per_wafer = spec_.products[request->product].packages_per_wafer;
      const double extra = std::clamp((request->material_limit() - request->slots) / per_wafer, 0.0, left_wafers);
      request->line_limit += extra * per_wafer;
      left_wafers -= extra;
    }
    idle += left_wafers;
  }
  if (line.allocation == Allocation::release) release_idle(line, date, idle, customers);
}

/// Idle wafers go to the customers that could use more, by their shares, until none is left or wanted.
void Chain::release_idle(const PackagingLine& line, Date date, double idle, std::map<std::string, std::vector<Request*>>& customers) const {
  constexpr int kRounds = 8;  // each round satisfies at least one customer; the rest is rounding
  for (int round = 0; round < kRounds && idle > 1e-9; ++round) {
    double sum = 0;
    const auto weight = [&](const std::string& customer, const std::vector<Request*>& own) {
      double unmet = 0;
      for (const auto* request : own) unmet += unmet_wafers(*request);
      const auto share = line.customer_shares.find(customer);
      return unmet > 1e-9 && share != line.customer_shares.end() ? share->second.at(date) : 0.0;
    };
    for (const auto& [customer, own] : customers) sum += weight(customer, own);
    if (sum <= 0) return;
    double left = 0;
    for (const auto& [customer, own] : customers)
      if (const double part = weight(customer, own) / sum; part > 0) left += hand_out(idle * part, own);
    idle = left;
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

}  // namespace waferwatt::supply
