// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/world/world.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <future>
#include <limits>
#include <map>
#include <tuple>

#include "waferwatt/engine/bare_loop.hpp"

namespace waferwatt::world {
namespace {

constexpr std::uint32_t kWorldWeek = 100;  // event kind; the chain's are lower

Resource resource_of(supply::Limit limit) {
  switch (limit) {
    case supply::Limit::packaging: return Resource::packaging;
    case supply::Limit::memory: return Resource::memory;
    case supply::Limit::logic: return Resource::logic;
    case supply::Limit::parts: return Resource::packaging;  // substrates and on-substrate steps
    case supply::Limit::orders: break;
  }
  return Resource::capital;
}

class Simulation : public engine::EventHandler {
 public:
  explicit Simulation(const WorldSpec& spec)
      : spec_(spec),
        book_(spec.buyers, spec.offers, spec.patience),
        chain_(
            spec.chain, [this](std::size_t product, Date date) { return book_.open_orders(product, date, lead_time(product)); },
            [this](std::size_t product, double n, Date date) { receive(product, n, date); }) {
    for (const auto& traits : spec_.traits) loads_.push_back(traits.load);
    std::vector<double> value_of_power;
    for (const auto& traits : spec_.traits) value_of_power.push_back(traits.h100_equivalents / traits.load.it_nameplate.in(watt));
    for (const auto& owner : spec_.owners) {
      auto& queue = queues_.emplace_back(value_of_power, owner.pue);
      for (const auto& fleet : owner.initial_fleet) {
        queue.place_energised(fleet.product, fleet.n_accelerators, fleet.delivered);
        placed_ += fleet.n_accelerators;
      }
    }
  }

  WorldResult run(engine::EventLoop& loop) {
    chain_.begin(loop);
    loop.at(spec_.start.days(), kWorldWeek, 0, 0);
    loop.run(*this);
    collect();
    return std::move(result_);
  }

  void handle(const engine::Event& event, engine::EventLoop& loop) override {
    const Date date = Date::from_days(event.time);
    if (date >= spec_.end) return;
    if (chain_.handle(event, loop)) return;
    week(date);
    if (date + core::week < spec_.end) loop.after(7, kWorldWeek, 0, 0);
  }

 private:
  Time lead_time(std::size_t product) const {
    const auto& p = spec_.chain.products[product];
    return p.packaging_cycle_time + p.test_time + spec_.chain.assembly_time + spec_.chain.shipping_time + spec_.chain.cover;
  }

  /// Deliveries before the start belong to the initial fleets.
  void receive(std::size_t product, double n, Date date) {
    if (date < spec_.start) return;
    book_.deliver(product, n);
    received_ += n;
  }

  YearAccount& account(Date date) {
    const int year = date.year();
    if (result_.years.empty() || result_.years.back().year < year) result_.years.push_back({.year = year});
    // The chain's last week of a year may be charged in the world's first week of the next.
    return *std::ranges::find(result_.years, year, &YearAccount::year);
  }

  void charge(Date date, std::size_t product, std::size_t owner, Resource resource, double accelerator_weeks) {
    if (accelerator_weeks > 0) charges_[{date.year(), date.quarter(), product, owner, resource}] += accelerator_weeks;
  }

  void week(Date date) {
    const Date end = std::min(date + core::week, spec_.end);
    const double part = (end - date) / core::week;  // the last week may be cut
    book_.grant(date, end - date);
    sell(date);
    switch_on(date);
    charge_waits(date, part);
    use(date, end - date);
    close_week(date);
  }

  void sell(Date date) {
    for (const auto& sale : book_.settle(date)) {
      queues_[sale.buyer].deliver(sale.product, sale.n_accelerators, date);
      auto& entry = deliveries_[{date.year(), sale.buyer, sale.product}];
      entry.first += sale.n_accelerators;
      entry.second += sale.n_accelerators * sale.price;
      sold_ += sale.n_accelerators;
    }
  }

  void switch_on(Date date) {
    for (std::size_t o = 0; o < queues_.size(); ++o) {
      for (const double n : queues_[o].retire(date, spec_.service_life)) result_.retired += n;
      queues_[o].energise(spec_.owners[o].power.at(date), loads_);
      Money idle;
      for (std::size_t p = 0; p < spec_.offers.size(); ++p) idle += queues_[o].waiting()[p] * spec_.offers[p].price.at(date);
      book_.hold(o, idle > spec_.buyers[o].budget.at(date) * spec_.power_wait_limit);
    }
  }

  /// What the chain's weeks since the last call waited for.
  void charge_chain_waits() {
    const auto& weeks = chain_.weeks();
    for (; next_chain_week_ < weeks.size(); ++next_chain_week_) {
      const auto& entry = weeks[next_chain_week_];
      if (entry.week < spec_.start) continue;
      const double good = spec_.chain.products[entry.product].package_yield(entry.week);
      charge(entry.week, entry.product, ChargeEntry::kNobody, resource_of(entry.limit), entry.waiting * good);
      auto& year = account(entry.week);
      year.packaging_slots += entry.slots;
      year.idle_slots += std::max(0.0, entry.slots - entry.started);
    }
  }

  void charge_waits(Date date, double part) {
    charge_chain_waits();
    for (std::size_t p = 0; p < spec_.offers.size(); ++p) {
      // Chips in the maker's stock wait for money, or for buyers that wait for power.
      const double held = book_.held_fraction(p);
      charge(date, p, ChargeEntry::kNobody, Resource::capital, book_.unsold()[p] * part * (1 - held));
      charge(date, p, ChargeEntry::kNobody, Resource::power, book_.unsold()[p] * part * held);
      for (std::size_t o = 0; o < queues_.size(); ++o) charge(date, p, o, Resource::power, queues_[o].waiting()[p] * part);
    }
  }

  /// Tokens, training, energy and cost of one week.
  void use(Date date, Time span) {
    TokenRate saturated;
    FlopRate peak;
    Money fleet_cost;
    auto& year = account(date);
    double h100e = 0;
    for (std::size_t o = 0; o < queues_.size(); ++o) {
      const auto& owner = spec_.owners[o];
      Energy energy;
      for (std::size_t p = 0; p < spec_.offers.size(); ++p) {
        const double n = queues_[o].energised()[p];
        if (n <= 0) continue;
        const auto& traits = spec_.traits[p];
        saturated += n * traits.token_rate * spec_.demand.software_gain.at(date);
        peak += n * traits.peak;
        energy += n * traits.load.facility_mean(owner.pue) * span;
        fleet_cost += n * hourly_cost_of(p, owner, date) * span;
        h100e += n * traits.h100_equivalents;
      }
      year.energy += energy;
      year.carbon += energy * owner.carbon_intensity.at(date);
      metered_ += energy;
    }
    const TokenRate demanded = spec_.demand.tokens.at(date);
    const TokenRate capacity = saturated * spec_.demand.utilisation;
    const TokenRate served = std::min(demanded, capacity * spec_.demand.largest_share);
    const double share = capacity > TokenRate{} ? served / capacity : 0.0;
    year.tokens_demanded += demanded * span;
    year.tokens_served += served * span;
    year.training_flop += peak * (1 - share) * spec_.demand.training_utilisation * span;
    year.inference_cost += fleet_cost * share;
    year.fleet_cost += fleet_cost;
    year.inference_share += share * (span / core::week);
    weeks_in_year_[date.year()] += span / core::week;
    result_.h100e_weeks += h100e * (span / core::week);
  }

  MoneyRate hourly_cost_of(std::size_t product, const Owner& owner, Date date) const {
    market::OwnershipTerms terms = spec_.terms;
    terms.it_cost = spec_.offers[product].price.at(date) * spec_.traits[product].server_cost_factor;
    terms.facility_nameplate = loads_[product].facility_nameplate(owner.pue);
    terms.facility_mean = loads_[product].facility_mean(owner.pue);
    terms.energy_price = owner.energy_price.at(date);
    return market::hourly_cost(terms);
  }

  /// State at the end of the week; the last week of a year stays.
  void close_week(Date date) {
    auto& year = account(date);
    year.energised_nameplate = Power{};
    year.accelerators_energised = year.accelerators_waiting = year.h100e_energised = year.h100e_waiting = 0;
    for (const auto& queue : queues_) {
      year.energised_nameplate += queue.power_in_use(loads_);
      for (std::size_t p = 0; p < spec_.offers.size(); ++p) {
        year.accelerators_energised += queue.energised()[p];
        year.accelerators_waiting += queue.waiting()[p];
        year.h100e_energised += queue.energised()[p] * spec_.traits[p].h100_equivalents;
        year.h100e_waiting += queue.waiting()[p] * spec_.traits[p].h100_equivalents;
      }
    }
    year.accelerators_unsold = 0;
    for (const double n : book_.unsold()) year.accelerators_unsold += n;
  }

  void collect() {
    charge_chain_waits();
    for (auto& year : result_.years) year.inference_share /= weeks_in_year_[year.year];
    for (const auto& [key, value] : deliveries_)
      result_.deliveries.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), value.first, value.second});
    for (const auto& [key, weeks] : charges_)
      result_.charges.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), std::get<3>(key), std::get<4>(key), weeks});
    result_.largest_balance_error = balance_error();
  }

  double balance_error() const {
    double worst = 0;
    for (const auto& a : chain_.accounts()) worst = std::max(worst, a.balance_error());
    for (const auto& pool : chain_.pools()) worst = std::max(worst, pool.balance_error());
    for (const auto& a : book_.accounts()) worst = std::max(worst, a.balance_error());
    double unsold = 0, at_sites = 0;
    for (const double n : book_.unsold()) unsold += n;
    for (const auto& queue : queues_)
      for (std::size_t p = 0; p < spec_.offers.size(); ++p) at_sites += queue.energised()[p] + queue.waiting()[p];
    Energy energy;
    for (const auto& year : result_.years) energy += year.energy;
    worst = std::max(worst, std::abs(received_ - sold_ - unsold) / std::max(1.0, received_));
    worst = std::max(worst, std::abs(placed_ + sold_ - result_.retired - at_sites) / std::max(1.0, placed_ + sold_));
    worst = std::max(worst, std::abs((energy - metered_) / std::max(joule, metered_)));
    // std::max passes over what is not a number.
    const bool finite = std::isfinite(received_ + sold_ + unsold + at_sites + placed_ + result_.retired + energy.in(joule));
    return finite ? worst : std::numeric_limits<double>::infinity();
  }

  const WorldSpec& spec_;
  market::OrderBook book_;
  supply::Chain chain_;
  std::vector<power::EnergisationQueue> queues_;
  std::vector<power::AcceleratorLoad> loads_;
  WorldResult result_;
  std::map<std::tuple<int, std::size_t, std::size_t>, std::pair<double, Money>> deliveries_;
  std::map<std::tuple<int, int, std::size_t, std::size_t, Resource>, double> charges_;
  std::map<int, double> weeks_in_year_;
  std::size_t next_chain_week_ = 0;
  double placed_ = 0, received_ = 0, sold_ = 0;
  Energy metered_;
};

template <class T>
Ramp<T> scaled(const Ramp<T>& ramp, double factor) {
  std::vector<typename Ramp<T>::Point> points;
  for (const auto& [date, value] : ramp.points()) points.emplace_back(date, value * factor);
  return Ramp<T>(std::move(points));
}

}  // namespace

std::string_view resource_name(Resource resource) {
  constexpr std::array<std::string_view, kResources> kNames = {"packaging", "memory", "logic", "capital", "power"};
  return kNames[static_cast<std::size_t>(resource)];
}

std::array<double, kResources> WorldResult::charged_h100e_weeks(const WorldSpec& spec, int year) const {
  std::array<double, kResources> sum{};
  for (const auto& entry : charges)
    if (year == 0 || entry.year == year)
      sum[static_cast<std::size_t>(entry.resource)] += entry.accelerator_weeks * spec.traits[entry.product].h100_equivalents;
  return sum;
}

WorldResult simulate(const WorldSpec& spec, engine::EventLoop& loop) { return Simulation{spec}.run(loop); }

WorldSpec with_more(const WorldSpec& spec, Resource resource, double factor) {
  WorldSpec more = spec;
  switch (resource) {
    case Resource::packaging:
      for (auto& line : more.chain.packaging) line.capacity = scaled(line.capacity, factor);
      break;
    case Resource::memory:
      for (auto& line : more.chain.memory_makers) line.capacity = scaled(line.capacity, factor);
      break;
    case Resource::logic:
      for (auto& line : more.chain.logic) line.capacity = scaled(line.capacity, factor);
      break;
    case Resource::capital:
      for (auto& buyer : more.buyers) buyer.budget = scaled(buyer.budget, factor);
      break;
    case Resource::power:
      for (auto& owner : more.owners) owner.power = scaled(owner.power, factor);
      break;
  }
  return more;
}

std::vector<MarginalValue> marginal_values(const WorldSpec& spec, const WorldResult& base, double factor, unsigned n_jobs) {
  const auto tokens = [](const WorldResult& result) {
    Tokens sum;
    for (const auto& year : result.years) sum += year.tokens_served;
    return sum;
  };
  const auto gain = [](double more, double less) { return less > 0 ? more / less - 1 : 0.0; };
  std::vector<MarginalValue> values(kResources);
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < kResources; i = next++) {
      const auto resource = static_cast<Resource>(i);
      engine::BareLoop loop;
      const WorldSpec more = with_more(spec, resource, factor);
      const WorldResult result = simulate(more, loop);
      values[i] = {resource, gain(result.h100e_weeks, base.h100e_weeks), gain(tokens(result).in(token), tokens(base).in(token))};
    }
  };
  std::vector<std::future<void>> others;
  for (unsigned job = 1; job < std::min<unsigned>(n_jobs, kResources); ++job) others.push_back(std::async(std::launch::async, work));
  work();
  for (auto& other : others) other.get();
  return values;
}

}  // namespace waferwatt::world
