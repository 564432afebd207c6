// SPDX-License-Identifier: Apache-2.0
#pragma once
// Whole files, compressed or not.
#include <string>
#include <string_view>
#include <vector>

namespace waferwatt::validation {

/// The text of a file, unpacked if it is gzip. \throws InputError if it cannot be read or is above 1 GiB
std::string text_of_file(const std::string& path);

/// Where the row of CSV that begins at `start` ends: the next line break that is not between quotation marks, or npos.
std::size_t end_of_row(std::string_view text, std::size_t start);

/// The cells of one row of CSV.
std::vector<std::string_view> cells(std::string_view line);

}  // namespace waferwatt::validation
