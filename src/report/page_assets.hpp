// SPDX-License-Identifier: Apache-2.0
#pragma once
// The files that a page is made of, carried in the program.
#include <string_view>

namespace waferwatt::report {

/// A file of src/report/page/ ("style.css", "charts/world.json"), "chart.js", "metrics.md" or "accuracy.json"; empty where
/// there is none of the name.
std::string_view page_asset(std::string_view name);

}  // namespace waferwatt::report
