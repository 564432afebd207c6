// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/decode_group.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace waferwatt::serving {

DecodeGroup::DecodeGroup(std::int64_t block_tokens, double tokens_per_step)
    : block_tokens_(block_tokens),
      tokens_per_step_(tokens_per_step),
      needing_(static_cast<std::size_t>(block_tokens)) {}

std::int64_t DecodeGroup::position_after(std::int64_t n_steps) const {
  if (one_token_a_step()) return position_ + n_steps;
  return static_cast<std::int64_t>(std::floor(tokens_per_step_ * static_cast<double>(step_ + n_steps)));
}

// A sequence that joined at position p with context c needs a block at the positions q where its context then,
// c + (q - p), fills its blocks exactly.
std::size_t DecodeGroup::phase(std::int64_t context, std::int64_t joined_position) const {
  const std::int64_t at = (joined_position - context) % block_tokens_;
  return static_cast<std::size_t>(at < 0 ? at + block_tokens_ : at);
}

void DecodeGroup::join(std::uint32_t slot, std::int64_t context, std::int64_t n_tokens_to_come, bool grows) {
  if (slot >= epochs_.size()) epochs_.resize(slot + 1, 0);
  ++n_;
  context_base_ += context - position_;
  if (grows) {
    ++n_growing_;
    ++needing_[phase(context, position_)];
  }
  ends_.push({position_ + n_tokens_to_come, slot, epochs_[slot]});
}

std::int64_t DecodeGroup::leave(std::uint32_t slot, std::int64_t context, std::int64_t joined_position, bool grows) {
  --n_;
  context_base_ -= context - joined_position;
  if (grows) {
    --n_growing_;
    --needing_[phase(context, joined_position)];
  }
  ++epochs_[slot];
  return position_ - joined_position;
}

void DecodeGroup::drop_stale() {
  while (!ends_.empty() && ends_.top().epoch != epochs_[ends_.top().slot]) ends_.pop();
}

std::int64_t DecodeGroup::steps_to_next_end() {
  drop_stale();
  if (ends_.empty()) return std::numeric_limits<std::int64_t>::max();
  const std::int64_t end = ends_.top().position;
  if (one_token_a_step()) return end - position_;
  std::int64_t n = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(static_cast<double>(end) / tokens_per_step_)) - step_ - 1);
  while (position_after(n) < end) ++n;
  return n;
}

std::int64_t DecodeGroup::blocks_needed(std::int64_t n_steps) const {
  if (n_growing_ == 0) return 0;
  const std::int64_t n_positions = position_after(n_steps) - position_;
  std::int64_t blocks = n_positions / block_tokens_ * n_growing_;
  for (std::int64_t q = position_ + n_positions - n_positions % block_tokens_; q < position_ + n_positions; ++q)
    blocks += needing_[static_cast<std::size_t>(q % block_tokens_)];
  return blocks;
}

std::int64_t DecodeGroup::steps_within(std::int64_t n_blocks, std::int64_t limit) const {
  if (n_growing_ == 0 || n_blocks / n_growing_ > limit / block_tokens_) return limit;
  std::int64_t n = n_blocks / n_growing_ * block_tokens_;
  std::int64_t left = n_blocks % n_growing_;
  for (; n < limit; ++n) {
    left -= needing_[static_cast<std::size_t>((position_ + n) % block_tokens_)];
    if (left < 0) break;
  }
  return n;
}

void DecodeGroup::advance(std::int64_t n_steps) {
  position_ = position_after(n_steps);
  step_ += n_steps;
}

bool DecodeGroup::next_ended(std::uint32_t& slot) {
  drop_stale();
  if (ends_.empty() || ends_.top().position > position_) return false;
  slot = ends_.top().slot;
  ends_.pop();
  return true;
}

void DecodeGroup::clear() {
  n_ = n_growing_ = context_base_ = 0;
  std::ranges::fill(needing_, 0);
  ends_ = {};
}

}  // namespace waferwatt::serving
