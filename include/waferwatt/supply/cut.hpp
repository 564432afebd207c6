// SPDX-License-Identifier: Apache-2.0
#pragma once
// The static upper bound of a period: max-flow through the graph of lines, and the min-cut that sets it.
#include <string>
#include <vector>

#include "waferwatt/supply/chain.hpp"

namespace waferwatt::supply {

/// A line in the min-cut.
struct CutLine {
  std::string line;
  Limit limit = Limit::packaging;
  double packages = 0;  ///< what it can carry
};

struct Cut {
  Date from, to;
  double bound = 0;    ///< packages that could be started at most
  double started = 0;  ///< packages that were
  std::vector<CutLine> lines;
};

/// Cut of the packages started between two dates of a run.
///
/// Packages flow from the source through the logic node, a memory maker, the parts and the packaging line of their
/// product to the sink. A line carries what it makes over the period, its cycle time earlier, and what was in store,
/// counted in packages by what one package of the run's own mix takes of it. Products lose their identity where they share
/// a line, so that every run is a feasible flow and the cut is an upper bound.
Cut supply_cut(const Chain& chain, Date from, Date to);

}  // namespace waferwatt::supply
