// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/shock.hpp"

#include <algorithm>
#include <set>

#include "waferwatt/supply/chain.hpp"

namespace waferwatt::supply {
namespace {

constexpr Time kStep = 1 * day;  // width of the edge where an effect sets in

/// Dates at which a ramp times the shock's factor may bend; the recovery, a product of two straight
/// lines, is sampled.
std::set<Date> bends(const Shock& shock) {
  constexpr int kSamples = 8;
  std::set<Date> dates = {shock.date - kStep, shock.date, std::max(shock.date, shock.end() - kStep), shock.end(), shock.end() + std::max(shock.recovery, kStep)};
  for (int i = 1; i < kSamples && shock.recovery > Time{}; ++i) dates.insert(shock.end() + shock.recovery * (static_cast<double>(i) / kSamples));
  return dates;
}

void stop_trade(const Shock& shock, ChainSpec& spec) {
  for (auto& line : spec.packaging)
    if (const auto share = line.customer_shares.find(shock.company); shock.hits(line.family) && share != line.customer_shares.end())
      share->second = shocked(share->second, shock);
  for (auto& maker : spec.memory_makers)
    if (shock.hits(maker.maker))
      for (auto& [who, date] : maker.qualified)
        if (who.second == shock.company && (shock.memory.empty() || shock.memory == who.first)) date = std::max(date, shock.end());
}

}  // namespace

bool Shock::hits(std::string_view line) const { return std::ranges::find(lines, line) != lines.end(); }

double Shock::factor(Date at) const {
  if (at < date) return 1;
  if (at < end()) return 1 - loss;
  if (at >= end() + recovery) return 1;
  return 1 - loss * (1 - (at - end()) / recovery);
}

template <class T>
Ramp<T> shocked(const Ramp<T>& ramp, const Shock& shock) {
  if (ramp.empty()) return ramp;
  std::set<Date> dates = bends(shock);
  for (const auto& [date, value] : ramp.points()) dates.insert(date);
  std::vector<typename Ramp<T>::Point> points;
  for (const Date date : dates) points.emplace_back(date, ramp.at(date) * shock.factor(date));
  return Ramp<T>(std::move(points));
}

template <class T>
Ramp<T> delayed(const Ramp<T>& ramp, Date date, Time delay) {
  std::vector<typename Ramp<T>::Point> points;
  for (const auto& point : ramp.points())
    if (point.first < date) points.push_back(point);
  points.emplace_back(date, ramp.at(date));
  if (delay > Time{}) points.emplace_back(date + delay, ramp.at(date));
  for (const auto& [at, value] : ramp.points())
    if (at > date) points.emplace_back(at + delay, value);
  return Ramp<T>(std::move(points));
}

template Ramp<WaferRate> shocked(const Ramp<WaferRate>&, const Shock&);
template Ramp<Frequency> shocked(const Ramp<Frequency>&, const Shock&);
template Ramp<Frequency> delayed(const Ramp<Frequency>&, Date, Time);
template Ramp<double> shocked(const Ramp<double>&, const Shock&);
template Ramp<WaferRate> delayed(const Ramp<WaferRate>&, Date, Time);

void apply(const Shock& shock, ChainSpec& spec) {
  const auto change_capacity = [&](auto change) {
    for (auto& line : spec.logic)
      if (shock.hits(line.node)) line.capacity = change(line.capacity);
    for (auto& line : spec.packaging)
      if (shock.hits(line.family)) line.capacity = change(line.capacity);
    for (auto& line : spec.memory_makers)
      if (shock.hits(line.maker)) line.capacity = change(line.capacity);
    for (auto& line : spec.parts)
      if (shock.hits(line.part)) line.capacity = change(line.capacity);
  };
  switch (shock.kind) {
    case ShockKind::earthquake:
    case ShockKind::power_loss:
    case ShockKind::material_shortage:
      change_capacity([&](const auto& ramp) { return shocked(ramp, shock); });
      break;
    case ShockKind::fab_delay:
      change_capacity([&](const auto& ramp) { return delayed(ramp, shock.date, shock.duration); });
      break;
    case ShockKind::yield_excursion:
      for (auto& product : spec.products) {
        if (shock.hits(product.node)) product.logic_yield_factor = shocked(product.logic_yield_factor, shock);
        if (shock.hits(product.family) || shock.hits(product.packaging)) product.assembly_yield = shocked(product.assembly_yield, shock);
      }
      for (auto& part : spec.memories)
        if (shock.hits(part.memory)) part.stacks_per_wafer = shocked(part.stacks_per_wafer, shock);
      break;
    case ShockKind::trade_stop: stop_trade(shock, spec); break;
    case ShockKind::ban:
      for (auto& product : spec.products)
        if (product.accelerator == shock.accelerator) {
          Shock stop = shock;
          stop.loss = 1;
          product.mix = shocked(product.mix, stop);
        }
      break;
  }
}

}  // namespace waferwatt::supply
