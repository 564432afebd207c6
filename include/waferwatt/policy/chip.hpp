// SPDX-License-Identifier: Apache-2.0
#pragma once
// A chip as rules of trade see it.
#include <optional>
#include <string>

#include "waferwatt/catalog/policy.hpp"

namespace waferwatt::policy {

/// What is not known is absent.
struct Chip {
  std::string id;
  std::string maker_country;       ///< of the company that sells it
  double tpp = 0;                  ///< TFLOP/s x bits of the operands, dense, the largest over formats
  std::optional<double> density;   ///< TPP per square millimetre of logic dies
  std::optional<Bandwidth> memory_bandwidth, io;
  std::optional<catalog::BandwidthDensity> memory_density;
  std::optional<double> transistors;
  bool has_stacked_memory = false;
  bool for_datacentres = true;
};

/// (1) TPP = max over formats of P x bits; 2 x MacTOPS is the dense rate P in TFLOP/s (15 CFR 774, 3A090, notes).
double total_processing_performance(const catalog::Accelerator&);

/// (2) density = TPP / (compute dies x their area). Dies of other kinds in the package (I/O, base dies) count too where
/// they are made on a non-planar node, but the catalog does not hold their area: the density of such chips is an upper bound.
Chip chip_of(const catalog::Accelerator&, const catalog::Catalog&);

/// Whether any clause of a policy means the chip; a policy without clauses means everything.
bool is_meant(const catalog::Policy&, const Chip&);
/// Whether a memory control means a memory.
bool is_meant(const catalog::Policy&, const catalog::Memory&);

}  // namespace waferwatt::policy
