// SPDX-License-Identifier: Apache-2.0
#pragma once
// Plain numbers as people read them.
#include <string>

#include "waferwatt/core/vocabulary.hpp"

namespace waferwatt::core {

/// Three digits and a decimal prefix: "4.72 M", "317 k", "0.112"; from 1e18 on "1.05e+18".
std::string compact_number(double value);

/// Four digits, thousands apart: "3,332,848", "0.0937".
std::string grouped_number(double value);

}  // namespace waferwatt::core
