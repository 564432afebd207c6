// SPDX-License-Identifier: Apache-2.0
#pragma once
// report.html: one page that opens without a network and without scripts.
#include <string>

#include "waferwatt/scenario/runner.hpp"

namespace waferwatt::report {

std::string html_page(const scenario::Scenario& scenario, const scenario::Outcome& outcome);

/// Text with the characters that mean something in HTML replaced.
std::string html_escaped(std::string_view text);

}  // namespace waferwatt::report
