// SPDX-License-Identifier: Apache-2.0
#pragma once
// Things that happen to the chain on a day nobody planned for. Planners learn of them on that day.
#include <string>
#include <string_view>
#include <vector>

#include "waferwatt/core/ramp.hpp"

namespace waferwatt::supply {

struct ChainSpec;

enum class ShockKind {
  earthquake,         ///< lines lose capacity and part of what is in process
  power_loss,         ///< the same, for hours or days
  material_shortage,  ///< lines lose capacity
  yield_excursion,    ///< nodes, packaging families or memories lose yield
  fab_delay,          ///< capacity planned after the date comes later by the duration
  trade_stop,         ///< lines or memory makers no longer serve a company
  ban                 ///< an accelerator may no longer be delivered
};

struct Shock {
  ShockKind kind = ShockKind::earthquake;
  Date date;
  Time duration;                   ///< of the full effect; of the delay
  Time recovery;                   ///< the effect then fades on a straight line
  double loss = 0;                 ///< of capacity or yield, 0 to 1
  double scrap = 0;                ///< of what is in process in the lines, 0 to 1
  std::vector<std::string> lines;  ///< ids of nodes, packaging families, memory makers, or memories (yield)
  std::string company;             ///< of a trade stop
  std::string memory;              ///< of a trade stop: this memory only; empty: all
  std::string accelerator;         ///< of a ban

  Date end() const { return date + duration; }
  bool hits(std::string_view line) const;
  /// What is left of capacity or yield: 1, then 1 - loss, then back to 1 over the recovery.
  double factor(Date at) const;
};

/// The ramp times the shock's factor, exact at all points of both.
template <class T>
Ramp<T> shocked(const Ramp<T>& ramp, const Shock& shock);

/// The ramp with everything after `date` later by `delay`, flat in between.
template <class T>
Ramp<T> delayed(const Ramp<T>& ramp, Date date, Time delay);

/// Changes lines, yields, shares and gates from the shock's date on; bans and scrap are the chain's.
void apply(const Shock& shock, ChainSpec& spec);

}  // namespace waferwatt::supply
