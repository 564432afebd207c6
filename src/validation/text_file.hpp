// SPDX-License-Identifier: Apache-2.0
#pragma once
// Whole files, compressed or not.
#include <string>
#include <string_view>
#include <vector>

namespace waferwatt::validation {

/// The text of a file, unpacked if it is gzip. \throws InputError if it cannot be read or is above 1 GiB
std::string text_of_file(const std::string& path);

/// The cells of one line of CSV.
std::vector<std::string_view> cells(std::string_view line);

}  // namespace waferwatt::validation
