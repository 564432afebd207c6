// SPDX-License-Identifier: Apache-2.0
#pragma once
// Physical quantities: a double in base units and compile-time exponents of the base
// dimensions. A unit is itself a quantity: `700 * watt`, `q.in(mega * watt)`.
//
// Limits: dimensions are told apart, kinds are not (IT power and facility power are both
// Power: name the member). Money is US dollars of one price year. Temperatures are plain
// doubles named `_c`.
#include <compare>
#include <cstdint>

#include "waferwatt/core/vocabulary.hpp"

namespace waferwatt::core {

/// Exponents of the base dimensions. Energy is a base dimension because no model here needs
/// mass; things that are counted (wafers, dies, ...) are dimensions so that a rate of wafers
/// cannot be taken for a rate of packages.
struct Dimension {
  std::int8_t time = 0, length = 0, energy = 0, data = 0, flop = 0, token = 0, money = 0;
  std::int8_t carbon = 0, water = 0, wafer = 0, die = 0, stack = 0, package = 0, accelerator = 0;
  friend constexpr bool operator==(Dimension, Dimension) = default;
};

/// Exponents of a product (`sign` = +1) or a quotient (-1).
constexpr Dimension combine(Dimension a, Dimension b, int sign) {
  const auto sum = [sign](int x, int y) { return static_cast<std::int8_t>(x + sign * y); };
  return {sum(a.time, b.time),       sum(a.length, b.length), sum(a.energy, b.energy),
          sum(a.data, b.data),       sum(a.flop, b.flop),     sum(a.token, b.token),
          sum(a.money, b.money),     sum(a.carbon, b.carbon), sum(a.water, b.water),
          sum(a.wafer, b.wafer),     sum(a.die, b.die),       sum(a.stack, b.stack),
          sum(a.package, b.package), sum(a.accelerator, b.accelerator)};
}

template <Dimension D>
class Quantity {
 public:
  static constexpr Dimension dimension = D;
  constexpr Quantity() = default;

  /// Only for code that reads or writes numbers from outside.
  static constexpr Quantity from_base(double value) {
    Quantity q;
    q.value_ = value;
    return q;
  }
  constexpr double base() const { return value_; }

  /// The number of `unit`s in this quantity.
  constexpr double in(Quantity unit) const { return value_ / unit.value_; }

  friend constexpr Quantity operator+(Quantity a, Quantity b) { return from_base(a.value_ + b.value_); }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return from_base(a.value_ - b.value_); }
  friend constexpr Quantity operator-(Quantity a) { return from_base(-a.value_); }
  friend constexpr Quantity operator*(Quantity a, double k) { return from_base(a.value_ * k); }
  friend constexpr Quantity operator*(double k, Quantity a) { return from_base(a.value_ * k); }
  friend constexpr Quantity operator/(Quantity a, double k) { return from_base(a.value_ / k); }
  friend constexpr auto operator<=>(Quantity, Quantity) = default;
  constexpr Quantity& operator+=(Quantity b) { value_ += b.value_; return *this; }
  constexpr Quantity& operator-=(Quantity b) { value_ -= b.value_; return *this; }
  constexpr Quantity& operator*=(double k) { value_ *= k; return *this; }

 private:
  double value_ = 0.0;
};

/// A product or quotient whose dimensions cancel is a plain double.
template <Dimension A, Dimension B>
constexpr auto operator*(Quantity<A> a, Quantity<B> b) {
  constexpr Dimension d = combine(A, B, +1);
  if constexpr (d == Dimension{}) return a.base() * b.base();
  else return Quantity<d>::from_base(a.base() * b.base());
}
template <Dimension A, Dimension B>
constexpr auto operator/(Quantity<A> a, Quantity<B> b) {
  constexpr Dimension d = combine(A, B, -1);
  if constexpr (d == Dimension{}) return a.base() / b.base();
  else return Quantity<d>::from_base(a.base() / b.base());
}
template <Dimension B>
constexpr auto operator/(double a, Quantity<B> b) {
  return Quantity<combine(Dimension{}, B, -1)>::from_base(a / b.base());
}

using Time = Quantity<Dimension{.time = 1}>;
using Frequency = Quantity<Dimension{.time = -1}>;
using Length = Quantity<Dimension{.length = 1}>;
using Area = Quantity<Dimension{.length = 2}>;
using DefectDensity = Quantity<Dimension{.length = -2}>;
using Energy = Quantity<Dimension{.energy = 1}>;
using Power = Quantity<Dimension{.time = -1, .energy = 1}>;
using DataSize = Quantity<Dimension{.data = 1}>;
using Bandwidth = Quantity<Dimension{.time = -1, .data = 1}>;
using FlopCount = Quantity<Dimension{.flop = 1}>;
using FlopRate = Quantity<Dimension{.time = -1, .flop = 1}>;
using Tokens = Quantity<Dimension{.token = 1}>;
using TokenRate = Quantity<Dimension{.time = -1, .token = 1}>;
using Money = Quantity<Dimension{.money = 1}>;
using MoneyRate = Quantity<Dimension{.time = -1, .money = 1}>;
using TokenPrice = Quantity<Dimension{.token = -1, .money = 1}>;
using EnergyPrice = Quantity<Dimension{.energy = -1, .money = 1}>;
using DataPrice = Quantity<Dimension{.data = -1, .money = 1}>;
using WaferPrice = Quantity<Dimension{.money = 1, .wafer = -1}>;
using PackagePrice = Quantity<Dimension{.money = 1, .package = -1}>;
using CarbonMass = Quantity<Dimension{.carbon = 1}>;
using CarbonIntensity = Quantity<Dimension{.energy = -1, .carbon = 1}>;
using CarbonDensity = Quantity<Dimension{.length = -2, .carbon = 1}>;
using EnergyDensity = Quantity<Dimension{.length = -2, .energy = 1}>;
using WaterVolume = Quantity<Dimension{.water = 1}>;
using Wafers = Quantity<Dimension{.wafer = 1}>;
using WaferRate = Quantity<Dimension{.time = -1, .wafer = 1}>;
using PackagesPerWafer = Quantity<Dimension{.wafer = -1, .package = 1}>;
using AcceleratorRate = Quantity<Dimension{.time = -1, .accelerator = 1}>;

inline constexpr double kilo = 1e3, mega = 1e6, giga = 1e9, tera = 1e12, peta = 1e15, exa = 1e18;
inline constexpr double milli = 1e-3, micro = 1e-6, nano = 1e-9;
inline constexpr double gibi = 1073741824.0;

inline constexpr Time second = Time::from_base(1), minute = 60 * second, hour = 3600 * second;
/// A year has 365 days (8,760 h) and twelve equal months, as energy and capacity tables assume.
inline constexpr Time day = 24 * hour, week = 7 * day, year = 365 * day, month = year / 12;
inline constexpr Length metre = Length::from_base(1), millimetre = metre / 1000;
inline constexpr Area square_millimetre = millimetre * millimetre, square_centimetre = 100 * square_millimetre;
inline constexpr Energy joule = Energy::from_base(1);
inline constexpr Power watt = joule / second;
inline constexpr Energy watt_hour = watt * hour;
inline constexpr DataSize byte = DataSize::from_base(1), bit = byte / 8;
inline constexpr FlopCount flop = FlopCount::from_base(1);
inline constexpr Tokens token = Tokens::from_base(1);
inline constexpr Money usd = Money::from_base(1);
inline constexpr CarbonMass kg_co2e = CarbonMass::from_base(1);
inline constexpr WaterVolume litre = WaterVolume::from_base(1);
inline constexpr Wafers wafer = Wafers::from_base(1);
inline constexpr auto package = Quantity<Dimension{.package = 1}>::from_base(1);
inline constexpr auto accelerator = Quantity<Dimension{.accelerator = 1}>::from_base(1);

}  // namespace waferwatt::core
