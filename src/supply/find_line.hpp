// SPDX-License-Identifier: Apache-2.0
#pragma once
// The line of a chain by its name.
#include <algorithm>
#include <string_view>

namespace waferwatt::supply {

template <class Lines>
auto find_line(const Lines& lines, std::string_view name, auto member) {
  return std::ranges::find_if(lines, [&](const auto& line) { return line.*member == name; });
}

}  // namespace waferwatt::supply
