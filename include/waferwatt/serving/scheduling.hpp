// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a scheduler's policy sees and may do when it composes the next iteration of a lane, and the table of policies.
//
// A policy is a function of a Scheduling. It is asked at every boundary between iterations at which something waits or
// runs, but not between iterations that only decode while nothing waits. It calls what the iteration shall hold, in the
// order in which budget and KV blocks go to it: decode() first, say, then continue_prompts(), then admit_chunks().
// The limits of the engine hold whatever it calls: tokens of the budget, sequences, adapters, KV blocks. An iteration
// for which nothing was called decodes what there is to decode.
#include "waferwatt/serving/replica.hpp"

namespace waferwatt::serving {

/// A request of a replica, as its scheduler sees it.
struct ScheduledRequest {
  std::uint32_t slot = 0;    ///< names it in calls of Scheduling, until the policy returns
  std::int64_t number = 0;   ///< in order of arrival at the deployment
  double arrival_s = 0;
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;  ///< what it will yield in all: real schedulers can only guess it
  std::int64_t generated_tokens = 0;
  std::int64_t tokens_to_compute = 0;  ///< of its prompt, before its next token; what the prefix cache has of it, too
  std::int64_t kv_tokens = 0;          ///< in its cache
  std::uint8_t priority = 0;           ///< 0 goes first
  std::int32_t adapter = -1, n_preemptions = 0;
};

class Scheduling {
 public:
  Scheduling(Replica& replica, Replica::Lane& lane, double now_s);

  // --- what a policy sees ---

  double now_s() const { return now_s_; }
  /// Tokens that the iteration still has room for: one of each decode (and its drafts), or of prompts.
  std::int64_t budget() const { return budget_; }
  /// Sequences that the batch still has room for.
  std::int64_t places() const { return replica_.sequences_per_lane_ - static_cast<std::int64_t>(lane_.batch.size()); }
  /// KV blocks that are free or would be if idle prefixes gave way; all; tokens of one; those kept free at admission.
  std::int64_t n_free_blocks() const { return replica_.kv_.n_available(); }
  std::int64_t n_blocks() const { return replica_.kv_.n_blocks(); }
  std::int64_t block_tokens() const { return replica_.engine().kv_block_tokens; }
  std::int64_t n_watermark_blocks() const { return replica_.n_watermark_; }
  bool batch_is_empty() const { return lane_.batch.empty(); }
  /// Whether prompts are in the iteration.
  bool has_prompts() const { return n_prompts_ > 0; }
  std::int64_t n_waiting() const { return replica_.n_waiting_; }
  std::int64_t n_decoding() const { return lane_.decodes.size(); }
  /// In the queue, in order of priority, then of arrival, preempted ones first.
  std::vector<ScheduledRequest> waiting() const;
  /// Begun but not complete prompts, and decoding sequences, in order of admission.
  std::vector<ScheduledRequest> prompts() const;
  std::vector<ScheduledRequest> decoding() const;

  // --- what it may do ---

  /// All decoding sequences take part. Where KV blocks are short, those of least priority that were admitted last are
  /// preempted.
  void decode();
  /// Prompts that have begun get chunks, in order of admission, while the budget lasts.
  void continue_prompts();
  /// Waiting requests are admitted in order while sequences, adapters, KV blocks and the budget last.
  void admit_chunks() { admit(false); }
  /// The same, of prompts that fit the budget undivided.
  void admit_whole_prompts() { admit(true); }

  /// Nobody is admitted until the batch has ended: the queue waits for its places.
  void close() { queue_charge_ = Charge::sequence_limit; }

  static constexpr std::int64_t kAllTokens = std::numeric_limits<std::int64_t>::max();
  /// One waiting request is admitted, out of turn, with at most so many tokens of its prompt in this iteration.
  /// \returns false, and nothing is done, where sequences, adapters, KV blocks or the budget stand against it
  /// \throws InputError when it does not wait, or `tokens` is below 1
  bool admit_one(std::uint32_t slot, std::int64_t tokens = kAllTokens);
  /// One begun prompt gets at most so many tokens. \returns whether it got any
  /// \throws InputError when it is no begun prompt, or `tokens` is below 1
  bool continue_one(std::uint32_t slot, std::int64_t tokens = kAllTokens);
  /// A sequence of the batch goes back to the front of the queue; nobody is admitted in this iteration afterwards.
  /// \throws InputError when it is not in the batch
  void preempt(std::uint32_t slot);

  /// What keeps the head of the queue waiting from here on.
  Charge queue_charge() const { return queue_charge_; }

 private:
  using Sequence = Replica::Sequence;

  void admit(bool whole);
  bool gathers() const;
  std::optional<Charge> obstacle(const Sequence& sequence, bool whole) const;
  bool prompt_fits_undivided(std::int64_t tokens, bool is_recomputed) const;
  std::int64_t blocks_to_reserve(const Sequence& sequence, std::int64_t context) const;
  std::int64_t cached_prefix(const Sequence& sequence) const;
  ScheduledRequest seen(std::uint32_t slot) const;
  void check(std::uint32_t slot, Replica::State state, std::int64_t tokens, const char* what) const;
  void place(std::uint32_t slot, std::int64_t most);
  void add_chunk(std::uint32_t slot, std::int64_t most);
  void top_up_decodes();
  void preempt_last();
  void put_back(std::uint32_t slot);
  bool swap_out(Sequence& sequence);

  Replica& replica_;
  Replica::Lane& lane_;
  double now_s_;
  KvReservation reservation_;
  std::int64_t budget_, n_prompts_ = 0, longest_prompt_ = 0;
  Charge queue_charge_ = Charge::queued_prefill;
};

struct PolicyEntry {
  SchedulerPolicy policy;
  KvReservation reservation;  ///< unless the engine's settings say otherwise
  bool divides_prompts;
  void (*compose)(Scheduling&);
};
const PolicyEntry& policy_of(SchedulerPolicy policy);
/// The settings', or the backend's: prompts in iterations of their own, else unified.
const PolicyEntry& policy_of(const EngineSettings& engine);

/// One function a file: policy_*.cpp.
void compose_static(Scheduling& iteration);
void compose_orca(Scheduling& iteration);
void compose_prefill_first(Scheduling& iteration);
void compose_prefill_first_chunked(Scheduling& iteration);
void compose_chunked(Scheduling& iteration);

/// What the engine's settings say; else the backend's where these name no policy either, the policy's, and chunk for a policy
/// of the caller's.
KvReservation reservation_of(const ReplicaShape& shape);

}  // namespace waferwatt::serving
