// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sequences that decode in lockstep.
//
// All gain the same number of tokens in an iteration, so an iteration costs O(1) in their number: a heap holds
// the position at which each ends, a ring of counters how many need a KV block at which position, and their
// contexts are known from their sum. Positions count tokens from the start of the replica; without speculative
// decoding an iteration is one position, with it floor(e (s + 1)) - floor(e s) for e tokens a step.
#include <cstdint>
#include <queue>
#include <vector>

namespace waferwatt::serving {

class DecodeGroup {
 public:
  DecodeGroup(std::int64_t block_tokens, double tokens_per_step);

  std::int64_t size() const { return n_; }
  std::int64_t position() const { return position_; }
  /// Tokens in all caches.
  std::int64_t context() const { return context_base_ + n_ * position_; }
  /// Tokens each sequence gains in the next iteration.
  std::int64_t next_tokens() const { return position_after(1) - position_; }
  bool one_token_a_step() const { return tokens_per_step_ == 1; }

  /// \param grows it takes a block whenever its context fills those it has
  void join(std::uint32_t slot, std::int64_t context, std::int64_t n_tokens_to_come, bool grows);
  /// \param context, joined_position as at join. \returns positions passed since
  std::int64_t leave(std::uint32_t slot, std::int64_t context, std::int64_t joined_position, bool grows);

  /// Iterations until the first sequence ends.
  std::int64_t steps_to_next_end();
  /// KV blocks that `n_steps` iterations take.
  std::int64_t blocks_needed(std::int64_t n_steps) const;
  /// The most iterations that take no more than so many blocks, at most `limit`. One token a step only.
  std::int64_t steps_within(std::int64_t n_blocks, std::int64_t limit) const;

  void advance(std::int64_t n_steps);
  /// A sequence that has ended at the present position, or nothing; it still has to leave.
  bool next_ended(std::uint32_t& slot);

  void clear();

 private:
  struct End {
    std::int64_t position;
    std::uint32_t slot, epoch;
    bool operator>(const End& other) const {
      return position != other.position ? position > other.position : slot > other.slot;
    }
  };

  std::int64_t position_after(std::int64_t n_steps) const;
  std::size_t phase(std::int64_t context, std::int64_t joined_position) const;
  void drop_stale();

  std::int64_t block_tokens_;
  double tokens_per_step_;
  std::int64_t step_ = 0, position_ = 0, n_ = 0, n_growing_ = 0;
  std::int64_t context_base_ = 0;      // sum of context - joined position
  std::vector<std::int64_t> needing_;  // sequences by the position, modulo block size, at which they need a block
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::vector<std::uint32_t> epochs_;  // by slot: tells stale heap entries
};

}  // namespace waferwatt::serving
