// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/serving_halves.hpp"

#include <fmt/format.h>

namespace waferwatt::validation {

bool is_fit_for_profiles(const ServingCase& c) { return c.protocol != Protocol::open_loop && c.load.spread < 1; }

bool is_fitted_half(const ServingCase& c) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char letter : fmt::format("{} {} {}", c.configuration, c.load.input_tokens, c.load.output_tokens))
    hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211ULL;
  return (hash >> 32) % 2 == 0;
}

bool OnceEach::is_new(const ServingCase& c) {
  return seen_.insert(fmt::format("{} {} {} {} {}", c.configuration, c.load.concurrency, c.load.input_tokens, c.load.output_tokens,
                                  c.tpot_s.value_or(c.tokens_per_s.value_or(0)))).second;
}

}  // namespace waferwatt::validation
