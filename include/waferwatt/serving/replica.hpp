// SPDX-License-Identifier: Apache-2.0
#pragma once
// The engine of one replica: continuous batching, iteration by iteration.
//
// Each iteration gives one token to every decoding sequence, then spends the rest of the token
// budget on prompts: those begun first, then new ones in order of arrival while sequences and
// KV blocks last. When a decoding sequence needs a block and none is free, the sequence admitted
// last is preempted: its cache is dropped and computed again later. (vLLM's scheduler with
// chunked prefill, first come first served.)
//
// Decoding sequences advance in lockstep, so an iteration costs O(1) in their number: a heap
// holds the iteration at which each one ends, a ring of counters how many need a block when, and
// charges are differences of running sums.
#include <deque>
#include <queue>

#include "waferwatt/serving/iteration_model.hpp"
#include "waferwatt/serving/request_ledger.hpp"

namespace waferwatt::serving {

/// What a replica did so far; times in seconds.
struct ReplicaTotals {
  std::int64_t n_iterations = 0, n_preemptions = 0, n_completed = 0;
  std::int64_t prefill_tokens = 0,
               decode_tokens = 0;  ///< recomputed prompt tokens included; one per sequence that yields a token
  IterationCost cost;
  double kv_block_seconds = 0, sequence_seconds = 0;  ///< integrals over busy time
  std::int64_t peak_kv_blocks = 0;
};

class Replica {
 public:
  /// `records` outlives the replica; request ids are indices into it.
  Replica(IterationModel& model, const EngineSettings& engine, std::int64_t n_kv_blocks, std::int64_t context_limit,
          std::vector<RequestRecord>& records);

  /// Takes a request. \returns false when it can never fit; its record then says rejected
  bool enqueue(std::uint32_t id, double now_s);

  /// Schedules an iteration. \returns its duration in seconds; 0 when there is nothing to do
  double begin_iteration(double now_s);

  /// Ends the iteration begun last: tokens appear at `now_s`. \returns ids completed by it
  const std::vector<std::uint32_t>& finish_iteration(double now_s);

  bool is_running() const { return running_; }
  std::int64_t n_outstanding() const { return n_waiting() + n_in_batch(); }
  std::int64_t n_waiting() const { return static_cast<std::int64_t>(waiting_.size()); }
  std::int64_t n_in_batch() const { return static_cast<std::int64_t>(batch_.size()); }
  std::int64_t n_used_blocks() const { return n_blocks_ - n_free_; }
  std::int64_t n_blocks() const { return n_blocks_; }
  const ReplicaTotals& totals() const { return totals_; }
  const IterationLoad& load() const { return load_; }  ///< of the iteration begun last
  const IterationCost& cost() const { return cost_; }  ///< of the iteration begun last

 private:
  enum class State : std::uint8_t { waiting, prefill, decode };
  struct Sequence {
    std::uint32_t id = 0;
    State state = State::waiting;
    std::uint32_t epoch = 0;     // tells stale heap entries
    std::int64_t generated = 0;  // when it last joined the decodes or was preempted
    std::int64_t context = 0, target = 0, chunk = 0, blocks = 0;
    std::int64_t joined_step = 0;
    double arrival_s = 0;
    std::array<double, 3> queue_mark{};  // running sums of queue charges when it began to wait
    double decode_mark = 0, prefill_mark = 0;
  };
  struct End {
    std::int64_t step;
    std::uint32_t slot, epoch;
    bool operator>(const End& other) const { return step != other.step ? step > other.step : slot > other.slot; }
  };

  std::int64_t blocks_for(std::int64_t tokens) const { return (tokens + block_tokens_ - 1) / block_tokens_; }
  std::size_t phase(const Sequence& sequence) const;
  RequestRecord& record(const Sequence& sequence) { return records_[sequence.id]; }
  void start_waiting_clocks(double now_s);
  void make_room_for_decodes();
  void preempt_last();
  void continue_prefills(std::int64_t& budget);
  Charge admit(std::int64_t& budget);
  void add_chunk(Sequence& sequence, std::int64_t& budget);
  void charge_iteration();
  void advance_decodes(double now_s);
  void advance_prefills(double now_s);
  void join_decodes(std::uint32_t slot);
  void leave_decodes(Sequence& sequence);
  void complete(std::uint32_t slot, double now_s);
  void charge_queue(Sequence& sequence);

  IterationModel& model_;
  EngineSettings engine_;
  std::int64_t block_tokens_, n_blocks_, n_free_, n_watermark_, context_limit_;
  std::vector<RequestRecord>& records_;

  std::vector<Sequence> sequences_;
  std::vector<std::uint32_t> free_slots_, arrived_;  // arrived_: since the last scheduling
  std::deque<std::uint32_t> waiting_;
  std::vector<std::uint32_t> batch_, prefilling_;  // in order of admission
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::vector<std::int64_t> needing_block_;  // decodes by the step, modulo block size, that needs a block
  std::int64_t step_ = 0, n_decoding_ = 0, decode_context_ = 0;

  bool running_ = false, preempted_now_ = false;
  Charge queue_charge_ = Charge::queued_prefill;
  IterationLoad load_;
  IterationCost cost_;
  double decode_part_s_ = 0;           // of the iteration begun last
  std::array<double, 3> queue_sum_{};  // sequence_limit, kv_space, queued_prefill
  double decode_sum_ = 0, prefill_sum_ = 0;
  std::vector<std::uint32_t> completed_;
  ReplicaTotals totals_;
};

}  // namespace waferwatt::serving
