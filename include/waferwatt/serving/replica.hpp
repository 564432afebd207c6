// SPDX-License-Identifier: Apache-2.0
#pragma once
// The engine of one replica: continuous batching, iteration by iteration.
//
// A replica has a queue, a KV cache, and one lane for each stage of its pipeline: a lane is a batch of sequences of
// which an iteration is under way. At each boundary between iterations the scheduler's policy composes the next one
// (scheduling.hpp). While a lane only decodes, nothing changes from one iteration to the next but contexts, so many
// iterations are one stretch: it lasts until a sequence ends or the KV cache is full, and a request that arrives cuts
// it at the next boundary. The outcome is that of iterations one by one.
//
// Charges are differences of running sums and clocks, so that every second of a request is charged once.
#include <deque>
#include <functional>
#include <limits>

#include "waferwatt/serving/decode_group.hpp"
#include "waferwatt/serving/iteration_costs.hpp"
#include "waferwatt/serving/kv_cache.hpp"
#include "waferwatt/core/percentiles.hpp"
#include "waferwatt/serving/request_ledger.hpp"

namespace waferwatt::serving {

/// mixed: prompts and decodes; prefill: hands a request over with its first token; decode: takes those.
enum class Role : std::uint8_t { mixed, prefill, decode };

/// What a replica did so far; times in seconds.
struct ReplicaTotals {
  std::int64_t n_iterations = 0, n_preemptions = 0, n_completed = 0;
  std::int64_t prefill_tokens = 0,
               decode_tokens = 0;  ///< recomputed prompt tokens included; one per token that is yielded
  std::int64_t cached_tokens = 0, prompt_tokens = 0;  ///< prompts of admitted requests, found in the cache and all
  IterationCost cost;
  double prefill_s = 0;                               ///< of iteration time: what decodes alone would not have taken
  double prefill_j = 0;                               ///< of its energy, likewise
  double kv_block_seconds = 0, sequence_seconds = 0;  ///< integrals over busy time
  std::int64_t peak_kv_blocks = 0;
};

class Scheduling;
/// A scheduler's policy: composes the next iteration (scheduling.hpp says what it sees and may do).
using PolicyFunction = std::function<void(Scheduling&)>;

/// What a replica needs to know of its surroundings.
struct ReplicaShape {
  EngineSettings engine;
  std::int64_t n_kv_blocks = 0;
  std::int64_t context_limit = std::numeric_limits<std::int64_t>::max();
  std::int64_t n_stages = 1;       ///< of the pipeline
  std::int64_t prefix_tokens = 0;  ///< of a hashed block of the requests' prompts; 0: they have none
  Role role = Role::mixed;
  DataSize kv_block_size = {};     ///< on one accelerator: what swapping moves
  std::int64_t n_accelerators = 1;
  std::int64_t n_groups = 1;       ///< data-parallel ones, each of which computes prompts of its own
  PolicyFunction own_policy = {};  ///< of the caller; empty: the engine's settings name one
};

class Replica {
 public:
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  /// `requests` outlives the replica; request ids are indices into it.
  Replica(IterationCosts& model, const ReplicaShape& shape, std::vector<RequestRecord>& requests);

  /// Takes a request. \returns false when it can never fit; its record then says rejected
  bool enqueue(std::uint32_t id, double now_s);

  std::size_t n_lanes() const { return lanes_.size(); }
  bool is_running(std::size_t lane = 0) const { return lanes_[lane].running; }

  /// Schedules a lane's next work. \returns when it ends; kNever when there is nothing to do
  double begin(double now_s, std::size_t lane = 0);
  /// A request has arrived: \returns when the lane's work ends now
  double cut(double now_s, std::size_t lane = 0);
  /// Ends the work begun last: tokens appear at `now_s`. \returns ids completed by it
  const std::vector<std::uint32_t>& finish(double now_s, std::size_t lane = 0);

  /// Role prefill: requests whose first token came with the last finish(). Their KV blocks stay until release().
  const std::vector<std::uint32_t>& handed_over() const { return handed_over_; }
  void release(std::uint32_t id);

  /// The replica fails: all requests it holds, in order of arrival. It is then empty.
  std::vector<std::uint32_t> fail();

  std::int64_t n_outstanding() const { return n_waiting() + n_in_batch() + n_held_ + n_on_their_way_; }
  /// Role decode: so many more, or fewer, requests' caches are on their way here.
  void expect(std::int64_t change) { n_on_their_way_ += change; }
  std::int64_t n_waiting() const { return n_waiting_; }
  std::int64_t n_in_batch() const { return n_in_batch_; }
  std::int64_t n_used_blocks() const { return kv_.n_used(); }
  /// Now, in the middle of a stretch.
  std::int64_t n_used_blocks_at(double now_s);
  std::int64_t n_blocks() const { return kv_.n_blocks(); }
  /// Tokens of prompts in the queue and begun that are still to be computed.
  std::int64_t n_prompt_tokens_to_come() const { return prompt_tokens_to_come_; }
  /// Hashed blocks at the start of a request's prompt that are in the cache.
  std::int64_t n_cached_prefix(const RequestRecord& request) const { return kv_.match(request.prefix_hashes); }
  IterationCosts& model() { return model_; }
  const ReplicaShape& shape() const { return shape_; }
  const ReplicaTotals& totals() const { return totals_; }
  const KvCache& kv_cache() const { return kv_; }
  const IterationLoad& load(std::size_t lane = 0) const { return lanes_[lane].load; }  ///< of its last iteration
  const IterationCost& cost(std::size_t lane = 0) const { return lanes_[lane].cost; }  ///< of its last work
  std::int64_t n_steps(std::size_t lane = 0) const { return lanes_[lane].n_steps; }    ///< iterations in it
  double began_s(std::size_t lane = 0) const { return lanes_[lane].began_s; }

  /// Times between the tokens of a sequence go there; null: nowhere.
  void report_token_gaps_to(core::PercentileSink* sink) { token_gaps_ = sink; }
  /// One iteration at a time, for comparison.
  void step_by_step() { longest_stretch_ = 1; }

 private:
  friend class Scheduling;
  enum class State : std::uint8_t { unused, waiting, prefill, decode, held };
  struct BatchSums {  // seconds of a lane, by what they went to
    double decode = 0, prefill = 0, pipeline = 0, swap = 0, adapter = 0;
  };
  static constexpr std::size_t kNQueueCharges = 4;  // sequence_limit and the three after it
  struct Sequence {
    std::uint32_t id = 0;
    State state = State::unused;
    std::uint8_t priority = 0;
    bool swapped = false, has_blocks_for_all = false;
    std::int32_t adapter = -1;
    std::int64_t generated = 0;  // when it last joined the decodes or was preempted
    std::int64_t context = 0, target = 0, chunk = 0;
    std::int64_t blocks = 0, n_shared = 0;  // KV blocks of its own; hashed blocks of the cache
    std::int64_t joined_position = 0;
    double ready_s = 0;
    std::array<double, kNQueueCharges> queue_mark{};  // the sums when it began to wait
    BatchSums mark;                                   // the sums when it joined
  };
  struct Lane {
    Lane(std::int64_t block_tokens, double tokens_per_step) : decodes(block_tokens, tokens_per_step) {}
    DecodeGroup decodes;
    std::vector<std::uint32_t> batch, prefilling;  // slots, in order of admission
    std::vector<PrefillChunk> chunks;
    bool running = false, decoding = false, preempted = false;
    IterationLoad load;
    IterationCost cost, adapters;  // adapters: of an iteration, reading those in use
    std::int64_t n_steps = 0, blocks_taken = 0;
    double began_s = 0, ends_s = 0, decode_part_s = 0, swap_s = 0, adapter_s = 0;
    BatchSums sums;
    std::vector<std::pair<std::int64_t, double>> stalled;  // decoding sequences since iterations without them
  };
  struct Adapter {
    std::int32_t id = -1;
    std::int64_t n_users = 0, last_use = 0;
  };

  const EngineSettings& engine() const { return shape_.engine; }
  RequestRecord& record(const Sequence& sequence) { return requests_[sequence.id]; }
  bool fits(const RequestRecord& request) const;
  std::uint32_t new_slot();
  void wait_in_front(std::uint32_t slot);
  std::uint32_t next_waiting() const;
  void leave_queue(std::uint32_t slot);
  void settle_queue(double now_s);
  void charge_queue(Sequence& sequence);
  void charge_batch(const Lane& lane, Sequence& sequence);

  void price(Lane& lane, double now_s);
  std::int64_t stretch(Lane& lane);
  void charge_iteration(Lane& lane, double now_s);
  void note_token_gaps(Lane& lane, double duration_s);
  void advance_decodes(Lane& lane, double now_s);
  void advance_prefills(Lane& lane, double now_s);
  void join_decodes(Lane& lane, std::uint32_t slot);
  void leave_decodes(Lane& lane, Sequence& sequence, std::uint32_t slot);
  void complete(Lane& lane, std::uint32_t slot, double now_s);
  void hand_over(Lane& lane, std::uint32_t slot);
  void keep_prefix(Sequence& sequence, std::int64_t n_tokens);
  void free_blocks(Sequence& sequence);
  void free_slot(std::uint32_t slot);
  bool adapter_available(std::int32_t id) const;
  bool use_adapter(std::int32_t id);
  void leave_adapter(std::int32_t id);
  std::int64_t steps_done(const Lane& lane, double now_s);
  IterationCost decode_steps(const Lane& lane, std::int64_t n_steps);
  IterationCost reading_adapters();

  IterationCosts& model_;
  ReplicaShape shape_;
  KvCache kv_;
  std::int64_t n_watermark_;
  bool grows_;  // sequences take blocks as they go
  std::int64_t sequences_per_lane_;
  std::int64_t longest_chunk_;  // of one prompt: the budget of its group
  std::vector<RequestRecord>& requests_;
  core::PercentileSink* token_gaps_ = nullptr;
  std::int64_t longest_stretch_ = std::numeric_limits<std::int64_t>::max();

  std::vector<Sequence> sequences_;
  std::vector<std::uint32_t> free_slots_, arrived_;   // arrived_: since the last scheduling
  std::vector<std::deque<std::uint32_t>> waiting_;    // by priority
  std::vector<Lane> lanes_;
  std::vector<double> stage_free_s_;
  double host_free_s_ = 0;
  std::vector<Adapter> adapters_;
  std::int64_t adapter_clock_ = 0, n_adapters_in_use_ = 0, n_waiting_ = 0, n_in_batch_ = 0, n_held_ = 0, n_on_their_way_ = 0, prompt_tokens_to_come_ = 0;
  std::int64_t swapped_blocks_ = 0;

  Charge queue_charge_ = Charge::queued_prefill;  // what the queue waits for since queue_settled_s_
  double queue_settled_s_ = 0;
  std::array<double, kNQueueCharges> queue_sum_{};
  std::vector<std::uint32_t> completed_, handed_over_;
  ReplicaTotals totals_;
};

}  // namespace waferwatt::serving

namespace waferwatt::io {
template <>
struct EnumTexts<serving::Role> {
  static constexpr std::array values{std::pair{serving::Role::mixed, "mixed"},
                                     std::pair{serving::Role::prefill, "prefill"},
                                     std::pair{serving::Role::decode, "decode"}};
};
}  // namespace waferwatt::io
