// SPDX-License-Identifier: Apache-2.0
#pragma once
// A result as bytes, for the pipe from a child process.
#include <string>
#include <string_view>

#include "waferwatt/core/diagnostic.hpp"
#include "waferwatt/scenario/result.hpp"

namespace waferwatt::scenario {

std::string to_bytes(const Result& result);

/// \throws std::runtime_error when the bytes are no complete result
Result result_from_bytes(std::string_view bytes);

std::string to_bytes(const std::vector<Diagnostic>& diagnostics);
std::vector<Diagnostic> diagnostics_from_bytes(std::string_view bytes);

}  // namespace waferwatt::scenario
