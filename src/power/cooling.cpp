// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/power/cooling.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::power {
namespace {

constexpr double kCondenserApproach = 8, kLeastLift = 5, kBestCop = 15;
constexpr auto kEvaporation = litre / (2.45e6 * joule);  // at 20 degrees

double free_share(const CoolingDesign& d, double ambient) { return std::clamp((d.supply_c + d.rise_c - ambient) / d.rise_c, 0.0, 1.0); }

double chiller_share(const CoolingDesign& d, const Weather& w) {
  const bool wet = d.rejection == HeatRejection::evaporative;
  const double ambient = (wet ? std::min(w.wet_bulb_c, w.dry_bulb_c) : w.dry_bulb_c) + d.approach_c;
  const double lift = std::max(ambient + kCondenserApproach - d.supply_c, kLeastLift);
  return (1 - free_share(d, ambient)) / std::min(d.chiller_quality * (d.supply_c + 273.15) / lift, kBestCop);
}

}  // namespace

CoolingDesign CoolingDesign::of(CoolingKind kind, HeatRejection rejection) {
  CoolingDesign d{.rejection = rejection};
  if (kind == CoolingKind::liquid) d.fans_and_pumps = 0.02, d.supply_c = 32, d.rise_c = 10;
  if (kind == CoolingKind::legacy_air)
    d.standing_loss = 0.06, d.running_loss = 0.07, d.fans_and_pumps = 0.17, d.supply_c = 14, d.rise_c = 8, d.chiller_quality = 0.35;
  return d;
}

Power largest_rack(CoolingKind kind) { return kind == CoolingKind::liquid ? 140 * kilo * watt : kind == CoolingKind::air ? 30 * kilo * watt : 12 * kilo * watt; }

FacilityLoad facility_load(const CoolingDesign& d, Power it, Power it_nameplate, const Weather& w) {
  FacilityLoad load{.it = it, .losses = d.standing_loss * it_nameplate + d.running_loss * it};
  const Power heat = it + load.losses;
  load.fans_and_pumps = d.fans_and_pumps * heat;
  load.chillers = chiller_share(d, w) * heat;
  if (d.rejection == HeatRejection::evaporative)
    load.water = (1 - free_share(d, w.dry_bulb_c + d.approach_c)) * (heat + load.chillers) * kEvaporation * (d.cycles_of_concentration / (d.cycles_of_concentration - 1));
  return load;
}

Power it_power_within(const CoolingDesign& d, Power facility, Power it_nameplate, const Weather& w) {
  const double per_heat = 1 + d.fans_and_pumps + chiller_share(d, w);
  const Power it = (facility / per_heat - d.standing_loss * it_nameplate) / (1 + d.running_loss);
  return std::clamp(it, 0 * watt, it_nameplate);
}

double wet_bulb_c(double t, double rh) {
  return t * std::atan(0.151977 * std::sqrt(rh + 8.313659)) + std::atan(t + rh) - std::atan(rh - 1.676331) + 0.00391838 * std::pow(rh, 1.5) * std::atan(0.023101 * rh) - 4.686035;
}

}  // namespace waferwatt::power
