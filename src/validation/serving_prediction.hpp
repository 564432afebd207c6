// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "waferwatt/validation/serving_requests.hpp"

namespace waferwatt::validation {

/// The engine as the case's source set it, else as the backend's profile has it.
serving::EngineSettings engine_of(const ServingCase& c, const serving::BackendProfile& profile);

/// Requests that arrive by a Poisson process, of lengths that spread evenly (serving/closed_loop.hpp).
std::vector<MeasuredRequest> poisson_requests(const ServingCase& c);

}  // namespace waferwatt::validation
