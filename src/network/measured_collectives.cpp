// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/measured_collectives.hpp"

#include <fmt/format.h>

#include <cmath>
#include <tuple>

namespace waferwatt::network {
namespace {

const catalog::Fabric* fabric_of(const catalog::System* system, const catalog::Catalog& catalog) {
  return system && system->fabric ? catalog.fabrics.find(*system->fabric) : nullptr;
}

/// Accelerators whose figure is all that is known are joined by a switch.
catalog::FabricKind kind_of(const catalog::Fabric* fabric) { return fabric ? fabric->kind : catalog::FabricKind::nvlink_switch; }

double octaves(FlopRate a, FlopRate b) { return std::abs(std::log2(a / b)); }

/// The measured accelerator that stands for another one.
const catalog::CollectiveCalibration* nearest(const catalog::Accelerator& wanted, const catalog::System* system,
                                              const catalog::Catalog& catalog) {
  const catalog::Fabric* const fabric = fabric_of(system, catalog);
  const catalog::CollectiveCalibration* best = nullptr;
  std::tuple<bool, double> least;
  for (const auto& [id, calibration] : catalog.collectives.all()) {
    const auto* accelerator = catalog.accelerators.find(calibration.accelerator);
    if (!accelerator || accelerator->vendor != wanted.vendor) continue;
    const catalog::Fabric* const theirs = fabric_of(catalog.system_of(accelerator->id), catalog);
    if (kind_of(theirs) != kind_of(fabric)) continue;
    const std::tuple distance{!(fabric && theirs && fabric->id == theirs->id), octaves(accelerator->peak_bf16.value, wanted.peak_bf16.value)};
    if (!best || distance < least) best = &calibration, least = distance;
  }
  return best;
}

}  // namespace

std::optional<Bandwidth> scale_up_bandwidth(const catalog::Accelerator& accelerator, const catalog::System* system,
                                            const catalog::Catalog& catalog) {
  if (const auto* fabric = fabric_of(system, catalog)) return fabric->bandwidth.value;
  if (accelerator.scale_up_bandwidth) return accelerator.scale_up_bandwidth->value / 2;  // vendors sum both directions
  return std::nullopt;
}

std::optional<MeasuredCollectives> MeasuredCollectives::of(const catalog::Accelerator& accelerator, const catalog::System* system,
                                                           Bandwidth link, const catalog::Catalog& catalog) {
  const auto* calibration = catalog.collectives.find(accelerator.id);
  if (!calibration) calibration = nearest(accelerator, system, catalog);
  if (!calibration) return std::nullopt;
  const auto* measured = catalog.accelerators.find(calibration->accelerator);
  const auto theirs = measured ? scale_up_bandwidth(*measured, catalog.system_of(measured->id), catalog) : std::nullopt;
  MeasuredCollectives found(*calibration, theirs ? link / *theirs : 1);
  found.own_ = calibration->accelerator == accelerator.id;
  return found;
}

MeasuredCollectives::MeasuredCollectives(const catalog::CollectiveCalibration& calibration, double bandwidth_ratio)
    : calibration_(&calibration), bandwidth_ratio_(bandwidth_ratio) {
  for (const auto& curve : calibration.curves) {
    if (curve.n_nodes != 1) continue;
    by_name_[curve.operation + " " + curve.library].emplace(curve.n_ranks, &curve);
    // A family's name stands for its newest version, which the file lists first.
    if (const auto blank = curve.library.rfind(' '); blank != std::string::npos)
      by_name_[curve.operation + " " + curve.library.substr(0, blank)].emplace(curve.n_ranks, &curve);
  }
}

const MeasuredCollectives::Curves* MeasuredCollectives::curves(std::string_view operation, std::string_view library) const {
  const auto at = by_name_.find(fmt::format("{} {}", operation, library));
  return at == by_name_.end() ? nullptr : &at->second;
}

std::optional<Time> MeasuredCollectives::time(std::string_view operation, std::string_view library, std::int64_t n_ranks,
                                              DataSize size) const {
  const Curves* const known = curves(operation, library);
  if (!known) return std::nullopt;
  const double bytes = size.in(byte) / bandwidth_ratio_;
  const auto above = known->lower_bound(n_ranks);
  if (above == known->end()) return known->rbegin()->second->time(bytes);
  if (above->first == n_ranks || above == known->begin()) return above->second->time(bytes);
  const auto below = std::prev(above);
  const auto n = [](std::int64_t ranks) { return static_cast<double>(ranks); };
  const double w = std::log(n(n_ranks) / n(below->first)) / std::log(n(above->first) / n(below->first));
  return below->second->time(bytes) * std::pow(above->second->time(bytes) / below->second->time(bytes), w);
}

std::int64_t MeasuredCollectives::most_ranks(std::string_view operation, std::string_view library) const {
  const Curves* const known = curves(operation, library);
  return known ? known->rbegin()->first : 0;
}

std::string MeasuredCollectives::provenance() const {
  if (own_ && bandwidth_ratio_ == 1) return "measured on " + calibration_->accelerator;
  return fmt::format("{}'s measured times at {:.3g} times its bandwidth", calibration_->accelerator, bandwidth_ratio_);
}

}  // namespace waferwatt::network
