// SPDX-License-Identifier: Apache-2.0
// The way from wafers to tokens, year by year, and each year's cut.
#include <algorithm>
#include <cmath>

#include "simulation.hpp"
#include "waferwatt/supply/cut.hpp"

namespace waferwatt::world {
namespace {

/// Sum over products of a difference of counters, in H100-equivalents.
template <class F>
double difference(const WorldSpec& spec, const WayCounters& before, const WayCounters& after, F count) {
  double sum = 0;
  for (std::size_t p = 0; p < spec.offers.size(); ++p) sum += (count(after, p) - count(before, p)) * spec.traits[p].h100_equivalents;
  return sum;
}

/// Dies of wafers in packages' worth; products without modelled logic have none.
double packages_of_dies(const WorldSpec& spec, std::size_t p, double dies) { return dies / std::max(1.0, spec.chain.products[p].dies_per_package); }

class Steps {
 public:
  Steps(int year, std::string unit) : year_(year), unit_(std::move(unit)) {}
  /// What differences of sums leave of nothing is nothing; the last step has the rest.
  void add(std::string step, double change) {
    if (std::abs(change) < 1e-12 * left_) change = 0;
    left_ += change;
    list_.push_back({year_, std::move(step), unit_, change, left_});
  }
  double left() const { return left_; }
  std::vector<WaterfallStep> take() { return std::move(list_); }

 private:
  int year_;
  std::string unit_;
  double left_ = 0;
  std::vector<WaterfallStep> list_;
};

}  // namespace

std::vector<WaterfallStep> waterfall(const WorldSpec& spec, int year, const WayCounters& before, const WayCounters& after, Tokens tokens) {
  const auto change = [&](auto count) { return difference(spec, before, after, count); };
  const auto dies = [&](double supply::ProductAccount::*member) { return change([&](const WayCounters& w, std::size_t p) { return packages_of_dies(spec, p, w.chain[p].*member); }); };
  const auto wafers = [&](double supply::ProductAccount::*member) {
    return change([&](const WayCounters& w, std::size_t p) { return packages_of_dies(spec, p, w.chain[p].*member * spec.chain.products[p].dies_per_wafer); });
  };
  const auto packages = [&](double supply::ProductAccount::*member) { return change([&](const WayCounters& w, std::size_t p) { return w.chain[p].*member; }); };
  const auto units = [&](std::vector<double> WayCounters::*member) { return change([&](const WayCounters& w, std::size_t p) { return (w.*member)[p]; }); };
  using A = supply::ProductAccount;

  Steps chips(year, "H100e");
  chips.add("dies on logic wafers started", wafers(&A::wafers_started));
  chips.add("wafers that stay in the fab", -wafers(&A::wafers_in_fab));
  chips.add("wafers scrapped", -wafers(&A::wafers_scrapped));
  chips.add("defective dies", dies(&A::dies_finished) - wafers(&A::wafers_finished));
  chips.add("dies from earlier stocks", dies(&A::dies_given));
  chips.add("good dies that stay in the bank", -dies(&A::dies_bank));
  chips.add("packages whose logic is not modelled", packages(&A::packages_started) - chips.left());
  chips.add("packages that stay in assembly and test", -packages(&A::packages_in_assembly) - packages(&A::packages_awaiting_test) - packages(&A::packages_in_test));
  chips.add("packages scrapped", -packages(&A::packages_scrapped));
  chips.add("finished packages that wait for parts or are held", -packages(&A::packages_awaiting_system) - packages(&A::packages_held));
  chips.add("systems that stay under way", -packages(&A::packages_in_delivery));
  chips.add("accelerators that stay unsold", -units(&WayCounters::unsold));
  chips.add("sold accelerators that wait for power", -units(&WayCounters::waiting));
  chips.add("accelerators taken out while waiting", -units(&WayCounters::retired_waiting));
  // What is left is what was switched on; the difference is rounding, and a test holds it to that.
  chips.add("rounding", units(&WayCounters::switched_on) - chips.left());

  Steps use(year, "H100e week");
  use.add("owned accelerators", after.owned_weeks - before.owned_weeks);
  use.add("waiting for power", -(after.waiting_weeks - before.waiting_weeks));
  use.add("idle for want of users", -(after.idle_weeks - before.idle_weeks));
  use.add("training", -(after.training_weeks - before.training_weeks));
  use.add("kept free for peaks and service levels", -(after.headroom_weeks - before.headroom_weeks));
  use.add("rounding", after.inference_weeks - before.inference_weeks - use.left());

  auto steps = chips.take();
  for (auto& step : use.take()) steps.push_back(std::move(step));
  steps.push_back({year, "useful tokens", "token", tokens.in(token), tokens.in(token)});
  return steps;
}

WayCounters Simulation::counters() const {
  WayCounters now = way_;
  now.chain = chain_.accounts();
  now.unsold = book_.unsold();
  for (std::size_t p = 0; p < spec_.offers.size(); ++p) {
    now.waiting[p] = 0;
    for (const auto& queue : queues_) now.waiting[p] += queue.waiting()[p];
  }
  return now;
}

/// Closes the year before, if there was one.
void Simulation::begin_year(Date date) {
  const auto now = counters();
  if (year_ != 0) {
    const auto steps = waterfall(spec_, year_, year_start_, now, account(year_began_).tokens_served);
    result_.waterfall.insert(result_.waterfall.end(), steps.begin(), steps.end());
    if (spec_.with_cuts) cut_year(year_, year_began_, date);
  }
  year_start_ = now;
  year_ = date.year();
  year_began_ = date;
  accounts_at_start_ = book_.accounts();
  unsold_at_start_ = 0;
  for (std::size_t p = 0; p < spec_.offers.size(); ++p) unsold_at_start_ += book_.unsold()[p] * spec_.traits[p].h100_equivalents;
  for (std::size_t o = 0; o < spec_.owners.size(); ++o) {
    room_at_start_[o] = spec_.owners[o].power.at(date) - queues_[o].power_in_use(loads_);
    freed_[o] = Power{};
    switched_on_h100e_[o] = waiting_at_start_[o] = 0;
    for (std::size_t p = 0; p < spec_.offers.size(); ++p) waiting_at_start_[o] += queues_[o].waiting()[p] * spec_.traits[p].h100_equivalents;
  }
}

/// Capacities are counted in H100-equivalents by what one of the year's own mix takes of them.
void Simulation::cut_year(int year, Date from, Date to) {
  const std::size_t n = spec_.owners.size();
  CutInput in{.year = year, .money = std::vector<double>(n), .power = std::vector<double>(n), .waiting = waiting_at_start_};
  // The chain: packages whose chips come in the year.
  const Time lead = 8 * core::week;
  const auto chain = supply::supply_cut(chain_, std::max(spec_.chain.start, from - lead), to - lead);
  double started = 0, h100e = 0;
  for (const auto& entry : chain_.weeks())
    if (entry.week >= from - lead && entry.week < to - lead) {
      started += entry.started;
      h100e += entry.started * chain_.spec().products[entry.product].package_yield(entry.week) * spec_.traits[entry.product].h100_equivalents;
    }
  in.supply = unsold_at_start_ + (started > 0 ? chain.bound * h100e / started : 0.0);
  for (const auto& line : chain.lines) {
    const auto resource = line.limit == supply::Limit::packaging ? Resource::packaging
                          : line.limit == supply::Limit::memory  ? Resource::memory
                          : line.limit == supply::Limit::logic   ? Resource::logic
                                                                 : Resource::parts;
    in.supply_parts[static_cast<std::size_t>(resource)] += line.packages;
  }
  // Money and power for one H100-equivalent, of each buyer's purchases and of all.
  std::vector<double> bought(n, 0.0), watts(n, 0.0), paid(n, 0.0);
  double all_bought = 0, all_watts = 0, all_paid = 0;
  for (const auto& [key, value] : deliveries_) {
    const auto [y, owner, product] = key;
    if (y != year) continue;
    const double equivalents = value.first * spec_.traits[product].h100_equivalents, power = value.first * loads_[product].facility_nameplate(spec_.owners[owner].pue).in(watt);
    bought[owner] += equivalents, watts[owner] += power, paid[owner] += value.second.in(usd);
    all_bought += equivalents, all_watts += power, all_paid += value.second.in(usd);
  }
  if (all_bought <= 0) return;
  for (std::size_t b = 0; b < n; ++b) {
    const bool own = bought[b] > 0;
    const double price = own ? paid[b] / bought[b] : all_paid / all_bought, load = own ? watts[b] / bought[b] : all_watts / all_bought;
    const auto &now = book_.accounts()[b], &then = accounts_at_start_[b];
    const Money could_spend = (now.spent - then.spent) + (now.lapsed - then.lapsed) + now.total_at_hand() + now.total_prepaid();
    in.money[b] = could_spend.in(usd) / price;
    const Power room = room_at_start_[b] + spec_.owners[b].power.at(to) - spec_.owners[b].power.at(from) + freed_[b];
    in.power[b] = std::max(0.0, room.in(watt) / load);
  }
  auto found = cuts(in);
  for (auto& cut : found) {
    if (cut.owner != kNobody) cut.reached_h100e = switched_on_h100e_[cut.owner];
    else
      for (const double on : switched_on_h100e_) cut.reached_h100e += on;
  }
  result_.cuts.insert(result_.cuts.end(), found.begin(), found.end());
}

}  // namespace waferwatt::world
