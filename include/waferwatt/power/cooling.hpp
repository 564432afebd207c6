// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a hall draws beside its IT: losses of the power path, fans and pumps, chillers, water.
//
//   losses   L = a N + b P                      N nameplate, P power of the IT
//   heat     Q = P + L
//   ambient  A = dry or wet bulb + approach
//   free     e = clamp((T + r - A) / r, 0, 1)   of the heat leaves without a chiller; T supply, r rise
//   chiller  (1 - e) Q / COP,  COP = q (T + 273.15) / max(A + 8 - T, 5), at most 15
//   water    of the heat that dry air would not take: (1 - e_dry) Q / latent heat x c / (c - 1)
#include <string_view>

#include "waferwatt/core/quantity.hpp"

namespace waferwatt::power {

enum class CoolingKind { air, liquid, legacy_air };
enum class HeatRejection { dry, evaporative };

struct CoolingDesign {
  HeatRejection rejection = HeatRejection::dry;
  double standing_loss = 0.012;     ///< a: transformers and UPS without load
  double running_loss = 0.035;      ///< b: conversion and distribution
  double fans_and_pumps = 0.045;    ///< of the heat
  double supply_c = 25, rise_c = 12;
  double approach_c = 6;
  double chiller_quality = 0.5;     ///< of a Carnot machine
  double cycles_of_concentration = 4;

  static CoolingDesign of(CoolingKind, HeatRejection);
};

/// Densest rack that a kind of cooling takes: air to 30 kW, cold plates to 140 kW.
Power largest_rack(CoolingKind);

struct Weather {
  double dry_bulb_c = 20, wet_bulb_c = 15;
};

using WaterRate = decltype(litre / second);

struct FacilityLoad {
  Power it, losses, fans_and_pumps, chillers;
  WaterRate water;

  Power total() const { return it + losses + fans_and_pumps + chillers; }
  Power overhead() const { return losses + fans_and_pumps + chillers; }
  double pue() const { return total() / it; }
};

FacilityLoad facility_load(const CoolingDesign&, Power it, Power it_nameplate, const Weather&);

/// IT power at which the facility draws so much, or the nameplate where it cannot draw it.
Power it_power_within(const CoolingDesign&, Power facility, Power it_nameplate, const Weather&);

/// Wet bulb from dry bulb and relative humidity in % (Stull 2011; -20 to 50 degrees, 5 to 99 %).
double wet_bulb_c(double dry_bulb_c, double relative_humidity);

}  // namespace waferwatt::power
