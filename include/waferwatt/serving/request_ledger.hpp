// SPDX-License-Identifier: Apache-2.0
#pragma once
// What became of a request, and what each second of it was spent on.
#include <array>
#include <cstdint>
#include <vector>

namespace waferwatt::serving {

/// Every moment between a request's arrival and its last token is charged to one of these.
enum class Charge {
  no_replica,      ///< at the router: no replica was up
  batch_boundary,  ///< arrived while an iteration was running
  sequence_limit,  ///< queued: the batch held as many sequences as it may
  kv_space,        ///< queued: too few free KV blocks, at the start or after preemption
  queued_prefill,  ///< queued: the token budget went to requests before it
  adapter_slots,   ///< queued: the batch held as many adapters as it may
  others_prefill,  ///< in the batch: iterations made longer by the prompts of others
  others_decode,   ///< in prefill: the part of the iterations that decoded others
  own_prefill,     ///< its own prompt
  recompute,       ///< its own tokens again, after preemption
  own_decode,      ///< decoding, with the batch it shares
  pipeline,        ///< in the batch: a stage was busy with another micro-batch
  swap,            ///< in the batch: KV blocks moved between accelerator and host
  adapter_load,    ///< in the batch: an adapter was loaded
  transfer,        ///< its KV cache was on its way from prefill to decode
  failure,         ///< all it had got on a replica that failed
  request_handling ///< the engine's host parsed, tokenised and answered it
};
inline constexpr std::size_t kNCharges = 17;
/// "batch_boundary", ...: as columns and ledgers name them.
const char* charge_name(Charge charge);
inline constexpr std::size_t index_of(Charge charge) { return static_cast<std::size_t>(charge); }

/// What becomes of a request that is not served.
enum class Refusal : std::uint8_t {
  none,
  too_long,      ///< longer than the KV cache, the model's context or an iteration that may not be divided
  rate_limited,  ///< beyond the rate that the router lets in
  overloaded     ///< admission control: too many were outstanding
};

/// Times are in seconds of the simulation's clock; negative: did not happen.
struct RequestRecord {
  double arrival_s = 0, first_token_s = -1, end_s = -1;
  double decode_start_s = -1;  ///< when a replica for decodes alone took it in
  std::int64_t input_tokens = 0, output_tokens = 0;
  std::int64_t number = 0;         ///< in order of arrival, from 0
  std::int64_t cached_tokens = 0;  ///< of its prompt, found in a prefix cache
  std::int32_t replica = -1;       ///< that yielded its last token
  std::int32_t n_preemptions = 0, n_retries = 0;
  std::int32_t adapter = -1;       ///< LoRA adapter; negative: none
  std::uint32_t slot = 0;          ///< in its replica
  std::uint8_t priority = 0;       ///< 0 goes first
  bool rejected = false;
  Refusal refusal = Refusal::none;
  std::int64_t session = -1;                ///< its conversation; negative: none
  std::vector<std::uint64_t> prefix_hashes{};  ///< of its prompt's blocks; each stands for all before it, too
  std::array<double, kNCharges> charged_s{};   ///< sums to end - arrival

  bool completed() const { return end_s >= 0; }
  double time_to_first_token_s() const { return first_token_s - arrival_s; }
  double end_to_end_s() const { return end_s - arrival_s; }
  /// Mean time between the tokens after the first; 0 for a single token.
  double time_per_output_token_s() const {
    return output_tokens > 1 ? (end_s - first_token_s) / static_cast<double>(output_tokens - 1) : 0;
  }
  void charge(Charge to, double time_s) { charged_s[index_of(to)] += time_s; }
};

}  // namespace waferwatt::serving
