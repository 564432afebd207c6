// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/scheduling.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::serving {

const PolicyEntry& policy_of(SchedulerPolicy policy) {
  static constexpr PolicyEntry kTable[] = {
      {SchedulerPolicy::static_batching, KvReservation::whole_request, false, compose_static},
      {SchedulerPolicy::orca, KvReservation::whole_request, false, compose_orca},
      {SchedulerPolicy::prefill_first, KvReservation::prompt, false, compose_prefill_first},
      {SchedulerPolicy::prefill_first_chunked, KvReservation::prompt, true, compose_prefill_first_chunked},
      {SchedulerPolicy::sarathi, KvReservation::prompt, true, compose_chunked},
      {SchedulerPolicy::unified, KvReservation::chunk, true, compose_chunked}};
  return *std::ranges::find(kTable, policy, &PolicyEntry::policy);
}

const PolicyEntry& policy_of(const EngineSettings& engine) {
  const auto usual = engine.backend.prefill_first ? SchedulerPolicy::prefill_first_chunked : SchedulerPolicy::unified;
  return policy_of(engine.scheduler.policy.value_or(usual));
}

KvReservation reservation_of(const ReplicaShape& shape) {
  const EngineSettings& engine = shape.engine;
  if (engine.kv_reservation) return *engine.kv_reservation;
  if (shape.own_policy) return KvReservation::chunk;
  if (!engine.scheduler.policy && engine.backend.reserves_whole_requests) return KvReservation::whole_request;
  return policy_of(engine).reservation;
}

Scheduling::Scheduling(Replica& replica, Replica::Lane& lane, double now_s)
    : replica_(replica),
      lane_(lane),
      now_s_(now_s),
      reservation_(reservation_of(replica.shape_)),
      budget_(replica.engine().max_batched_tokens) {}

ScheduledRequest Scheduling::seen(std::uint32_t slot) const {
  const Sequence& sequence = replica_.sequences_[slot];
  const RequestRecord& request = replica_.record(sequence);
  const std::int64_t since = sequence.state == Replica::State::decode ? lane_.decodes.position() - sequence.joined_position : 0;
  return {.slot = slot,
          .number = request.number,
          .arrival_s = request.arrival_s,
          .input_tokens = request.input_tokens,
          .output_tokens = request.output_tokens,
          .generated_tokens = sequence.generated + since,
          .tokens_to_compute = sequence.target > sequence.context ? sequence.target - sequence.context : 0,
          .kv_tokens = sequence.context + since,
          .priority = sequence.priority,
          .adapter = sequence.adapter,
          .n_preemptions = request.n_preemptions};
}

std::vector<ScheduledRequest> Scheduling::waiting() const {
  std::vector<ScheduledRequest> all;
  for (const auto& queue : replica_.waiting_)
    for (const std::uint32_t slot : queue) all.push_back(seen(slot));
  return all;
}

std::vector<ScheduledRequest> Scheduling::prompts() const {
  std::vector<ScheduledRequest> all;
  for (const std::uint32_t slot : lane_.prefilling) all.push_back(seen(slot));
  return all;
}

std::vector<ScheduledRequest> Scheduling::decoding() const {
  std::vector<ScheduledRequest> all;
  for (const std::uint32_t slot : lane_.batch)
    if (replica_.sequences_[slot].state == Replica::State::decode) all.push_back(seen(slot));
  return all;
}

void Scheduling::check(std::uint32_t slot, Replica::State state, std::int64_t tokens, const char* what) const {
  if (slot >= replica_.sequences_.size() || replica_.sequences_[slot].state != state)
    throw InputError(fmt::format("the scheduler's policy names slot {}, which holds no {}", slot, what));
  if (tokens < 1) throw InputError(fmt::format("the scheduler's policy gives {} tokens to slot {}: at least 1 is expected", tokens, slot));
}

bool Scheduling::admit_one(std::uint32_t slot, std::int64_t tokens) {
  check(slot, Replica::State::waiting, tokens, "waiting request");
  if (const auto why = obstacle(replica_.sequences_[slot], false)) {
    queue_charge_ = *why;
    return false;
  }
  replica_.leave_queue(slot);
  place(slot, tokens);
  return true;
}

bool Scheduling::continue_one(std::uint32_t slot, std::int64_t tokens) {
  check(slot, Replica::State::prefill, tokens, "begun prompt");
  if (budget_ <= 0 || replica_.sequences_[slot].chunk > 0) return false;
  add_chunk(slot, tokens);
  return replica_.sequences_[slot].chunk > 0;
}

void Scheduling::preempt(std::uint32_t slot) {
  if (std::ranges::find(lane_.batch, slot) == lane_.batch.end())
    throw InputError(fmt::format("the scheduler's policy preempts slot {}, which is not in the batch", slot));
  put_back(slot);
}

void Scheduling::decode() {
  lane_.decoding = lane_.decodes.size() > 0;
  if (!lane_.decoding) return;
  while (lane_.decodes.blocks_needed(1) > replica_.kv_.n_available()) preempt_last();
  top_up_decodes();
  lane_.decoding = lane_.decodes.size() > 0;
  budget_ -= lane_.decodes.size() * (1 + replica_.engine().scheduler.draft_tokens);
}

// Blocks for the next iteration of those that decode now.
void Scheduling::top_up_decodes() {
  const std::int64_t wanted = lane_.decodes.blocks_needed(1);
  if (wanted > lane_.blocks_taken)
    replica_.kv_.take(wanted - lane_.blocks_taken);
  else
    replica_.kv_.give_back(lane_.blocks_taken - wanted);
  lane_.blocks_taken = wanted;
}

void Scheduling::continue_prompts() {
  for (std::size_t i = 0; i < lane_.prefilling.size() && budget_ > 0; ++i) add_chunk(lane_.prefilling[i], kAllTokens);
}

void Scheduling::add_chunk(std::uint32_t slot, std::int64_t most) {
  Sequence& sequence = replica_.sequences_[slot];
  if (sequence.chunk > 0) return;
  const std::int64_t chunk = std::min({sequence.target - sequence.context, budget_, most, replica_.longest_chunk_});
  if (!sequence.has_blocks_for_all) {
    const auto wanted = [&] {
      return replica_.kv_.blocks_for(sequence.context + chunk) - sequence.blocks -
             sequence.n_shared * replica_.kv_.blocks_per_prefix();
    };
    while (wanted() > replica_.kv_.n_available()) {
      const std::uint32_t last = lane_.batch.back();
      preempt_last();
      if (last == slot || sequence.state != Replica::State::prefill) return;
    }
    if (const std::int64_t n = wanted(); n > 0) {
      replica_.kv_.take(n);
      sequence.blocks += n;
    }
  }
  sequence.chunk = chunk;
  budget_ -= chunk;
  ++n_prompts_;
  longest_prompt_ = std::max(longest_prompt_, chunk);
}

bool Scheduling::prompt_fits_undivided(std::int64_t tokens, bool is_recomputed) const {
  if (n_prompts_ == 0 && is_recomputed) return true;  // it has grown since it was let in
  if (!replica_.engine().scheduler.count_padding) return tokens <= budget_;
  return (n_prompts_ + 1) * std::max(longest_prompt_, tokens) <= replica_.engine().max_batched_tokens;
}

// Hashed blocks that the prompt finds in the cache; its last token is always computed.
std::int64_t Scheduling::cached_prefix(const Sequence& sequence) const {
  const KvCache& kv = replica_.kv_;
  if (!kv.caches_prefixes() || sequence.context > 0) return 0;
  return std::min(kv.match(replica_.record(sequence).prefix_hashes), (sequence.target - 1) / kv.prefix_tokens());
}

std::int64_t Scheduling::blocks_to_reserve(const Sequence& sequence, std::int64_t context) const {
  const RequestRecord& request = replica_.record(sequence);
  if (reservation_ == KvReservation::whole_request)
    return replica_.kv_.blocks_for(replica_.shape_.role == Role::prefill ? sequence.target
                                                                         : request.input_tokens + request.output_tokens);
  if (reservation_ == KvReservation::prompt) return replica_.kv_.blocks_for(sequence.target);
  return replica_.kv_.blocks_for(std::min(sequence.target, context + std::max<std::int64_t>(budget_, 0)));
}

// Why the head of the queue is not admitted now.
std::optional<Charge> Scheduling::obstacle(const Sequence& sequence, bool whole) const {
  if (lane_.preempted) return Charge::kv_space;
  if (static_cast<std::int64_t>(lane_.batch.size()) >= replica_.sequences_per_lane_) return Charge::sequence_limit;
  if (!replica_.adapter_available(sequence.adapter)) return Charge::adapter_slots;
  const KvCache& kv = replica_.kv_;
  const std::int64_t n_cached = cached_prefix(sequence);
  const std::int64_t context = sequence.context + n_cached * kv.prefix_tokens();
  const std::int64_t tokens = sequence.target - context;
  if (tokens > 0) {
    if (budget_ <= 0) return Charge::queued_prefill;
    if (whole && !prompt_fits_undivided(tokens, sequence.generated > 0)) return Charge::queued_prefill;
  }
  const std::int64_t next_block = tokens == 0 && context % replica_.engine().kv_block_tokens == 0 ? 1 : 0;
  // A prompt begun without room for all of it would soon be preempted, and its work lost (vLLM: scheduler_reserve_full_isl).
  const std::int64_t own = std::max(blocks_to_reserve(sequence, context), kv.blocks_for(sequence.target)) - n_cached * kv.blocks_per_prefix();
  const std::int64_t idle = n_cached > 0 ? kv.idle_blocks(replica_.record(sequence).prefix_hashes, n_cached) : 0;
  if (own + next_block + idle + replica_.n_watermark_ > kv.n_available()) return Charge::kv_space;
  return std::nullopt;
}

// Data-parallel groups step together, so that a prompt of one keeps the others waiting: some engines let prompts wait
// until there is one for each.
bool Scheduling::gathers() const {
  const std::int64_t n = replica_.engine().backend.gathers_prompts ? replica_.shape_.n_groups : 1;
  return lane_.prefilling.empty() && replica_.n_waiting_ < n && lane_.decodes.size() >= n && replica_.shape_.role != Role::decode;
}

void Scheduling::admit(bool whole) {
  if (gathers()) return;
  while (replica_.n_waiting_ > 0) {
    const std::uint32_t slot = replica_.next_waiting();
    if (const auto why = obstacle(replica_.sequences_[slot], whole)) {
      queue_charge_ = *why;
      return;
    }
    replica_.leave_queue(slot);
    place(slot, kAllTokens);
  }
}

void Scheduling::place(std::uint32_t slot, std::int64_t most) {
  Sequence& sequence = replica_.sequences_[slot];
  RequestRecord& request = replica_.record(sequence);
  KvCache& kv = replica_.kv_;
  replica_.charge_queue(sequence);
  sequence.mark = lane_.sums;
  if (replica_.use_adapter(sequence.adapter))
    lane_.adapter_s += (replica_.engine().scheduler.adapter_size / replica_.engine().scheduler.host_bandwidth).in(second) /
                       static_cast<double>(replica_.shape_.n_accelerators);

  sequence.n_shared = cached_prefix(sequence);
  if (sequence.n_shared > 0) {
    kv.pin(request.prefix_hashes, sequence.n_shared);
    const std::int64_t found = sequence.n_shared * kv.prefix_tokens();
    sequence.context += found;
    replica_.prompt_tokens_to_come_ -= found;
    if (sequence.generated == 0) request.cached_tokens = found;
    replica_.totals_.cached_tokens += found;
  }
  replica_.totals_.prompt_tokens += sequence.target;
  sequence.blocks = blocks_to_reserve(sequence, sequence.context) - sequence.n_shared * kv.blocks_per_prefix();
  sequence.has_blocks_for_all = reservation_ != KvReservation::chunk;
  kv.take(sequence.blocks);
  if (sequence.swapped) {
    const std::int64_t n = kv.blocks_for(sequence.context);
    replica_.swapped_blocks_ -= n;
    lane_.swap_s += (static_cast<double>(n) * replica_.shape_.kv_block_size / replica_.engine().scheduler.host_bandwidth).in(second);
    sequence.swapped = false;
  }
  lane_.batch.push_back(slot);
  ++replica_.n_in_batch_;
  if (sequence.context == sequence.target) {
    if (replica_.shape_.role == Role::decode && request.decode_start_s < 0) request.decode_start_s = now_s_;
    replica_.join_decodes(lane_, slot);
    if (lane_.decoding) top_up_decodes();
    return;
  }
  sequence.state = Replica::State::prefill;
  lane_.prefilling.push_back(slot);
  add_chunk(slot, most);
}

// The least urgent, of those the last.
void Scheduling::preempt_last() {
  auto victim = lane_.batch.end() - 1;
  for (auto i = lane_.batch.begin(); i != lane_.batch.end(); ++i)
    if (replica_.sequences_[*i].priority >= replica_.sequences_[*victim].priority) victim = i;
  put_back(*victim);
}

void Scheduling::put_back(std::uint32_t slot) {
  lane_.preempted = true;
  std::erase(lane_.batch, slot);
  --replica_.n_in_batch_;
  Sequence& sequence = replica_.sequences_[slot];
  if (sequence.state == Replica::State::decode) {
    replica_.leave_decodes(lane_, sequence, slot);
    if (lane_.decoding && lane_.blocks_taken > 0) top_up_decodes();
    lane_.decoding = lane_.decoding && lane_.decodes.size() > 0;
  } else {
    std::erase(lane_.prefilling, slot);
    replica_.charge_batch(lane_, sequence);
    if (sequence.chunk > 0) --n_prompts_;
    sequence.chunk = 0;
  }
  RequestRecord& request = replica_.record(sequence);
  const bool is_swapped = replica_.engine().scheduler.preemption == Preemption::swap && swap_out(sequence);
  replica_.free_blocks(sequence);
  replica_.prompt_tokens_to_come_ -= sequence.state == Replica::State::prefill ? sequence.target - sequence.context : 0;
  if (!is_swapped) {
    sequence.context = 0;
    sequence.target = request.input_tokens + sequence.generated;
  } else if (sequence.state == Replica::State::decode) {
    sequence.target = sequence.context;
  }
  replica_.prompt_tokens_to_come_ += sequence.target - sequence.context;
  ++request.n_preemptions;
  ++replica_.totals_.n_preemptions;
  replica_.leave_adapter(sequence.adapter);
  replica_.wait_in_front(slot);
}

// \returns whether the host has space for it
bool Scheduling::swap_out(Sequence& sequence) {
  const std::int64_t n = replica_.kv_.blocks_for(sequence.context);
  const DataSize size = static_cast<double>(n + replica_.swapped_blocks_) * replica_.shape_.kv_block_size;
  if (n == 0 || size > replica_.engine().scheduler.swap_space) return false;
  replica_.swapped_blocks_ += n;
  lane_.swap_s += (static_cast<double>(n) * replica_.shape_.kv_block_size / replica_.engine().scheduler.host_bandwidth).in(second);
  sequence.swapped = true;
  return true;
}

}  // namespace waferwatt::serving
