// SPDX-License-Identifier: Apache-2.0
#pragma once
// A chain small enough to work out by hand, and a run of it.
#include <limits>
#include <vector>

#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/supply/chain.hpp"

namespace waferwatt::supply {

inline const Date kStart = Date::from_civil(2024, 1, 1);
inline constexpr double kSoldOut = std::numeric_limits<double>::infinity();

inline int week_of(Date date) { return static_cast<int>((date - kStart).in(core::week) + 0.5); }

/// 60 dies a logic wafer, all good; 20 packages a packaging wafer; 4 stacks a package; a yield of
/// 0.9 x 0.8 = 0.72. Fab 8 weeks; packaging 3, test 1, then assembly 2 and shipping 1: delivered 7 weeks
/// after the package was started.
inline Product tiny_product(std::string accelerator, std::string vendor) {
  Product p{.accelerator = std::move(accelerator),
            .vendor = std::move(vendor),
            .node = "node",
            .packaging = "s",
            .family = "family",
            .memory = "hbm"};
  p.dies_per_wafer = 60;
  p.die_area = 1 * square_centimetre;
  p.stacks_per_package = 4;
  p.packages_per_wafer = 20;
  p.defect_density = Ramp<DefectDensity>::constant(DefectDensity{});
  p.assembly_yield = Ramp<double>::constant(0.9);
  p.test_yield = 0.8;
  p.logic_cycle_time = 8 * week;
  p.packaging_cycle_time = 3 * week;
  p.test_time = 1 * week;
  p.mix = Ramp<double>::constant(1);
  return p;
}

/// 100 packaging wafers a week, half of them for vendor "v": 1,000 packages a week. Logic and memory
/// are ample; stacks take 10 weeks; planners cover 4 weeks more.
inline ChainSpec tiny_spec() {
  const auto weekly = [](double wafers) { return Ramp<WaferRate>::constant(wafers * wafer / week); };
  ChainSpec spec;
  spec.start = kStart;
  spec.end = kStart + 60 * week;
  spec.products = {tiny_product("a", "v")};
  spec.logic = {{"node", weekly(1e6), Ramp<double>::constant(1)}};
  spec.packaging = {{"family", weekly(100), {{"v", Ramp<double>::constant(0.5)}}}};
  spec.memory_makers = {{"maker", weekly(1e6), {{{"hbm", "v"}, kStart}}}};
  spec.memories = {{"hbm", Ramp<double>::constant(100), 10 * week}};
  spec.assembly_time = 2 * week;
  spec.shipping_time = 1 * week;
  spec.cover = 4 * week;
  return spec;
}

inline Stock stacks_for(std::string company, double stacks, std::string memory = "hbm") {
  return {.company = std::move(company), .memory = std::move(memory), .stacks = stacks, .accelerator = "", .dies = 0};
}
inline Stock dies_of(std::string accelerator, double dies) {
  return {.company = "", .memory = "", .stacks = 0, .accelerator = std::move(accelerator), .dies = dies};
}

struct Delivered {
  std::size_t product;
  double n;
  Date date;
  friend bool operator==(const Delivered&, const Delivered&) = default;
};

/// Runs a chain to its end. `ordered` accelerators of each product are wanted in all; absent: sold out.
class ChainRun : public engine::EventHandler {
 public:
  explicit ChainRun(ChainSpec spec, std::vector<double> ordered = {})
      : ordered_(std::move(ordered)),
        delivered_of_(spec.products.size(), 0.0),
        chain_(
            std::move(spec),
            [this](std::size_t p, Date) { return ordered_.empty() ? kSoldOut : ordered_[p] - delivered_of_[p]; },
            [this](std::size_t p, double n, Date date) {
              deliveries_.push_back({p, n, date});
              delivered_of_[p] += n;
            }) {}

  ChainRun& run(engine::EventLoop& loop) {
    chain_.begin(loop);
    loop.run(*this);
    return *this;
  }
  ChainRun& run() {
    engine::BareLoop loop;
    return run(loop);
  }
  void handle(const engine::Event& event, engine::EventLoop& loop) override {
    if (Date::from_days(event.time) < chain_.spec().end) chain_.handle(event, loop);
  }

  const Chain& chain() const { return chain_; }
  const std::vector<Delivered>& deliveries() const { return deliveries_; }
  double delivered(std::size_t product) const { return delivered_of_[product]; }

  /// Of one product by week since the start.
  std::vector<double> by_week(std::size_t product) const {
    std::vector<double> weeks(static_cast<std::size_t>(week_of(chain_.spec().end)), 0.0);
    for (const auto& d : deliveries_)
      if (d.product == product) weeks[static_cast<std::size_t>(week_of(d.date))] += d.n;
    return weeks;
  }
  double started(std::size_t product, int week) const {
    for (const auto& entry : chain_.weeks())
      if (entry.product == product && week_of(entry.week) == week) return entry.started;
    return 0;
  }
  Limit limit(std::size_t product, int week) const {
    for (const auto& entry : chain_.weeks())
      if (entry.product == product && week_of(entry.week) == week) return entry.limit;
    return Limit::orders;
  }
  double worst_balance() const {
    return chain_.balance_error();
  }

 private:
  std::vector<double> ordered_, delivered_of_;
  std::vector<Delivered> deliveries_;
  Chain chain_;
};

}  // namespace waferwatt::supply
