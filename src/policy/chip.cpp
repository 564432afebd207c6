// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/policy/chip.hpp"

#include <algorithm>

namespace waferwatt::policy {
namespace {

using catalog::PolicyClause;

constexpr FlopRate kTeraflop = tera * flop / second;

/// A bound on what is not known holds: the authority presumes it.
template <class B, class V>
bool reaches(const std::optional<catalog::Fact<B>>& bound, const std::optional<V>& value) {
  return !bound || !value || *value >= bound->value;
}
template <class B, class V>
bool is_below(const std::optional<catalog::Fact<B>>& bound, const std::optional<V>& value) {
  return !bound || !value || *value < bound->value;
}

bool means(const PolicyClause& clause, const Chip& chip) {
  if (!clause.accelerators.empty() && std::ranges::find(clause.accelerators, chip.id) == clause.accelerators.end()) return false;
  if (clause.for_datacentres && *clause.for_datacentres != chip.for_datacentres) return false;
  if (clause.has_stacked_memory && *clause.has_stacked_memory != chip.has_stacked_memory) return false;
  const std::optional<double> tpp = chip.tpp;
  std::optional<Bandwidth> total;
  if (chip.memory_bandwidth || chip.io) total = chip.memory_bandwidth.value_or(Bandwidth{}) + chip.io.value_or(Bandwidth{});
  return reaches(clause.tpp_at_least, tpp) && is_below(clause.tpp_below, tpp) && reaches(clause.density_at_least, chip.density) &&
         is_below(clause.density_below, chip.density) && reaches(clause.memory_bandwidth_at_least, chip.memory_bandwidth) &&
         is_below(clause.memory_bandwidth_below, chip.memory_bandwidth) && reaches(clause.io_at_least, chip.io) &&
         reaches(clause.total_bandwidth_at_least, total) && reaches(clause.transistors_at_least, chip.transistors) &&
         (!clause.memory_density_above || !chip.memory_density || *chip.memory_density > clause.memory_density_above->value);
}

}  // namespace

double total_processing_performance(const catalog::Accelerator& a) {
  double tpp = a.peak_bf16->in(kTeraflop) * 16;
  if (a.peak_fp8) tpp = std::max(tpp, a.peak_fp8->value.in(kTeraflop) * 8);
  if (a.peak_int8) tpp = std::max(tpp, a.peak_int8->value.in(kTeraflop) * 8);
  if (a.peak_fp4) tpp = std::max(tpp, a.peak_fp4->value.in(kTeraflop) * 4);
  return tpp;
}

Chip chip_of(const catalog::Accelerator& a, const catalog::Catalog& catalog) {
  Chip chip{.id = a.id, .tpp = total_processing_performance(a)};
  if (const auto* vendor = catalog.companies.find(a.vendor)) chip.maker_country = vendor->country;
  if (a.die_area) {
    const double n = a.n_compute_dies ? static_cast<double>(a.n_compute_dies->value) : 1;
    chip.density = chip.tpp / (n * a.die_area->value.in(square_millimetre));
  }
  chip.memory_bandwidth = a.memory_bandwidth.value;
  // A chip without links of its own talks over its slot: far below any bound on I/O.
  chip.io = a.scale_up_bandwidth ? a.scale_up_bandwidth->value : Bandwidth{};
  chip.has_stacked_memory = a.memory.has_value();
  if (a.memory)
    if (const auto* memory = catalog.memories.find(*a.memory)) chip.memory_density = memory->bandwidth.value / memory->die_area.value;
  return chip;
}

bool is_meant(const catalog::Policy& policy, const Chip& chip) {
  return policy.clauses.empty() || std::ranges::any_of(policy.clauses, [&](const PolicyClause& clause) { return means(clause, chip); });
}

bool is_meant(const catalog::Policy& policy, const catalog::Memory& memory) {
  const auto density = memory.bandwidth.value / memory.die_area.value;
  return policy.clauses.empty() || std::ranges::any_of(policy.clauses, [&](const PolicyClause& clause) {
           return clause.memory_density_above && density > clause.memory_density_above->value;
         });
}

}  // namespace waferwatt::policy
