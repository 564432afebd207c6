// SPDX-License-Identifier: Apache-2.0
#pragma once
// Spans of a run in the format of Chrome's and Perfetto's trace viewers.
#include <iosfwd>
#include <string_view>

#include "waferwatt/core/table.hpp"

namespace waferwatt::report {

/// A result's table of this name becomes trace.json.
inline constexpr std::string_view kTraceTable = "trace";

/// One of this name adds counters to it.
inline constexpr std::string_view kCounterTable = "trace_counters";

/// Empty tables of spans and of counters.
core::Table trace_table();
core::Table counter_table();

/// \param spans with the columns process, thread, name, category, start_s, duration_s
/// \param counters with the columns process, name, time_s, value; null: none
void write_trace(std::ostream&, const core::Table& spans, const core::Table* counters = nullptr);

}  // namespace waferwatt::report
