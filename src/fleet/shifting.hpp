// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where and when a job that may choose should start: the site and hour with the least mean carbon or price over its
// estimated running time, within its slack, among the hours for which not more is planned than the site has. Series are taken
// as known (a perfect forecast).
#include "waferwatt/fleet/fleet.hpp"

namespace waferwatt::fleet {

struct ShiftChoice {
  std::uint32_t site = 0;
  double start_s = 0;
};

class Shifter {
 public:
  Shifter(const FleetSpec& spec, double last_s);

  /// Chooses, and plans the job there.
  /// \param backlog_s of each site: how long its queue would take; added to the earliest start
  ShiftChoice choose(const Job& job, double now_s, const std::vector<double>& backlog_s);
  /// The job has ended: what was planned for it from now on is free.
  void release(const Job& job, const ShiftChoice& planned, double now_s);

 private:
  double mean(std::uint32_t site, double from_s, double length_s) const;
  bool has_room(std::uint32_t site, double from_s, const Job& job) const;
  void plan(std::uint32_t site, double from_s, double until_s, double n);

  const FleetSpec& spec_;
  std::vector<std::vector<double>> sums_;     // by site: sum of the first k hours
  std::vector<std::vector<double>> planned_;  // by site and hour: accelerators
};

}  // namespace waferwatt::fleet
