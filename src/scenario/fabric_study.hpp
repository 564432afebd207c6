// SPDX-License-Identifier: Apache-2.0
#pragma once
// Parts of the scenario kind "fabric": each makes a table and says what it found in words.
#include "waferwatt/scenario/fabric_scenario.hpp"

namespace waferwatt::scenario {

/// A table, and its part of the headline.
struct Finding {
  Table table;
  std::string words;
};

/// Every collective, group and size by all ways of evaluation.
Finding collectives_study(const FabricScenario& scenario, network::Evaluator& evaluator, const RunContext& context);

/// The largest size of the study on each of the scenario's alternatives.
Finding alternatives_study(const FabricScenario& scenario, const network::FabricParts& parts, network::Evaluator& evaluator);

/// The most used links, hottest first; in words the hottest one.
Finding hot_links(const network::Topology& topology, const network::TrafficResult& result);

/// Mean and largest use of the links of each kind at each switch.
Table link_use(const network::Topology& topology, const network::TrafficResult& result);

}  // namespace waferwatt::scenario
