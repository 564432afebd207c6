// SPDX-License-Identifier: Apache-2.0
// What a sequence of a replica holds and gives back: a place among the decodes, KV blocks, an adapter.
#include <algorithm>

#include "waferwatt/serving/replica.hpp"
#include "waferwatt/serving/scheduling.hpp"

namespace waferwatt::serving {

const char* charge_name(Charge charge) {
  constexpr std::array kNames{"no_replica",    "batch_boundary", "sequence_limit", "kv_space",
                              "queued_prefill", "adapter_slots",  "others_prefill", "others_decode",
                              "own_prefill",   "recompute",      "own_decode",     "pipeline",
                              "swap",          "adapter_load",   "transfer",       "failure",
                              "request_handling"};
  static_assert(kNames.size() == kNCharges);
  return kNames[index_of(charge)];
}

void Replica::join_decodes(Lane& lane, std::uint32_t slot) {
  Sequence& sequence = sequences_[slot];
  sequence.state = State::decode;
  sequence.joined_position = lane.decodes.position();
  sequence.mark.decode = lane.sums.decode;
  sequence.mark.prefill = lane.sums.prefill;
  lane.decodes.join(slot, sequence.context, record(sequence).output_tokens - sequence.generated,
                    grows_);
}

void Replica::leave_decodes(Lane& lane, Sequence& sequence, std::uint32_t slot) {
  const std::int64_t n = lane.decodes.leave(slot, sequence.context, sequence.joined_position, grows_);
  if (grows_) sequence.blocks = kv_.blocks_for(sequence.context + n) - sequence.n_shared * kv_.blocks_per_prefix();
  sequence.context += n;
  sequence.generated += n;
  RequestRecord& request = record(sequence);
  request.charge(Charge::own_decode, lane.sums.decode - sequence.mark.decode);
  request.charge(Charge::others_prefill, lane.sums.prefill - sequence.mark.prefill);
  charge_batch(lane, sequence);
}

// What befell all of the batch since the sequence joined it.
void Replica::charge_batch(const Lane& lane, Sequence& sequence) {
  RequestRecord& request = record(sequence);
  request.charge(Charge::pipeline, lane.sums.pipeline - sequence.mark.pipeline);
  request.charge(Charge::swap, lane.sums.swap - sequence.mark.swap);
  request.charge(Charge::adapter_load, lane.sums.adapter - sequence.mark.adapter);
}

void Replica::free_blocks(Sequence& sequence) {
  kv_.give_back(sequence.blocks);
  if (sequence.n_shared > 0) kv_.unpin(record(sequence).prefix_hashes, sequence.n_shared);
  sequence.blocks = sequence.n_shared = 0;
}

// Of its first tokens, which have been computed, whole hashed blocks go to the cache; it goes on using them.
void Replica::keep_prefix(Sequence& sequence, std::int64_t n_tokens) {
  if (!kv_.caches_prefixes()) return;
  const RequestRecord& request = record(sequence);
  const std::int64_t n_whole =
      std::min(n_tokens / kv_.prefix_tokens(), static_cast<std::int64_t>(request.prefix_hashes.size()));
  if (n_whole <= sequence.n_shared) return;
  kv_.keep(request.prefix_hashes, sequence.n_shared, n_whole);
  sequence.blocks -= (n_whole - sequence.n_shared) * kv_.blocks_per_prefix();
  sequence.n_shared = n_whole;
}

void Replica::complete(Lane& lane, std::uint32_t slot, double now_s) {
  Sequence& sequence = sequences_[slot];
  RequestRecord& request = record(sequence);
  request.end_s = now_s;
  keep_prefix(sequence, std::min(sequence.context, request.input_tokens + request.output_tokens - 1));
  free_blocks(sequence);
  leave_adapter(sequence.adapter);
  std::erase(lane.batch, slot);
  --n_in_batch_;
  completed_.push_back(sequence.id);
  free_slot(slot);
  ++totals_.n_completed;
}

void Replica::hand_over(Lane& lane, std::uint32_t slot) {
  Sequence& sequence = sequences_[slot];
  charge_batch(lane, sequence);
  leave_adapter(sequence.adapter);
  std::erase(lane.batch, slot);
  --n_in_batch_;
  ++n_held_;
  sequence.state = State::held;
  handed_over_.push_back(sequence.id);
}

void Replica::release(std::uint32_t id) {
  const std::uint32_t slot = requests_[id].slot;
  free_blocks(sequences_[slot]);
  free_slot(slot);
  --n_held_;
}

std::vector<std::uint32_t> Replica::fail() {
  std::vector<std::uint32_t> lost;
  for (std::uint32_t slot = 0; slot < sequences_.size(); ++slot) {
    if (sequences_[slot].state == State::unused) continue;
    lost.push_back(sequences_[slot].id);
    free_slot(slot);
  }
  std::ranges::sort(lost, {}, [&](std::uint32_t id) { return requests_[id].number; });
  for (auto& queue : waiting_) queue.clear();
  for (Lane& lane : lanes_) {
    lane.decodes.clear();
    lane.batch.clear();
    lane.prefilling.clear();
    lane.stalled.clear();
    lane.running = false;
  }
  std::ranges::fill(stage_free_s_, 0.0);
  host_free_s_ = 0;
  std::ranges::fill(adapters_, Adapter{});
  n_adapters_in_use_ = 0;
  arrived_.clear();
  kv_.clear();
  n_waiting_ = n_in_batch_ = n_held_ = prompt_tokens_to_come_ = swapped_blocks_ = 0;
  return lost;
}

// --- adapters: the least recently used one that nobody uses makes room ---

bool Replica::adapter_available(std::int32_t id) const {
  return id < 0 || std::ranges::any_of(adapters_, [&](const Adapter& a) { return a.id == id || a.n_users == 0; });
}

// \returns whether it has to be loaded
bool Replica::use_adapter(std::int32_t id) {
  if (id < 0) return false;
  auto found = std::ranges::find(adapters_, id, &Adapter::id);
  const bool is_new = found == adapters_.end();
  if (is_new) {
    for (auto i = adapters_.begin(); i != adapters_.end(); ++i)
      if (i->n_users == 0 && (found == adapters_.end() || i->last_use < found->last_use)) found = i;
    *found = {.id = id};
  }
  if (++found->n_users == 1) ++n_adapters_in_use_;
  found->last_use = ++adapter_clock_;
  return is_new;
}

void Replica::leave_adapter(std::int32_t id) {
  if (id < 0) return;
  if (--std::ranges::find(adapters_, id, &Adapter::id)->n_users == 0) --n_adapters_in_use_;
}

}  // namespace waferwatt::serving
