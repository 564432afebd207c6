// SPDX-License-Identifier: Apache-2.0
#pragma once
// What became of a request, and what each second of it was spent on.
#include <array>
#include <cstdint>
#include <vector>

namespace waferwatt::serving {

/// Every moment between a request's arrival and its last token is charged to one of these.
enum class Charge {
  batch_boundary,  ///< arrived while an iteration was running
  sequence_limit,  ///< queued: the batch held as many sequences as it may
  kv_space,        ///< queued: too few free KV blocks, at the start or after preemption
  queued_prefill,  ///< queued: the token budget went to requests before it
  others_prefill,  ///< in the batch: iterations made longer by the prompts of others
  others_decode,   ///< in prefill: the part of the iterations that decoded others
  own_prefill,     ///< its own prompt
  recompute,       ///< its own tokens again, after preemption
  own_decode       ///< decoding, with the batch it shares
};
inline constexpr std::size_t kNCharges = 9;
/// "batch_boundary", ...: as columns and ledgers name them.
const char* charge_name(Charge charge);
inline constexpr std::size_t index_of(Charge charge) { return static_cast<std::size_t>(charge); }

/// Times are in seconds of the simulation's clock; negative: did not happen.
struct RequestRecord {
  double arrival_s = 0, first_token_s = -1, end_s = -1;
  std::int64_t input_tokens = 0, output_tokens = 0;
  std::int32_t replica = -1;
  std::int32_t n_preemptions = 0;
  bool rejected = false;                      ///< longer than the KV cache or the model's context
  std::array<double, kNCharges> charged_s{};  ///< sums to end - arrival

  bool completed() const { return end_s >= 0; }
  double time_to_first_token_s() const { return first_token_s - arrival_s; }
  double end_to_end_s() const { return end_s - arrival_s; }
  /// Mean time between the tokens after the first; 0 for a single token.
  double time_per_output_token_s() const {
    return output_tokens > 1 ? (end_s - first_token_s) / static_cast<double>(output_tokens - 1) : 0;
  }
};

}  // namespace waferwatt::serving
