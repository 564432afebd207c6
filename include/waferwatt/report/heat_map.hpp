// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which links of a fabric are hot, as a picture.
#include <string>

#include "waferwatt/scenario/result.hpp"

namespace waferwatt::report {

/// A section of the page: a row for each kind of links, a cell for each switch, as dark as its most used link.
/// Empty when the result has no table "link_use".
std::string heat_map_section(const scenario::Result& result);

}  // namespace waferwatt::report
