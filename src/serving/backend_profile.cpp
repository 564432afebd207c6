// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/backend_profile.hpp"

#include <algorithm>
#include <array>

namespace waferwatt::serving {
namespace {

BackendProfile profile(std::string name, std::string all_reduce, bool prefill_first, std::int64_t budget, double memory, NumberFormat kv) {
  return {.name = std::move(name), .all_reduce = std::move(all_reduce), .prefill_first = prefill_first,
          .max_batched_tokens = budget, .memory_utilisation = memory, .kv_format = kv};
}

const std::array<BackendProfile, 3>& profiles() {
  static const std::array<BackendProfile, 3> all = [] {
    std::array p{profile("trtllm", "trtllm", false, 8192, 0.9, NumberFormat::fp8),
                 profile("sglang", "sglang graph", true, 16384, 0.85, NumberFormat::bf16),
                 profile("vllm", "vllm graph", false, 8192, 0.9, NumberFormat::bf16)};
    return p;
  }();
  return all;
}

}  // namespace

const BackendProfile* find_backend(std::string_view name) {
  const auto found = std::ranges::find(profiles(), name, &BackendProfile::name);
  return found == profiles().end() ? nullptr : &*found;
}

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const auto& p : profiles()) names.push_back(p.name);
  return names;
}

}  // namespace waferwatt::serving
