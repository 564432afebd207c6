// SPDX-License-Identifier: Apache-2.0
#include "site_meter.hpp"

#include <algorithm>
#include <limits>

namespace waferwatt::fleet {

void SiteMeter::refresh() { load_ = power::facility_load(site_.cooling, it_w() * watt, nameplate_w_ * watt, site_.around.weather.at(hour_)); }

void SiteMeter::set_hour(power::HourIndex hour) {
  hour_ = hour;
  carbon_ = site_.around.carbon_intensity.at(hour).base(), price_ = site_.around.price.at(hour).base();
  refresh();
}

void SiteMeter::set_it(double jobs_w, double idle_w) {
  jobs_w_ = jobs_w, idle_w_ = idle_w;
  refresh();
}

void SiteMeter::advance(double now_s) {
  const double dt = now_s - last_s_;
  if (dt <= 0) return;
  last_s_ = now_s;
  const double meter = meter_w() * dt, per_it = pue() * dt;
  per_watt_.energy += per_it, per_watt_.carbon += per_it * carbon_, per_watt_.cost += per_it * price_;
  out_.it_j += it_w() * dt, out_.overhead_j += load_.overhead().base() * dt, out_.meter_j += meter;
  out_.idle_j += it_w() > 0 ? idle_w_ * per_it : meter;
  out_.carbon_kg += meter * carbon_, out_.cost_usd += meter * price_;
  out_.water_l += load_.water.base() * dt;
  out_.peak_w = std::max(out_.peak_w, meter_w());
}

double SiteMeter::it_limit_w() const {
  if (!site_.limit) return std::numeric_limits<double>::infinity();
  return power::it_power_within(site_.cooling, site_.limit->at(hour_), nameplate_w_ * watt, site_.around.weather.at(hour_)).base();
}

}  // namespace waferwatt::fleet
