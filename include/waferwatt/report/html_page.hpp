// SPDX-License-Identifier: Apache-2.0
#pragma once
// report.html: one page that opens without a network. The program puts data into the page of src/report/page/; scripts there
// draw the charts that charts/<kind>.json describes.
#include <string>

#include "waferwatt/report/comparison.hpp"
#include "waferwatt/report/results.hpp"
#include "waferwatt/scenario/runner.hpp"

namespace waferwatt::report {

std::string html_page(const scenario::Scenario& scenario, const scenario::Outcome& outcome);

/// The page of a results folder.
std::string html_page(const Results& results);

/// Runs side by side.
std::string html_page(const Comparison& comparison);

/// Text with the characters that mean something in HTML replaced.
std::string html_escaped(std::string_view text);

}  // namespace waferwatt::report
