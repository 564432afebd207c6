// SPDX-License-Identifier: Apache-2.0
#pragma once
// Spans of a run in the format of Chrome's and Perfetto's trace viewers.
#include <iosfwd>
#include <string_view>

#include "waferwatt/core/table.hpp"

namespace waferwatt::report {

/// A result's table of this name becomes trace.json.
inline constexpr std::string_view kTraceTable = "trace";

/// An empty table of spans.
core::Table trace_table();

/// \param spans with the columns process, thread, name, category, start_s, duration_s
void write_trace(std::ostream&, const core::Table& spans);

}  // namespace waferwatt::report
