// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/replica.hpp"

#include <algorithm>

namespace waferwatt::serving {
namespace {

std::size_t queue_index(Charge charge) { return index_of(charge) - index_of(Charge::sequence_limit); }

}  // namespace

const char* charge_name(Charge charge) {
  constexpr std::array kNames{"batch_boundary", "sequence_limit", "kv_space",  "queued_prefill", "others_prefill",
                              "others_decode",  "own_prefill",    "recompute", "own_decode"};
  static_assert(kNames.size() == kNCharges);
  return kNames[index_of(charge)];
}

Replica::Replica(IterationModel& model, const EngineSettings& engine, std::int64_t n_kv_blocks,
                 std::int64_t context_limit, std::vector<RequestRecord>& records)
    : model_(model),
      engine_(engine),
      block_tokens_(engine.kv_block_tokens),
      n_blocks_(n_kv_blocks),
      n_free_(n_kv_blocks),
      n_watermark_(static_cast<std::int64_t>(engine.kv_watermark * static_cast<double>(n_kv_blocks))),
      context_limit_(context_limit),
      records_(records),
      needing_block_(static_cast<std::size_t>(engine.kv_block_tokens)) {}

bool Replica::enqueue(std::uint32_t id, double now_s) {
  RequestRecord& request = records_[id];
  const std::int64_t longest = request.input_tokens + request.output_tokens;
  if (longest > context_limit_ || blocks_for(longest) > n_blocks_ - n_watermark_) {
    request.rejected = true;
    return false;
  }
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(sequences_.size()));
    sequences_.emplace_back();
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  const std::uint32_t epoch = sequences_[slot].epoch;
  sequences_[slot] = {.id = id, .epoch = epoch, .target = request.input_tokens, .arrival_s = now_s};
  waiting_.push_back(slot);
  arrived_.push_back(slot);
  return true;
}

void Replica::start_waiting_clocks(double now_s) {
  for (const std::uint32_t slot : arrived_) {
    Sequence& sequence = sequences_[slot];
    record(sequence).charged_s[index_of(Charge::batch_boundary)] += now_s - sequence.arrival_s;
    sequence.queue_mark = queue_sum_;
  }
  arrived_.clear();
}

// A sequence that joined at step j with context c needs a block at the steps s where its context
// then, c + (s - j), fills its blocks exactly.
std::size_t Replica::phase(const Sequence& sequence) const {
  const std::int64_t at = sequence.joined_step - sequence.context % block_tokens_ + block_tokens_;
  return static_cast<std::size_t>(at % block_tokens_);
}

void Replica::make_room_for_decodes() {
  preempted_now_ = false;
  if (engine_.kv_reservation == KvReservation::whole_request) return;
  const auto now = static_cast<std::size_t>(step_ % block_tokens_);
  while (needing_block_[now] > n_free_) {
    preempt_last();
    preempted_now_ = true;
  }
  n_free_ -= needing_block_[now];
}

void Replica::preempt_last() {
  const std::uint32_t slot = batch_.back();
  batch_.pop_back();
  Sequence& sequence = sequences_[slot];
  if (sequence.state == State::decode)
    leave_decodes(sequence);
  else
    std::erase(prefilling_, slot);
  n_free_ += sequence.blocks;
  sequence.blocks = 0;
  sequence.state = State::waiting;
  sequence.context = 0;
  sequence.target = record(sequence).input_tokens + sequence.generated;
  sequence.queue_mark = queue_sum_;
  ++record(sequence).n_preemptions;
  ++totals_.n_preemptions;
  waiting_.push_front(slot);
}

void Replica::add_chunk(Sequence& sequence, std::int64_t& budget) {
  sequence.chunk = std::min(sequence.target - sequence.context, budget);
  if (sequence.chunk == 0) return;
  budget -= sequence.chunk;
  ++load_.n_chunks;
  load_.prefill_tokens += sequence.chunk;
  const double chunk = static_cast<double>(sequence.chunk);
  load_.prefill_work += chunk * (static_cast<double>(sequence.context) + chunk / 2);
  if (sequence.context + sequence.chunk == sequence.target) ++load_.n_first_tokens;
}

void Replica::continue_prefills(std::int64_t& budget) {
  for (const std::uint32_t slot : prefilling_) add_chunk(sequences_[slot], budget);
}

// Returns what the queue waits for from here on.
Charge Replica::admit(std::int64_t& budget) {
  while (!waiting_.empty()) {
    if (preempted_now_) return Charge::kv_space;
    if (n_in_batch() >= engine_.max_sequences) return Charge::sequence_limit;
    if (budget <= 0) return Charge::queued_prefill;
    const std::uint32_t slot = waiting_.front();
    Sequence& sequence = sequences_[slot];
    const std::int64_t reserved = engine_.kv_reservation == KvReservation::prompt
                                      ? blocks_for(sequence.target)
                                      : blocks_for(record(sequence).input_tokens + record(sequence).output_tokens);
    if (reserved + n_watermark_ > n_free_) return Charge::kv_space;
    waiting_.pop_front();
    charge_queue(sequence);
    sequence.blocks = reserved;
    n_free_ -= reserved;
    sequence.state = State::prefill;
    batch_.push_back(slot);
    prefilling_.push_back(slot);
    add_chunk(sequence, budget);
  }
  return Charge::queued_prefill;
}

void Replica::charge_queue(Sequence& sequence) {
  for (std::size_t i = 0; i < queue_sum_.size(); ++i)
    record(sequence).charged_s[index_of(Charge::sequence_limit) + i] += queue_sum_[i] - sequence.queue_mark[i];
}

double Replica::begin_iteration(double now_s) {
  start_waiting_clocks(now_s);
  if (waiting_.empty() && batch_.empty()) return 0;
  load_ = {};
  make_room_for_decodes();
  std::int64_t budget = std::max<std::int64_t>(0, engine_.max_batched_tokens - n_decoding_);
  continue_prefills(budget);
  queue_charge_ = admit(budget);
  load_.n_decode = n_decoding_;
  load_.decode_context = decode_context_ + n_decoding_;

  cost_ = model_.cost(load_);
  decode_part_s_ = load_.prefill_tokens == 0
                       ? cost_.time_s
                       : std::min(cost_.time_s, model_.decode_cost(load_.n_decode, load_.decode_context).time_s);
  running_ = true;
  return cost_.time_s;
}

void Replica::charge_iteration() {
  const double prefill_part_s = cost_.time_s - decode_part_s_;
  queue_sum_[queue_index(queue_charge_)] += cost_.time_s;
  decode_sum_ += decode_part_s_;
  prefill_sum_ += prefill_part_s;
  for (const std::uint32_t slot : prefilling_) {
    Sequence& sequence = sequences_[slot];
    const double own_s = load_.prefill_tokens > 0 ? prefill_part_s * static_cast<double>(sequence.chunk) /
                                                        static_cast<double>(load_.prefill_tokens)
                                                  : 0;
    auto& charged_s = record(sequence).charged_s;
    charged_s[index_of(record(sequence).n_preemptions > 0 ? Charge::recompute : Charge::own_prefill)] += own_s;
    charged_s[index_of(Charge::others_prefill)] += prefill_part_s - own_s;
    charged_s[index_of(Charge::others_decode)] += decode_part_s_;
  }
  ++totals_.n_iterations;
  totals_.cost += cost_;
  totals_.prefill_tokens += load_.prefill_tokens;
  totals_.decode_tokens += load_.n_decode + load_.n_first_tokens;
  totals_.kv_block_seconds += cost_.time_s * static_cast<double>(n_used_blocks());
  totals_.sequence_seconds += cost_.time_s * static_cast<double>(n_in_batch());
  totals_.peak_kv_blocks = std::max(totals_.peak_kv_blocks, n_used_blocks());
}

const std::vector<std::uint32_t>& Replica::finish_iteration(double now_s) {
  running_ = false;
  completed_.clear();
  charge_iteration();
  advance_decodes(now_s);
  advance_prefills(now_s);
  return completed_;
}

void Replica::advance_decodes(double now_s) {
  ++step_;
  decode_context_ += n_decoding_;
  while (!ends_.empty() && ends_.top().step <= step_) {
    const End end = ends_.top();
    ends_.pop();
    Sequence& sequence = sequences_[end.slot];
    if (sequence.epoch != end.epoch) continue;  // preempted since
    leave_decodes(sequence);
    complete(end.slot, now_s);
  }
}

void Replica::advance_prefills(double now_s) {
  if (load_.prefill_tokens == 0) return;
  std::size_t kept = 0;
  for (const std::uint32_t slot : prefilling_) {
    Sequence& sequence = sequences_[slot];
    sequence.context += sequence.chunk;
    if (sequence.context < sequence.target) {
      prefilling_[kept++] = slot;
      continue;
    }
    RequestRecord& request = record(sequence);
    if (sequence.generated == 0) request.first_token_s = now_s;
    ++sequence.generated;
    if (sequence.generated >= request.output_tokens)
      complete(slot, now_s);
    else
      join_decodes(slot);
  }
  prefilling_.resize(kept);
}

void Replica::join_decodes(std::uint32_t slot) {
  Sequence& sequence = sequences_[slot];
  sequence.state = State::decode;
  sequence.joined_step = step_;
  sequence.decode_mark = decode_sum_;
  sequence.prefill_mark = prefill_sum_;
  ++n_decoding_;
  decode_context_ += sequence.context;
  if (engine_.kv_reservation == KvReservation::prompt) ++needing_block_[phase(sequence)];
  ends_.push({step_ + record(sequence).output_tokens - sequence.generated, slot, sequence.epoch});
}

void Replica::leave_decodes(Sequence& sequence) {
  const std::int64_t n_steps = step_ - sequence.joined_step;
  if (engine_.kv_reservation == KvReservation::prompt) {
    --needing_block_[phase(sequence)];
    sequence.blocks = blocks_for(sequence.context + n_steps);
  }
  sequence.context += n_steps;
  sequence.generated += n_steps;
  decode_context_ -= sequence.context;
  --n_decoding_;
  ++sequence.epoch;
  auto& charged_s = record(sequence).charged_s;
  charged_s[index_of(Charge::own_decode)] += decode_sum_ - sequence.decode_mark;
  charged_s[index_of(Charge::others_prefill)] += prefill_sum_ - sequence.prefill_mark;
}

void Replica::complete(std::uint32_t slot, double now_s) {
  Sequence& sequence = sequences_[slot];
  record(sequence).end_s = now_s;
  n_free_ += sequence.blocks;
  ++sequence.epoch;
  std::erase(batch_, slot);
  free_slots_.push_back(slot);
  completed_.push_back(sequence.id);
  ++totals_.n_completed;
}

}  // namespace waferwatt::serving
