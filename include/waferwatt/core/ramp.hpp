// SPDX-License-Identifier: Apache-2.0
#pragma once
// A value that changes over time: straight lines between dated points, flat before the
// first and after the last. Capacities, yields, prices and shares are ramps.
#include <algorithm>
#include <utility>
#include <vector>

#include "waferwatt/core/date.hpp"

namespace waferwatt::core {

template <class T>
class Ramp {
 public:
  using Point = std::pair<Date, T>;

  Ramp() = default;
  /// \param points with strictly rising dates (readers check; see is_ordered)
  explicit Ramp(std::vector<Point> points) : points_(std::move(points)) {}
  static Ramp constant(T value) { return Ramp({{Date{}, value}}); }

  bool empty() const { return points_.empty(); }
  const std::vector<Point>& points() const { return points_; }
  bool is_ordered() const {
    return std::ranges::adjacent_find(points_, [](const Point& a, const Point& b) { return a.first >= b.first; }) == points_.end();
  }

  /// The value at a date; a default value where the ramp has no points.
  T at(Date date) const {
    if (points_.empty()) return T{};
    const auto after = std::ranges::upper_bound(points_, date, {}, &Point::first);
    if (after == points_.begin()) return points_.front().second;
    if (after == points_.end()) return points_.back().second;
    const auto before = std::prev(after);
    const double weight = (date - before->first) / (after->first - before->first);
    return before->second * (1 - weight) + after->second * weight;
  }

  /// Integral over time: a capacity in wafers a month gives wafers. Exact for straight lines.
  auto integral(Date from, Date to) const {
    auto sum = T{} * (0 * day);
    Date start = from;
    const auto add = [&](Date stop) {
      sum += 0.5 * (at(start) + at(stop)) * (stop - start);
      start = stop;
    };
    for (const auto& [date, value] : points_)
      if (date > start && date < to) add(date);
    if (to > start) add(to);
    return sum;
  }

  /// Every value times a factor.
  Ramp scaled(double factor) const {
    std::vector<Point> points = points_;
    for (auto& [date, value] : points) value = value * factor;
    return Ramp(std::move(points));
  }

 private:
  std::vector<Point> points_;
};

}  // namespace waferwatt::core
