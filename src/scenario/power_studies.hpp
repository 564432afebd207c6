// SPDX-License-Identifier: Apache-2.0
#pragma once
// The four studies of a power scenario. Each adds its sentence, metrics and tables to the result.
#include "waferwatt/scenario/power_scenario.hpp"

namespace waferwatt::scenario {

void study_options(const PowerScenario&, const catalog::Catalog&, const catalog::EnergyShelves& energy, const RunContext&, Result&);
void study_operations(const PowerScenario&, const catalog::Catalog&, const catalog::EnergyShelves& energy, const RunContext&, Result&);
void study_training_runs(const PowerScenario&, const catalog::Catalog&, Result&);
void study_swings(const PowerScenario&, Result&);
void study_electricity(const PowerScenario&, Result&);

/// Appends a sentence to the headline.
void say(Result& result, const std::string& sentence);
void add_metric(Result& result, const char* name, double value, const char* unit, std::map<std::string, std::string> dims = {}, std::optional<double> low = {}, std::optional<double> high = {});

}  // namespace waferwatt::scenario
