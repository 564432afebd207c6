// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which measurements a backend's profile is fitted on, and which tell how well it carries over.
#include <set>

#include "waferwatt/validation/serving_cases.hpp"

namespace waferwatt::validation {

/// Nothing that hangs on arrivals of its own, or on lengths of which only the mean is known.
bool is_fit_for_profiles(const ServingCase& serving_case);

/// Whether a case's configuration is of the half that is fitted; the other is held out.
bool is_fitted_half(const ServingCase& serving_case);

/// Lets each measurement through once: tables repeat some.
class OnceEach {
 public:
  bool is_new(const ServingCase& serving_case);

 private:
  std::set<std::string> seen_;
};

}  // namespace waferwatt::validation
