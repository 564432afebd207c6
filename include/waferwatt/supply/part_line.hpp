// SPDX-License-Identifier: Apache-2.0
#pragma once
// Further parts and steps that can bind: substrates, on-substrate steps, test cells, boards, racks, switches, optics,
// host processors. Parts are made to the plan and kept in store; what a step does not use in a week is lost.
#include <limits>
#include <string>
#include <vector>

#include "waferwatt/catalog/supply.hpp"

namespace waferwatt::supply {

inline constexpr std::size_t kNoPart = std::numeric_limits<std::size_t>::max();

struct PartLine {
  std::string part;
  catalog::Stage stage = catalog::Stage::system;
  bool is_service = false;
  Ramp<Frequency> capacity;   ///< units over time
  std::vector<double> units;  ///< in one accelerator, by product of the chain; 0: not needed
};

struct PartAccount {
  double made = 0, store = 0, used = 0, lapsed = 0;

  /// Relative difference of what was made and what is somewhere.
  double balance_error() const;
};

}  // namespace waferwatt::supply
