// SPDX-License-Identifier: Apache-2.0
// The order of a week, and where chips are.
#include "simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace waferwatt::world {
namespace {

constexpr std::uint32_t kWorldWeek = 100;  // event kind; the chain's are lower
constexpr double kLargestError = 1e-6;     // of a balance: beyond rounding

Resource resource_of(supply::Limit limit) {
  switch (limit) {
    case supply::Limit::packaging: return Resource::packaging;
    case supply::Limit::memory: return Resource::memory;
    case supply::Limit::logic: return Resource::logic;
    case supply::Limit::parts: return Resource::parts;
    case supply::Limit::orders: break;
  }
  return Resource::capital;
}

std::vector<Money> opening_cash(const std::vector<Owner>& owners) {
  std::vector<Money> cash;
  for (const auto& owner : owners) cash.push_back(owner.finance ? owner.finance->cash : Money{});
  return cash;
}

}  // namespace

Simulation::Simulation(const WorldSpec& spec)
    : spec_(spec),
      book_(spec.buyers, spec.offers, spec.patience, spec.sales_rule),
      chain_(
          spec.chain, [this](std::size_t product, Date date) { return book_.open_orders(product, date, lead_time(product)); },
          [this](std::size_t product, double n, Date date) { receive(product, n, date); }),
      books_(opening_cash(spec.owners)),
      rule_dates_(spec.rules.change_dates()),
      sold_to_(spec.buyers.size() * spec.offers.size(), 0.0),
      licensed_tpp_(spec.buyers.size(), 0.0),
      rulings_(spec.buyers.size() * spec.offers.size()),
      debt_(spec.owners.size()),
      fleet_value_(spec.owners.size(), market::BookValue(spec.terms.it_life)),
      operating_income_(spec.owners.size()),
      room_at_start_(spec.owners.size()),
      freed_(spec.owners.size()),
      waiting_at_start_(spec.owners.size(), 0.0),
      switched_on_h100e_(spec.owners.size(), 0.0) {
  std::vector<double> value_of_power;
  for (const auto& traits : spec_.traits) {
    loads_.push_back(traits.load);
    value_of_power.push_back(traits.h100_equivalents / traits.load.it_nameplate.in(watt));
  }
  for (std::size_t o = 0; o < spec_.owners.size(); ++o) {
    const auto& owner = spec_.owners[o];
    controller_.push_back(o);
    auto& queue = queues_.emplace_back(value_of_power, owner.pue);
    for (const auto& fleet : owner.initial_fleet) {
      queue.place_energised(fleet.product, fleet.n_accelerators, fleet.delivered);
      placed_ += fleet.n_accelerators;
      fleet_value_[o].add(fleet.delivered.days(), fleet.n_accelerators * spec_.offers[fleet.product].price.at(fleet.delivered) * spec_.traits[fleet.product].server_cost_factor);
    }
    if (owner.finance) debt_[o] = owner.finance->debt;
  }
  sold_lately_.assign(spec_.offers.size(), 0.0);
  for (const auto& offer : spec_.offers) {
    double sells = 0, all = 0;
    for (const auto& buyer : spec_.buyers) {
      if (std::ranges::none_of(buyer.budget.points(), [](const auto& point) { return point.second > MoneyRate{}; })) continue;
      ++all;
      sells += buyer.vendors.contains(offer.vendor);
    }
    on_open_market_.push_back(offer.only_to.empty() && sells >= 0.5 * all);
  }
  for (auto* counter : {&way_.received, &way_.unsold, &way_.sold, &way_.waiting, &way_.switched_on, &way_.retired_on, &way_.retired_waiting})
    counter->assign(spec_.offers.size(), 0.0);
}

WorldResult Simulation::run(engine::EventLoop& loop) {
  chain_.begin(loop);
  // Rules stand before the chain asks for orders.
  apply_rules(spec_.chain.start);
  loop.at(spec_.start.days(), kWorldWeek, 0, 0);
  loop.run(*this);
  collect();
  return std::move(result_);
}

void Simulation::handle(const engine::Event& event, engine::EventLoop& loop) {
  const Date date = Date::from_days(event.time);
  if (date >= spec_.end) return;
  if (chain_.handle(event, loop)) return;
  week(date);
  if (date + core::week < spec_.end) loop.after(7, kWorldWeek, 0, 0);
}

Time Simulation::lead_time(std::size_t product) const {
  const auto& p = spec_.chain.products[product];
  return p.packaging_cycle_time + p.test_time + spec_.chain.assembly_time + spec_.chain.shipping_time + spec_.chain.cover;
}

/// Deliveries before the start belong to the initial fleets.
void Simulation::receive(std::size_t product, double n, Date date) {
  if (date < spec_.start) return;
  book_.deliver(product, n);
  way_.received[product] += n;
}

YearAccount& Simulation::account(Date date) {
  const int year = date.year();
  if (result_.years.empty() || result_.years.back().year < year)
    result_.years.push_back({.year = year,
                             .tier_tokens = std::vector<Tokens>(spec_.demand.market.tiers.size()),
                             .tier_revenue = std::vector<Money>(spec_.demand.market.tiers.size())});
  // The chain's last week of a year may be charged in the world's first week of the next.
  return *std::ranges::find(result_.years, year, &YearAccount::year);
}

OwnerYear& Simulation::owner_year(Date date, std::size_t owner) {
  const int year = date.year();
  const std::size_t n = spec_.owners.size();
  if (result_.owner_years.empty() || result_.owner_years.back().year < year)
    for (std::size_t o = 0; o < n; ++o) result_.owner_years.push_back({.year = year, .owner = o});
  return result_.owner_years[result_.owner_years.size() - n + owner];
}

void Simulation::charge(Date date, std::size_t product, std::size_t owner, Resource resource, double accelerator_weeks) {
  if (accelerator_weeks > 0) charges_[{date.year(), date.quarter(), product, owner, resource}] += accelerator_weeks;
}

void Simulation::week(Date date) {
  const Date end = std::min(date + core::week, spec_.end);
  const Time span = end - date;
  if (date.year() != year_) begin_year(date);
  while (next_rule_ < rule_dates_.size() && rule_dates_[next_rule_] <= date) {
    ++next_rule_;
    if (next_rule_ == rule_dates_.size() || rule_dates_[next_rule_] > date) apply_rules(date);
  }
  book_.grant(date, span, liquidity(date, span));
  const auto ahead = book_.prepay(date);
  for (std::size_t b = 0; b < ahead.size(); ++b) books_.pay(controller(b), market::Outside::vendors, ahead[b], market::Flow::accelerators);
  sell(date, span);
  switch_on(date);
  build(date, span);
  charge_waits(date, span / core::week);
  use(date, span);
  settle_debts(date, span);
  close_week(date);
}

void Simulation::switch_on(Date date) {
  const std::size_t n = spec_.offers.size();
  for (std::size_t o = 0; o < queues_.size(); ++o) {
    auto& queue = queues_[o];
    auto before = queue.energised();
    const Power in_use = queue.power_in_use(loads_);
    const auto gone = queue.retire(date, spec_.service_life);
    for (std::size_t p = 0; p < n; ++p) {
      const double running = before[p] - queue.energised()[p];
      result_.retired += gone[p];
      way_.retired_on[p] += running;
      way_.retired_waiting[p] += gone[p] - running;
    }
    freed_[o] += in_use - queue.power_in_use(loads_);
    before = queue.energised();
    queue.energise(spec_.owners[o].power.at(date), loads_);
    Money idle;
    for (std::size_t p = 0; p < n; ++p) {
      const double on = queue.energised()[p] - before[p];
      way_.switched_on[p] += on;
      switched_on_h100e_[o] += on * spec_.traits[p].h100_equivalents;
      idle += queue.waiting()[p] * spec_.offers[p].price.at(date);
    }
    const Money most = spec_.buyers[o].budget.at(date) * spec_.power_wait_limit;
    book_.hold(o, idle > Money{} ? (idle < most ? idle / most : 1.0) : 0.0);
  }
}

/// Waiting in the chain is shared out to buyers by what they want of the product.
void Simulation::charge_buyers(Date date, std::size_t product, Resource resource, double accelerator_weeks) {
  if (accelerator_weeks <= 0) return;
  const auto shares = book_.shares_of_wants(product, date, lead_time(product));
  double charged = 0;
  for (std::size_t b = 0; b < shares.size(); ++b) {
    charge(date, product, b, resource, accelerator_weeks * shares[b]);
    charged += shares[b];
  }
  charge(date, product, kNobody, resource, accelerator_weeks * std::max(0.0, 1 - charged));
}

/// What the chain's weeks since the last call waited for.
void Simulation::charge_chain_waits() {
  const auto& weeks = chain_.weeks();
  for (; next_chain_week_ < weeks.size(); ++next_chain_week_) {
    const auto& entry = weeks[next_chain_week_];
    if (entry.week < spec_.start) continue;
    const double good = chain_.spec().products[entry.product].package_yield(entry.week);
    charge_buyers(entry.week, entry.product, resource_of(entry.limit), entry.waiting * good);
    auto& year = account(entry.week);
    const double per_wafer = chain_.spec().products[entry.product].packages_per_wafer;
    if (per_wafer > 0) year.packaging_wafers += entry.started / per_wafer;
    year.packaging_slots += entry.slots;
    year.idle_slots += std::max(0.0, entry.slots - entry.started);
  }
  const auto& waits = chain_.part_waits();
  for (; next_part_wait_ < waits.size(); ++next_part_wait_)
    if (waits[next_part_wait_].week >= spec_.start) charge_buyers(waits[next_part_wait_].week, waits[next_part_wait_].product, Resource::parts, waits[next_part_wait_].packages);
}

void Simulation::charge_waits(Date date, double part) {
  charge_chain_waits();
  for (std::size_t p = 0; p < spec_.offers.size(); ++p) {
    // Chips in the maker's stock wait for money, or for buyers that wait for power.
    const double held = book_.held_fraction(p);
    charge(date, p, kNobody, Resource::capital, book_.unsold()[p] * part * (1 - held));
    charge(date, p, kNobody, Resource::power, book_.unsold()[p] * part * held);
    for (std::size_t o = 0; o < queues_.size(); ++o) charge(date, p, o, Resource::power, queues_[o].waiting()[p] * part);
  }
}

/// State at the end of the week; the last week of a year stays.
void Simulation::close_week(Date date) {
  auto& year = account(date);
  year.energised_nameplate = Power{};
  year.accelerators_energised = year.accelerators_waiting = year.h100e_energised = year.h100e_waiting = 0;
  for (std::size_t o = 0; o < queues_.size(); ++o) {
    const auto& queue = queues_[o];
    auto& own = owner_year(date, o);
    own.energised_nameplate = queue.power_in_use(loads_);
    own.h100e_energised = own.h100e_waiting = 0;
    for (std::size_t p = 0; p < spec_.offers.size(); ++p) {
      year.accelerators_energised += queue.energised()[p];
      year.accelerators_waiting += queue.waiting()[p];
      own.h100e_energised += queue.energised()[p] * spec_.traits[p].h100_equivalents;
      own.h100e_waiting += queue.waiting()[p] * spec_.traits[p].h100_equivalents;
    }
    year.energised_nameplate += own.energised_nameplate;
    year.h100e_energised += own.h100e_energised;
    year.h100e_waiting += own.h100e_waiting;
    own.cash = books_.cash(o);
    own.debt = debt_[o];
    own.book_value = fleet_value_[o].value();
  }
  year.accelerators_unsold = 0;
  for (const double n : book_.unsold()) year.accelerators_unsold += n;
  const double error = balance_error();
  if (!(error <= kLargestError)) throw std::logic_error(fmt::format("the week of {} does not conserve money, chips, energy or tokens: relative error {}", date.text(), error));
  result_.largest_balance_error = std::max(result_.largest_balance_error, error);
}

void Simulation::collect() {
  charge_chain_waits();
  begin_year(spec_.end);
  for (auto& year : result_.years) {
    const double weeks = weeks_in_year_[year.year];
    year.inference_share /= weeks;
    year.idle_share /= weeks;
  }
  for (auto& quarter : result_.quarters) {
    const double weeks = weeks_in_quarter_[{quarter.year, quarter.quarter}];
    quarter.rent *= 1 / weeks;
    quarter.entry_cost *= 1 / weeks;
    quarter.tightness /= weeks;
    quarter.idle_share /= weeks;
    for (auto& price : quarter.tokens) price *= 1 / weeks;
  }
  for (const auto& [key, value] : deliveries_) result_.deliveries.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), value.first, value.second});
  for (const auto& [key, value] : sales_) result_.sales.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), value.first, value.second});
  for (const auto& [key, weeks] : charges_) result_.charges.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), std::get<3>(key), std::get<4>(key), weeks});
  result_.payments_to_states = books_.outside(market::Outside::states);
}

double Simulation::balance_error() const {
  double worst = std::max(chain_.balance_error(), books_.imbalance());
  for (const auto& a : book_.accounts()) worst = std::max(worst, a.balance_error());
  double unsold = 0, at_sites = 0, received = 0, sold = 0;
  for (std::size_t p = 0; p < spec_.offers.size(); ++p) {
    unsold += book_.unsold()[p];
    received += way_.received[p];
    sold += way_.sold[p];
    for (const auto& queue : queues_) at_sites += queue.energised()[p] + queue.waiting()[p];
  }
  Energy energy;
  for (const auto& year : result_.years) energy += year.energy;
  Tokens tokens;
  for (const auto& own : result_.owner_years) tokens += own.tokens;
  worst = std::max(worst, std::abs(received - sold - unsold) / std::max(1.0, received));
  worst = std::max(worst, std::abs(placed_ + sold - result_.retired - at_sites) / std::max(1.0, placed_ + sold));
  worst = std::max(worst, std::abs((energy - metered_) / std::max(joule, metered_)));
  worst = std::max(worst, std::abs((tokens - tokens_of_tiers_) / std::max(token, tokens_of_tiers_)));
  // std::max passes over what is not a number.
  const bool finite = std::isfinite(received + sold + unsold + at_sites + placed_ + result_.retired + energy.in(joule) + tokens.in(token));
  return finite ? worst : std::numeric_limits<double>::infinity();
}

}  // namespace waferwatt::world
