// SPDX-License-Identifier: Apache-2.0
#pragma once
// Quantities as text: `NUMBER UNIT`, units joined with `/` and `*`, as in "35000 wafer/month".
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "waferwatt/core/quantity.hpp"

namespace waferwatt::core {

/// Text that is no quantity, is ambiguous, or has another dimension than asked for.
/// what() says what to write instead.
class UnitTextError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct UnitValue {
  double base = 0;  ///< in base units
  Dimension dimension;
};

/// Reads "3.35 TB/s". The blank before the unit may be left out. Case matters.
/// \throws UnitTextError also for NaN and infinity
UnitValue parse_unit_text(std::string_view text);

/// The same, with the dimension checked: `expected power (e.g. "700 W"), got ...`.
double parse_unit_text_as(Dimension dimension, std::string_view text);

/// "3.35 TB/s" in the unit people use for the dimension, with at most fifteen digits.
std::string format_unit_text(double base, Dimension dimension);

/// The same with as many digits as it takes to read back to the same value.
std::string exact_unit_text(double base, Dimension dimension);

/// "power (e.g. \"700 W\")": how error messages and the reference call a dimension.
std::string describe_dimension(Dimension dimension);

/// An example of the dimension, such as "700 W".
std::string example_unit_text(Dimension dimension);

template <class Q>
Q parse_quantity(std::string_view text) {
  return Q::from_base(parse_unit_text_as(Q::dimension, text));
}
template <Dimension D>
std::string to_text(Quantity<D> quantity) {
  return format_unit_text(quantity.base(), D);
}

}  // namespace waferwatt::core
