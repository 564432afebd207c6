// SPDX-License-Identifier: Apache-2.0
#pragma once
// One draw of a world's uncertain values: catalog values within their ranges, and the scenario's forecasts.
#include <cmath>
#include <functional>
#include <limits>

#include "waferwatt/catalog/fact.hpp"
#include "waferwatt/core/random.hpp"
#include "waferwatt/supply/uncertainty.hpp"

namespace waferwatt::scenario {

class WorldDraw {
 public:
  /// The values themselves.
  WorldDraw() : deviate_([](const std::string&) { return 0.0; }) {}
  /// \param deviate standard normal deviate of an input by its name
  explicit WorldDraw(supply::Deviates deviate) : deviate_(std::move(deviate)) {}
  /// Draw `index` of a seed; streams by name make chance common to all scenarios that have the input.
  static WorldDraw numbered(std::uint64_t seed, std::size_t index);

  const supply::Deviates& deviate() const { return deviate_; }

  /// A fact's value, moved within its range.
  template <class T>
  T value(const catalog::Fact<T>& fact, const std::string& name, double highest = std::numeric_limits<double>::infinity()) const {
    return fact.low && fact.high ? shifted(fact.value, *fact.low, *fact.high, deviate_(name), highest) : fact.value;
  }
  /// A forecast made at a date, moved by an error that grows as the root of time.
  template <class T>
  Ramp<T> forecast(const Ramp<T>& ramp, Date known_at, double error, const std::string& name) const {
    if (error <= 0 || ramp.points().empty() || ramp.points().back().first <= known_at) return ramp;
    const double z = deviate_(name);
    if (z == 0) return ramp;
    std::vector<typename Ramp<T>::Point> points;
    bool has_known = false;
    for (const auto& [date, value] : ramp.points()) {
      // The error starts at what is known: a point of its own.
      if (date > known_at && !has_known) points.emplace_back(known_at, ramp.at(known_at));
      has_known = has_known || date >= known_at;
      points.emplace_back(date, value * std::exp(z * error * std::sqrt(std::max(0.0, (date - known_at) / year))));
    }
    return Ramp<T>(std::move(points));
  }

 private:
  static double shifted(double value, double low, double high, double z, double highest) { return supply::moved(value, low, high, z, highest); }
  template <core::Dimension D>
  static core::Quantity<D> shifted(core::Quantity<D> value, core::Quantity<D> low, core::Quantity<D> high, double z, double highest) {
    return core::Quantity<D>::from_base(supply::moved(value.base(), low.base(), high.base(), z, highest));
  }
  template <class T>
  static Ramp<T> shifted(const Ramp<T>& value, const Ramp<T>& low, const Ramp<T>& high, double z, double highest) {
    std::vector<typename Ramp<T>::Point> points;
    for (const auto& [date, middle] : value.points()) points.emplace_back(date, shifted(middle, low.at(date), high.at(date), z, highest));
    return Ramp<T>(std::move(points));
  }

  supply::Deviates deviate_;
};

}  // namespace waferwatt::scenario
