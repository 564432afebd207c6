// SPDX-License-Identifier: Apache-2.0
#pragma once
// Plain numbers as people read them.
#include <string>
#include <string_view>

#include "waferwatt/core/vocabulary.hpp"

namespace waferwatt::core {

/// So many digits and a decimal prefix: "4.72 M", "317 k", "0.112"; from 1e18 on "1.05e+18".
std::string compact_number(double value, int digits = 3);

/// Three digits and a unit with a decimal prefix: of 4.73e10 and "Wh" it is "47.3 GWh", of 249e3 and "tCO2e" "249 ktCO2e".
std::string quantity_text(double value, std::string_view unit);

/// Four digits, thousands apart: "3,332,848", "0.0937".
std::string grouped_number(double value);

}  // namespace waferwatt::core
