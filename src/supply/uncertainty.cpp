// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/uncertainty.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace waferwatt::supply {
namespace {

constexpr double kNoBound = std::numeric_limits<double>::infinity();

double shifted(double value, double low, double high, double deviate, double highest) { return moved(value, low, high, deviate, highest); }

template <core::Dimension D>
core::Quantity<D> shifted(core::Quantity<D> value, core::Quantity<D> low, core::Quantity<D> high, double deviate, double highest) {
  return core::Quantity<D>::from_base(moved(value.base(), low.base(), high.base(), deviate, highest));
}

Date shifted(Date value, Date low, Date high, double deviate, double) {
  return value + (deviate < 0 ? low - value : high - value) * (std::abs(deviate) / kDeviate90);
}

template <class T>
Ramp<T> shifted(const Ramp<T>& value, const Ramp<T>& low, const Ramp<T>& high, double deviate, double highest) {
  std::vector<typename Ramp<T>::Point> points;
  for (const auto& [date, middle] : value.points()) points.emplace_back(date, shifted(middle, low.at(date), high.at(date), deviate, highest));
  return Ramp<T>(std::move(points));
}

template <class T>
void draw_fact(catalog::Fact<T>& fact, const std::string& name, const Deviates& deviate, double highest = kNoBound) {
  if (fact.low && fact.high) fact.value = shifted(fact.value, *fact.low, *fact.high, deviate(name), highest);
}

/// The vintage that is known at the date; the others do not matter.
template <class T>
catalog::Fact<Ramp<T>>* known(std::vector<catalog::Vintage<T>>& vintages, Date date) {
  if (vintages.empty()) return nullptr;
  auto* best = &vintages.front();
  for (auto& vintage : vintages)
    if (vintage.vintage <= date) best = &vintage;
  return &best->series;
}

struct Drawing {
  Date known_at;
  double forecast_error;
  const Deviates& deviate;

  template <class Rate>
  void capacity(std::vector<catalog::Vintage<Rate>>& vintages, const std::string& id) const {
    auto* fact = known(vintages, known_at);
    if (!fact) return;
    draw_fact(*fact, id + " capacity", deviate);
    if (forecast_error <= 0 || fact->value.points().back().first <= known_at) return;
    const double error = forecast_error * deviate(id + " forecast");
    // The error grows from nothing at the date of the forecast.
    std::set<Date> dates = {known_at};
    for (const auto& [date, value] : fact->value.points()) dates.insert(date);
    std::vector<typename Ramp<Rate>::Point> points;
    for (const Date date : dates)
      points.emplace_back(date, fact->value.at(date) * std::exp(error * std::sqrt(std::max(0.0, (date - known_at) / year))));
    fact->value = Ramp<Rate>(std::move(points));
  }

  void shares(catalog::PackagingFamily& family) const {
    for (auto& share : family.customer_shares)
      if (auto* fact = known(share.vintages, known_at)) draw_fact(*fact, family.id + " share of " + share.company, deviate, 1);
    std::map<Date, double> sums;
    for (auto& share : family.customer_shares)
      if (const auto* fact = known(share.vintages, known_at))
        for (const auto& [date, value] : fact->value.points()) sums[date] = 0;
    for (auto& [date, sum] : sums)
      for (auto& share : family.customer_shares)
        if (const auto* fact = known(share.vintages, known_at)) sum += fact->value.at(date);
    for (auto& share : family.customer_shares)
      if (auto* fact = known(share.vintages, known_at)) {
        std::vector<Ramp<double>::Point> points;
        for (const auto& [date, sum] : sums) points.emplace_back(date, fact->value.at(date) / std::max(1.0, sum));
        fact->value = Ramp<double>(std::move(points));
      }
  }

  void packaging(catalog::Packaging& p) const {
    draw_fact(p.assembly_yield, p.id + " assembly yield", deviate, 1);
    if (p.learning) {
      draw_fact(p.learning->start, p.id + " learning start", deviate);
      draw_fact(p.learning->initial, p.id + " initial yield", deviate, 1);
      draw_fact(p.learning->half_time, p.id + " learning half time", deviate);
    }
    draw_fact(p.test_yield, p.id + " test yield", deviate, 1);
    draw_fact(p.cycle_time, p.id + " cycle time", deviate);
    if (p.interposer_time) p.interposer_time->value = std::min(p.interposer_time->value, p.cycle_time.value);
    draw_fact(p.test_time, p.id + " test time", deviate);
  }

  void memory(catalog::Memory& m) const {
    draw_fact(m.die_yield, m.id + " die yield", deviate, 1);
    draw_fact(m.bond_yield, m.id + " bond yield", deviate, 1);
    draw_fact(m.cycle_time, m.id + " cycle time", deviate);
  }

  void node(catalog::ProcessNode& n) const {
    draw_fact(n.defect_density, n.id + " defect density", deviate);
    if (n.learning) {
      draw_fact(n.learning->start, n.id + " learning start", deviate);
      draw_fact(n.learning->initial, n.id + " initial defect density", deviate);
      draw_fact(n.learning->half_time, n.id + " learning half time", deviate);
    }
    draw_fact(n.ai_share, n.id + " share for AI", deviate, 1);
    draw_fact(n.cycle_time, n.id + " cycle time", deviate);
    if (auto* fact = known(n.capacity, known_at)) draw_fact(*fact, n.id + " capacity", deviate);
  }

  void fab_build(catalog::FabBuild& b) const {
    draw_fact(b.construction_time, b.id + " construction time", deviate);
    draw_fact(b.equipment_lead_time, b.id + " equipment lead time", deviate);
    draw_fact(b.installation_time, b.id + " installation time", deviate);
    draw_fact(b.ramp_time, b.id + " ramp time", deviate);
    draw_fact(b.capital_cost, b.id + " capital cost", deviate);
  }

  void accelerator(catalog::Accelerator& a) const {
    if (a.packages_per_wafer) draw_fact(*a.packages_per_wafer, a.id + " packages per wafer", deviate);
  }
};

template <class T>
void change_all(catalog::Shelf<T>& shelf, const std::function<void(T&)>& change) {
  for (const auto& id : shelf.ids()) {
    T thing = shelf.at(id);
    change(thing);
    shelf.add(std::move(thing));
  }
}

}  // namespace

double moved(double value, double low, double high, double deviate, double highest) {
  const double side = deviate < 0 ? low : high, steps = std::abs(deviate) / kDeviate90;
  const double result = value > 0 && side > 0 ? value * std::pow(side / value, steps) : value + (side - value) * steps;
  return std::clamp(result, 0.0, highest);
}

catalog::Catalog supply_shelves(const catalog::Catalog& catalog, const std::vector<const catalog::Accelerator*>& accelerators,
                                const std::set<std::string>& packaging, const std::vector<std::string>& parts, const std::set<std::string>& builds) {
  catalog::Catalog shelves;
  std::set<std::string> processes = packaging;
  for (const auto* pointer : accelerators) {
    const auto& accelerator = *pointer;
    if (accelerator.packaging) processes.insert(*accelerator.packaging);
    if (accelerator.memory) shelves.memories.add(catalog.memories.at(*accelerator.memory));
    if (accelerator.node) {
      const auto& node = catalog.nodes.at(*accelerator.node);
      shelves.nodes.add(node);
      if (node.capacity_of) shelves.nodes.add(catalog.nodes.at(*node.capacity_of));
    }
    shelves.accelerators.add(accelerator);
    if (const auto* vendor = catalog.companies.find(accelerator.vendor)) shelves.companies.add(*vendor);
  }
  for (const auto& id : processes) {
    shelves.packaging.add(catalog.packaging.at(id));
    shelves.packaging_families.add(catalog.packaging_families.at(catalog.packaging.at(id).family));
  }
  for (const auto& id : parts) shelves.parts.add(catalog.parts.at(id));
  for (const auto& id : builds) shelves.fab_builds.add(catalog.fab_builds.at(id));
  for (const auto& [id, maker] : catalog.memory_makers.all()) {
    auto copy = maker;
    std::erase_if(copy.qualified, [&](const catalog::Qualification& gate) { return !shelves.memories.find(gate.memory); });
    shelves.memory_makers.add(std::move(copy));
  }
  return shelves;
}

void draw(catalog::Catalog& shelves, Date known_at, double forecast_error, const Deviates& deviate) {
  const Drawing drawing{known_at, forecast_error, deviate};
  change_all<catalog::PackagingFamily>(shelves.packaging_families, [&](auto& family) {
    drawing.capacity(family.capacity, family.id);
    drawing.shares(family);
  });
  change_all<catalog::MemoryMaker>(shelves.memory_makers, [&](auto& maker) {
    drawing.capacity(maker.tsv_capacity, maker.id);
    for (auto& gate : maker.qualified) draw_fact(gate.date, maker.id + " " + gate.memory + " qualified by " + gate.customer, deviate);
  });
  change_all<catalog::Part>(shelves.parts, [&](auto& part) {
    if (auto* fact = known(part.capacity, known_at)) draw_fact(*fact, part.id + " capacity", deviate);
  });
  change_all<catalog::Packaging>(shelves.packaging, [&](auto& packaging) { drawing.packaging(packaging); });
  change_all<catalog::Memory>(shelves.memories, [&](auto& memory) { drawing.memory(memory); });
  change_all<catalog::ProcessNode>(shelves.nodes, [&](auto& node) { drawing.node(node); });
  change_all<catalog::FabBuild>(shelves.fab_builds, [&](auto& build) { drawing.fab_build(build); });
  change_all<catalog::Accelerator>(shelves.accelerators, [&](auto& accelerator) { drawing.accelerator(accelerator); });
}

std::vector<std::string> uncertain_inputs(const catalog::Catalog& shelves, Date known_at) {
  std::set<std::string> names;
  auto copy = shelves;
  draw(copy, known_at, 1.0, [&](const std::string& input) {
    names.insert(input);
    return 0.0;
  });
  return {names.begin(), names.end()};
}

}  // namespace waferwatt::supply
