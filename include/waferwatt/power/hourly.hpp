// SPDX-License-Identifier: Apache-2.0
#pragma once
// A value for every hour, in UTC. Before its first and after its last hour a series repeats.
#include <cstdint>
#include <vector>

#include "waferwatt/core/date.hpp"

namespace waferwatt::power {

/// Whole hours since 1970-01-01 00:00 UTC.
using HourIndex = std::int64_t;
HourIndex hour_of(Date date);

template <class Q>
class Hourly {
 public:
  Hourly() = default;
  /// \param values at least one; as many as make whole days repeat cleanly
  Hourly(HourIndex first, std::vector<Q> values) : first_(first), values_(std::move(values)) {}
  static Hourly constant(Q value) { return Hourly(0, {value}); }

  bool empty() const { return values_.empty(); }
  HourIndex first() const { return first_; }
  const std::vector<Q>& values() const { return values_; }

  Q at(HourIndex hour) const {
    const auto n = static_cast<HourIndex>(values_.size());
    const HourIndex offset = (hour - first_) % n;
    return values_[static_cast<std::size_t>(offset < 0 ? offset + n : offset)];
  }
  Q mean(HourIndex from, HourIndex n_hours) const {
    Q sum{};
    for (HourIndex h = 0; h < n_hours; ++h) sum += at(from + h);
    return sum / static_cast<double>(n_hours);
  }
  Q mean() const { return mean(first_, static_cast<HourIndex>(values_.size())); }

 private:
  HourIndex first_ = 0;
  std::vector<Q> values_;
};

}  // namespace waferwatt::power
