// SPDX-License-Identifier: Apache-2.0
#include "page_assets.hpp"

#include <algorithm>
#include <utility>

namespace waferwatt::report {
namespace {

#include "page_assets.inc"

}  // namespace

std::string_view page_asset(std::string_view name) {
  const auto at = std::ranges::find(kFiles, name, &std::pair<std::string_view, std::string_view>::first);
  return at == std::end(kFiles) ? std::string_view{} : at->second;
}

}  // namespace waferwatt::report
