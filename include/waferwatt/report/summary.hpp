// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a run says, as JSON and on a terminal.
#include <string>

#include "waferwatt/report/terminal_style.hpp"
#include "waferwatt/scenario/runner.hpp"

namespace waferwatt::report {

/// summary.json. Everything but "provenance" is the same for the same scenario and seed.
io::Value summary(const scenario::Scenario& scenario, const scenario::Outcome& outcome);

/// Question, answer, what binds and the first metrics, for people.
std::string headline(const scenario::Scenario& scenario, const scenario::Result& result, const TerminalStyle& style = {});

/// "vendor nvidia, year 2024"
std::string dims_text(const std::map<std::string, std::string>& dims);

}  // namespace waferwatt::report
