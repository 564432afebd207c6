// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a serving run says: headline, what binds, metrics, tables, ledger.
#include "waferwatt/scenario/serving_scenario.hpp"
#include "waferwatt/traces/statistics.hpp"

namespace waferwatt::scenario {

std::string headline_of(const serving::Deployment& deployment, const serving::ServingSummary& summary);
std::vector<Binding> binds_of(const serving::ServingSummary& summary);
std::vector<Metric> metrics_of(const serving::ServingSummary& summary, const serving::ServingOutcome& outcome);
Table percentile_table(const serving::ServingSummary& summary);
Table timeline_table(const serving::ServingOutcome& outcome, const serving::Deployment& deployment);
Table group_table(const serving::ServingOutcome& outcome, const serving::Deployment& deployment);
/// Spans for a trace viewer: the first iterations and stretches of them, by replica and micro-batch, with what they held,
/// and one span that says how many later ones are left out.
Table iteration_spans(const serving::ServingOutcome& outcome, const serving::Deployment& deployment);
/// What waited, ran and was cached at the end of each of them; a row where it changed.
Table iteration_counters(const serving::ServingOutcome& outcome, const serving::Deployment& deployment);
Table workload_table(const traces::Statistics& statistics);
Table ledger_of(const serving::ServingSummary& summary);

}  // namespace waferwatt::scenario
