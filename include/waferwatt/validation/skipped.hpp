// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace waferwatt::validation {

/// A row that cannot be used, and why.
struct Skipped {
  std::string id;  ///< its name, or "file:line"
  std::string reason;
};

}  // namespace waferwatt::validation
