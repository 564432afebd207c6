// SPDX-License-Identifier: Apache-2.0
#pragma once
// A step as a graph: passes are vertices; an edge leads from each pass to those that cannot start before it has
// ended, with the send between them. What it adds to the timeline: slack, how much later a pass could end without
// the step being longer.
#include "waferwatt/training/timeline.hpp"

namespace waferwatt::training {

struct PassSlack {
  Time earliest_start, latest_start;
  Time slack() const { return latest_start - earliest_start; }
};

struct StepGraph {
  std::size_t n_edges = 0;
  Time length;                           ///< of the longest path
  std::vector<PassSlack> passes;         ///< in the order of the timeline's tasks
  std::vector<std::size_t> longest_path; ///< tasks, first to last
};

/// \param line of the same plan and send
StepGraph step_graph(const Plan&, const Timeline& line, Time send);

}  // namespace waferwatt::training
