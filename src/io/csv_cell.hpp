// SPDX-License-Identifier: Apache-2.0
#pragma once
// How a cell of a CSV file is written.
#include <cstdint>
#include <string>
#include <string_view>

namespace waferwatt::io {

void append_cell(std::string& line, std::string_view text);
void append_cell(std::string& line, std::int64_t number);
void append_cell(std::string& line, double number);

}  // namespace waferwatt::io
