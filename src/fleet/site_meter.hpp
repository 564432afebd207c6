// SPDX-License-Identifier: Apache-2.0
#pragma once
// The meter of a site. Between two changes all powers are constant, so the integrals are exact. Jobs read their share of
// overhead, carbon and cost off running integrals of what one watt of IT costs.
#include "waferwatt/fleet/fleet.hpp"

namespace waferwatt::fleet {

class SiteMeter {
 public:
  /// Integrals over time of facility J, kg and USD per watt of IT.
  struct PerWatt {
    double energy = 0, carbon = 0, cost = 0;
  };

  SiteMeter(const FleetSite& site, SiteOutcome& out) : site_(site), out_(out) {}

  void advance(double now_s);
  /// Everything up to now is in the integrals when these are called.
  void set_hour(power::HourIndex hour);
  void set_it(double jobs_w, double idle_w);
  void set_nameplate(double it_w) { nameplate_w_ = it_w, refresh(); }

  const PerWatt& per_watt() const { return per_watt_; }
  double it_w() const { return jobs_w_ + idle_w_; }
  double meter_w() const { return load_.total().base(); }
  double pue() const { return it_w() > 0 ? meter_w() / it_w() : 1; }
  /// IT power that the limit of the hour allows; infinite without one.
  double it_limit_w() const;
  power::HourIndex hour() const { return hour_; }

 private:
  void refresh();

  const FleetSite& site_;
  SiteOutcome& out_;
  power::HourIndex hour_ = 0;
  power::FacilityLoad load_;
  PerWatt per_watt_;
  double last_s_ = 0, jobs_w_ = 0, idle_w_ = 0, nameplate_w_ = 0;
  double carbon_ = 0, price_ = 0;  // of the hour, per joule
};

}  // namespace waferwatt::fleet
