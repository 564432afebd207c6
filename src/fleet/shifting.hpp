// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where and when a job that may choose should start: the site and hour with the least mean carbon or price over its
// estimated running time, within its slack. Series are taken as known (a perfect forecast).
#include "waferwatt/fleet/fleet.hpp"

namespace waferwatt::fleet {

struct ShiftChoice {
  std::uint32_t site = 0;
  double start_s = 0;
};

class Shifter {
 public:
  Shifter(const FleetSpec& spec, double last_s);

  /// \param backlog_s of each site: how long its queue would take; added to the earliest start
  ShiftChoice choose(const Job& job, double now_s, const std::vector<double>& backlog_s) const;

 private:
  double mean(std::uint32_t site, double from_s, double length_s) const;

  const FleetSpec& spec_;
  std::vector<std::vector<double>> sums_;  // by site: sum of the first k hours
};

}  // namespace waferwatt::fleet
