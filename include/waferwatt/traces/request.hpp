// SPDX-License-Identifier: Apache-2.0
#pragma once
// A request as a trace or a generator gives it.
#include <cstdint>
#include <vector>

namespace waferwatt::traces {

struct Request {
  double arrival_s = 0;
  std::int64_t input_tokens = 0, output_tokens = 0;
  std::int32_t adapter = -1;     ///< LoRA adapter; negative: none
  std::uint8_t priority = 0;     ///< 0 goes first
  std::int64_t session = -1;     ///< its conversation; negative: none
  std::vector<std::uint64_t> prefix_hashes{};  ///< of the prompt's blocks; each stands for all before it, too
};

/// Requests one after the other, in order of arrival.
class Source {
 public:
  virtual ~Source() = default;
  /// \returns false when there are no more; `request` keeps its memory from one call to the next
  virtual bool next(Request& request) = 0;
  /// Tokens that one prefix hash stands for; 0: requests have none.
  virtual std::int64_t prefix_tokens() const { return 0; }
};

}  // namespace waferwatt::traces
