// SPDX-License-Identifier: Apache-2.0
#pragma once
// One run of a world.
#include <map>
#include <tuple>

#include "waferwatt/world/views.hpp"
#include "waferwatt/world/world.hpp"

namespace waferwatt::world {

/// Counters of the way from wafers to tokens, in H100-equivalents or H100-equivalent weeks, since the start.
struct WayCounters {
  std::vector<supply::ProductAccount> chain;  ///< as it is
  std::vector<double> received, unsold, sold, waiting, switched_on, retired_on, retired_waiting;  ///< accelerators by product
  double owned_weeks = 0, waiting_weeks = 0, idle_weeks = 0, training_weeks = 0, headroom_weeks = 0, inference_weeks = 0;
};

/// The steps of one year between two counts; every step is a difference of counters, so that they add up exactly.
std::vector<WaterfallStep> waterfall(const WorldSpec& spec, int year, const WayCounters& before, const WayCounters& after, Tokens tokens);

class Simulation : public engine::EventHandler {
 public:
  explicit Simulation(const WorldSpec& spec);
  Simulation(const Simulation&) = delete;  // the chain calls back
  Simulation& operator=(const Simulation&) = delete;

  WorldResult run(engine::EventLoop& loop);
  void handle(const engine::Event& event, engine::EventLoop& loop) override;

 private:
  /// What an owner's energised chips are and do in one week; energy is what is expected until it is metered.
  struct OwnerWeek {
    double h100e = 0;
    std::vector<TokenRate> tokens;
    FlopRate training;
    Energy energy;
    Money cost, energy_cost, operations;
  };

  Time lead_time(std::size_t product) const;
  void receive(std::size_t product, double n, Date date);
  YearAccount& account(Date date);
  OwnerYear& owner_year(Date date, std::size_t owner);
  void charge(Date date, std::size_t product, std::size_t owner, Resource resource, double accelerator_weeks);

  void week(Date date);
  void switch_on(Date date);
  void charge_waits(Date date, double part);
  void charge_chain_waits();
  void charge_buyers(Date date, std::size_t product, Resource resource, double accelerator_weeks);
  void close_week(Date date);
  void begin_year(Date date);
  void cut_year(int year, Date from, Date to);
  void collect();

  // sales.cpp
  void apply_rules(Date date);
  double leaked_units(std::size_t buyer, std::size_t product, double price_factor, Date date, Time span) const;
  double licensed_units(std::size_t buyer, std::size_t product) const;
  void limit_sales(Date date, Time span);
  void sell(Date date, Time span);
  const policy::Ruling& ruling(std::size_t buyer, std::size_t product) const { return rulings_[buyer * spec_.offers.size() + product]; }

  // use.cpp
  void use(Date date, Time span);
  OwnerWeek owner_week(std::size_t owner, Date date, Time span) const;
  void meter(Date date, Time span, const market::Fleet& fleet, const market::Clearing& clearing, std::vector<OwnerWeek>& weeks);
  void work_on_projects(Date date, Time span, const std::vector<OwnerWeek>& weeks, double training_share);

  // money.cpp
  std::size_t controller(std::size_t owner) const;
  std::vector<Money> liquidity(Date date, Time span) const;
  void pay_sale(const market::Sale& sale, Date date);
  void build(Date date, Time span);
  void settle_use(Date date, Time span, const std::vector<OwnerWeek>& weeks, const market::Fleet& fleet, const market::Clearing& clearing);
  void settle_debts(Date date, Time span);
  void fail(std::size_t owner, Money gap, Date date);
  market::Standing standing(std::size_t owner) const;

  // prices.cpp
  MoneyRate hourly_cost_of(std::size_t product, const Owner& owner, Date date) const;
  MoneyRate entry_cost(Date date) const;
  void note_prices(Date date, Time span, const market::Clearing& clearing, MoneyRate entry);

  WayCounters counters() const;
  double balance_error() const;

  const WorldSpec& spec_;
  market::OrderBook book_;
  supply::Chain chain_;
  market::Books books_;
  std::vector<power::EnergisationQueue> queues_;
  std::vector<power::AcceleratorLoad> loads_;
  WorldResult result_;
  std::vector<Date> rule_dates_;
  std::size_t next_rule_ = 0;
  std::vector<double> sold_to_;            ///< accelerators by buyer and product, for quotas
  std::vector<double> licensed_tpp_;       ///< by buyer
  std::vector<policy::Ruling> rulings_;    ///< by buyer and product
  std::vector<std::size_t> controller_;
  std::vector<Money> debt_;
  std::vector<market::BookValue> fleet_value_;
  std::vector<MoneyRate> operating_income_;  ///< of the last week
  MoneyRate rent_;
  std::vector<bool> on_open_market_;       ///< products of vendors that at least half of those with money buy from
  std::vector<double> sold_lately_;        ///< H100-equivalents by product, older sales counting less
  std::map<std::tuple<int, std::size_t, std::size_t>, std::pair<double, Money>> deliveries_;
  std::map<std::tuple<int, int, std::size_t>, std::pair<double, Money>> sales_;
  std::map<std::tuple<int, int, std::size_t, std::size_t, Resource>, double> charges_;
  std::map<int, double> weeks_in_year_;
  std::map<std::pair<int, int>, double> weeks_in_quarter_;
  std::size_t next_chain_week_ = 0, next_part_wait_ = 0;
  WayCounters way_, year_start_;
  int year_ = 0;
  Date year_began_;
  double placed_ = 0;
  Energy metered_;
  Tokens tokens_of_tiers_;
  std::vector<Power> room_at_start_;       ///< of the year: free power
  std::vector<Power> freed_;               ///< by retirement since
  std::vector<double> waiting_at_start_;   ///< H100-equivalents
  std::vector<double> switched_on_h100e_;  ///< by owner, since the start of the year
  std::vector<market::Account> accounts_at_start_;
  double unsold_at_start_ = 0;             ///< H100-equivalents
};

}  // namespace waferwatt::world
