// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a scheduler's policy may do when it composes the next iteration of a lane, and the table of policies.
#include "waferwatt/serving/replica.hpp"

namespace waferwatt::serving {

class Scheduling {
 public:
  Scheduling(Replica& replica, Replica::Lane& lane);

  bool batch_is_empty() const { return lane_.batch.empty(); }
  /// Whether prompts are in the iteration.
  bool has_prompts() const { return n_prompts_ > 0; }

  /// All decoding sequences take part. Where KV blocks are short, those of least priority that were admitted last are
  /// preempted.
  void decode();
  /// Prompts that have begun get chunks, in order of admission, while the budget lasts.
  void continue_prompts();
  /// Waiting requests are admitted in order while sequences, adapters, KV blocks and the budget last.
  void admit_chunks() { admit(false); }
  /// The same, of prompts that fit the budget undivided.
  void admit_whole_prompts() { admit(true); }

  /// What keeps the head of the queue waiting from here on.
  Charge queue_charge() const { return queue_charge_; }

 private:
  using Sequence = Replica::Sequence;

  void admit(bool whole);
  std::optional<Charge> obstacle(const Sequence& sequence, bool whole) const;
  bool prompt_fits_undivided(std::int64_t tokens, bool is_recomputed) const;
  std::int64_t blocks_to_reserve(const Sequence& sequence, std::int64_t context) const;
  std::int64_t cached_prefix(const Sequence& sequence) const;
  void place(std::uint32_t slot);
  void add_chunk(std::uint32_t slot);
  void top_up_decodes();
  void preempt_last();
  bool swap_out(Sequence& sequence);

  Replica& replica_;
  Replica::Lane& lane_;
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

/// One function a file: policy_*.cpp.
void compose_static(Scheduling& iteration);
void compose_orca(Scheduling& iteration);
void compose_prefill_first(Scheduling& iteration);
void compose_chunked(Scheduling& iteration);

KvReservation reservation_of(const EngineSettings& engine);

}  // namespace waferwatt::serving
