// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is wrong with a measurement as a whole: every row may look possible and the file be of another unit or
// another accelerator.
#include <optional>
#include <string>

#include "waferwatt/validation/measurement_file.hpp"

namespace waferwatt::validation {

/// Why the rows of an accelerator cannot be in microseconds, or nothing.
std::optional<std::string> wrong_unit(const catalog::Catalog& catalog, const std::string& accelerator, const Measurements& measurements);

/// Why the rows are of another accelerator than they say, or nothing: a calibrated accelerator meets them closely, this
/// one's calibration does not.
std::optional<std::string> other_accelerator(const catalog::Catalog& catalog, const std::string& accelerator,
                                             const Measurements& measurements);

/// Why the rows measure something else than single operators, or nothing: all are the same factor off, those that wait for
/// launches, for memory and for arithmetic alike, which neither a slow library nor a low clock does. Against points of other
/// accelerators the factor must be larger.
std::optional<std::string> evenly_off(const catalog::Catalog& catalog, const std::string& accelerator, const Measurements& measurements);

/// The accelerator's own points are known, so that what is expected is no guess.
bool is_measured(const catalog::Catalog& catalog, const std::string& accelerator);

}  // namespace waferwatt::validation
