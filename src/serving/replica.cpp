// SPDX-License-Identifier: Apache-2.0
// The iterations of a replica from begin to finish; what they hold is in scheduling.cpp.
#include "waferwatt/serving/replica.hpp"

#include <algorithm>

#include "waferwatt/serving/scheduling.hpp"

namespace waferwatt::serving {
namespace {

constexpr std::size_t kNPriorities = 8;

IterationLoad times(const IterationLoad& load, std::int64_t n) {
  return {.n_decode = load.n_decode * n,
          .decode_context = load.decode_context * n,
          .n_chunks = load.n_chunks * n,
          .prefill_tokens = load.prefill_tokens * n,
          .prefill_work = load.prefill_work * static_cast<double>(n),
          .n_first_tokens = load.n_first_tokens * n};
}

}  // namespace

Replica::Replica(IterationCosts& model, const ReplicaShape& shape, std::vector<RequestRecord>& requests)
    : model_(model),
      shape_(shape),
      kv_(shape.n_kv_blocks, shape.engine.kv_block_tokens, shape.engine.scheduler.prefix_caching ? shape.prefix_tokens : 0),
      n_watermark_(static_cast<std::int64_t>(shape.engine.kv_watermark * static_cast<double>(shape.n_kv_blocks))),
      grows_(reservation_of(shape) != KvReservation::whole_request),
      sequences_per_lane_(std::max<std::int64_t>(1, shape.engine.max_sequences / shape.n_stages)),
      longest_chunk_(std::max<std::int64_t>(1, shape.engine.max_batched_tokens / shape.n_groups)),
      requests_(requests),
      waiting_(kNPriorities),
      stage_free_s_(static_cast<std::size_t>(shape.n_stages), 0.0),
      adapters_(static_cast<std::size_t>(shape.engine.scheduler.max_adapters)) {
  for (std::int64_t i = 0; i < shape.n_stages; ++i)
    lanes_.emplace_back(shape.engine.kv_block_tokens, shape.engine.scheduler.tokens_per_step());
}

// --- the queue ---

bool Replica::fits(const RequestRecord& request) const {
  const std::int64_t longest = request.input_tokens + (shape_.role == Role::prefill ? 1 : request.output_tokens);
  if (longest > shape_.context_limit || kv_.blocks_for(longest) > kv_.n_blocks() - n_watermark_) return false;
  return shape_.own_policy || policy_of(engine()).divides_prompts || request.input_tokens <= longest_chunk_;
}

double Replica::begin(double now_s, std::size_t index) {
  Lane& lane = lanes_[index];
  settle_queue(now_s);
  lane.running = lane.decoding = lane.preempted = false;
  lane.blocks_taken = 0;
  lane.swap_s = lane.adapter_s = 0;
  if (n_waiting_ == 0 && lane.batch.empty()) return kNever;
  Scheduling scheduling(*this, lane, now_s);
  if (shape_.own_policy)
    shape_.own_policy(scheduling);
  else
    policy_of(engine()).compose(scheduling);
  if (!scheduling.has_prompts() && !lane.decoding) scheduling.decode();  // those that joined just now
  queue_charge_ = scheduling.queue_charge();
  if (!scheduling.has_prompts() && !lane.decoding) return kNever;
  price(lane, now_s);
  lane.running = true;
  return lane.ends_s;
}

// LoRA: every iteration reads the adapters of those in the batch. Their products are small beside the model's.
IterationCost Replica::reading_adapters() {
  if (n_adapters_in_use_ == 0) return {};
  const double share = static_cast<double>(n_adapters_in_use_ * shape_.n_stages) / static_cast<double>(shape_.n_accelerators);
  return model_.reading(engine().scheduler.adapter_size * share);
}

// A model of iterations prices the load of all lanes: here as if the others' were like this one's.
IterationCost Replica::decode_steps(const Lane& lane, std::int64_t n_steps) {
  const std::int64_t n_lanes = shape_.n_stages;
  IterationCost cost = model_.decode_steps(lane.load.n_decode * n_lanes, lane.load.decode_context * n_lanes, n_steps);
  if (n_adapters_in_use_ > 0) cost += lane.adapters * static_cast<double>(n_steps);
  return cost;
}

void Replica::price(Lane& lane, double now_s) {
  IterationLoad& load = lane.load = {};
  lane.chunks.clear();
  for (const std::uint32_t slot : lane.prefilling) {
    const Sequence& sequence = sequences_[slot];
    if (sequence.chunk == 0) continue;
    lane.chunks.push_back({sequence.chunk, sequence.context});
    ++load.n_chunks;
    load.prefill_tokens += sequence.chunk;
    const double chunk = static_cast<double>(sequence.chunk);
    load.prefill_work += chunk * (static_cast<double>(sequence.context) + chunk / 2);
    if (sequence.context + sequence.chunk == sequence.target) ++load.n_first_tokens;
  }
  if (lane.decoding) {
    load.n_decode = lane.decodes.size();
    load.decode_context = lane.decodes.context() + load.n_decode * lane.decodes.next_tokens();
  }
  lane.n_steps = stretch(lane);
  lane.adapters = reading_adapters();
  const std::int64_t n_lanes = shape_.n_stages;
  if (lane.chunks.empty()) {
    lane.cost = decode_steps(lane, lane.n_steps);
    lane.decode_part_s = lane.cost.time_s;
  } else {
    lane.cost = model_.cost(n_lanes == 1 ? load : times(load, n_lanes), lane.chunks);
    lane.cost += lane.adapters;
    const IterationCost decodes = load.n_decode > 0 ? decode_steps(lane, 1) : IterationCost{};
    lane.decode_part_s = std::min(lane.cost.time_s, decodes.time_s);
    totals_.prefill_s += (lane.cost.time_s - lane.decode_part_s) / static_cast<double>(n_lanes);
    totals_.prefill_j += std::max(0.0, lane.cost.energy_j - decodes.energy_j) / static_cast<double>(n_lanes);
  }
  lane.cost.time_s += lane.swap_s + lane.adapter_s;
  lane.cost.host_s += lane.swap_s + lane.adapter_s;
  lane.began_s = now_s;
  if (shape_.n_stages == 1) {
    lane.ends_s = now_s + lane.cost.time_s;
    return;
  }
  // The host schedules one micro-batch after the other; stage after stage takes each when the one before has left it.
  const double stage_s = (lane.cost.time_s - lane.cost.scheduling_s) / static_cast<double>(shape_.n_stages);
  lane.ends_s = host_free_s_ = std::max(now_s, host_free_s_) + lane.cost.scheduling_s;
  for (double& free_s : stage_free_s_) free_s = lane.ends_s = std::max(lane.ends_s, free_s) + stage_s;
}

// Iterations in a row in which nothing changes but contexts.
std::int64_t Replica::stretch(Lane& lane) {
  // Nobody was admitted, as space had run out; or a policy of the caller's may admit at any time.
  const bool queue_may_move = n_waiting_ > 0 && (lane.preempted || shape_.own_policy);
  if (shape_.own_policy && !lane.prefilling.empty()) return 1;
  if (!lane.chunks.empty() || queue_may_move || lanes_.size() > 1 || !lane.decodes.one_token_a_step()) return 1;
  const std::int64_t limit = std::min(lane.decodes.steps_to_next_end(), longest_stretch_);
  return std::max<std::int64_t>(1, lane.decodes.steps_within(kv_.n_available() + lane.blocks_taken, limit));
}

// Iterations begun by now, in a stretch: the fewest that end no earlier.
std::int64_t Replica::steps_done(const Lane& lane, double now_s) {
  const double wanted_s = now_s - lane.began_s - lane.swap_s - lane.adapter_s;
  std::int64_t low = 0, high = lane.n_steps;  // high ends late enough
  double low_s = 0, high_s = lane.cost.time_s - lane.swap_s - lane.adapter_s;
  while (high - low > 1) {
    const double share = high_s > low_s ? (wanted_s - low_s) / (high_s - low_s) : 0.5;
    const auto guess = low + static_cast<std::int64_t>(share * static_cast<double>(high - low)) + 1;
    const std::int64_t middle = std::clamp(guess, low + 1, high - 1);
    const double middle_s = decode_steps(lane, middle).time_s;
    (middle_s < wanted_s ? low : high) = middle;
    (middle_s < wanted_s ? low_s : high_s) = middle_s;
  }
  return high;
}

double Replica::cut(double now_s, std::size_t index) {
  Lane& lane = lanes_[index];
  if (!lane.running || lane.n_steps == 1) return lane.running ? lane.ends_s : kNever;
  const std::int64_t n = steps_done(lane, now_s);
  if (n == lane.n_steps) return lane.ends_s;
  lane.n_steps = n;
  lane.cost = decode_steps(lane, n);
  lane.decode_part_s = lane.cost.time_s;
  lane.cost.time_s += lane.swap_s + lane.adapter_s;
  lane.cost.host_s += lane.swap_s + lane.adapter_s;
  return lane.ends_s = lane.began_s + lane.cost.time_s;
}

std::int64_t Replica::n_used_blocks_at(double now_s) {
  std::int64_t n = kv_.n_used();
  for (const Lane& lane : lanes_)
    if (lane.running && lane.n_steps > 1)
      n += lane.decodes.blocks_needed(std::max<std::int64_t>(1, steps_done(lane, now_s))) - lane.blocks_taken;
  return n;
}

const std::vector<std::uint32_t>& Replica::finish(double now_s, std::size_t index) {
  Lane& lane = lanes_[index];
  lane.running = false;
  completed_.clear();
  handed_over_.clear();
  charge_iteration(lane, now_s);
  if (lane.decoding) advance_decodes(lane, now_s);
  advance_prefills(lane, now_s);
  return completed_;
}

void Replica::charge_iteration(Lane& lane, double now_s) {
  const double duration_s = now_s - lane.began_s;
  const double prefill_s = lane.cost.time_s - lane.decode_part_s - lane.swap_s - lane.adapter_s;
  const double pipeline_s = shape_.n_stages > 1 ? duration_s - lane.cost.time_s : 0;
  lane.sums.decode += lane.decode_part_s;
  lane.sums.prefill += prefill_s;
  lane.sums.pipeline += pipeline_s;
  lane.sums.swap += lane.swap_s;
  lane.sums.adapter += lane.adapter_s;
  for (const std::uint32_t slot : lane.prefilling) {
    const Sequence& sequence = sequences_[slot];
    const double own_s = lane.load.prefill_tokens > 0 ? prefill_s * static_cast<double>(sequence.chunk) /
                                                            static_cast<double>(lane.load.prefill_tokens)
                                                      : 0;
    RequestRecord& request = record(sequence);
    request.charge(request.n_preemptions > 0 ? Charge::recompute : Charge::own_prefill, own_s);
    request.charge(Charge::others_prefill, prefill_s - own_s);
    request.charge(Charge::others_decode, lane.decode_part_s);
  }
  note_token_gaps(lane, duration_s);
  const double n_sequences = static_cast<double>(lane.batch.size());
  if (lane.n_steps > 1) {
    const std::int64_t wanted = lane.decodes.blocks_needed(lane.n_steps);
    kv_.take(wanted - lane.blocks_taken);
    lane.blocks_taken = wanted;
  }
  totals_.n_iterations += lane.n_steps;
  totals_.cost += shape_.n_stages == 1 ? lane.cost : lane.cost * (1 / static_cast<double>(shape_.n_stages));
  totals_.prefill_tokens += lane.load.prefill_tokens;
  totals_.decode_tokens += lane.load.n_first_tokens;
  totals_.kv_block_seconds += duration_s * static_cast<double>(kv_.n_used());
  totals_.sequence_seconds += duration_s * n_sequences;
  totals_.peak_kv_blocks = std::max(totals_.peak_kv_blocks, kv_.n_used());
}

// Iterations of a stretch count at their mean; tokens accepted in the same iteration come at once.
void Replica::note_token_gaps(Lane& lane, double duration_s) {
  if (!token_gaps_) return;
  const std::int64_t n = lane.decodes.size();
  if (n == 0) return;
  if (!lane.decoding) {
    std::int64_t n_stalled = 0;
    for (auto& [count, time_s] : lane.stalled) {
      n_stalled += count;
      time_s += duration_s;
    }
    if (n > n_stalled) lane.stalled.emplace_back(n - n_stalled, duration_s);
    return;
  }
  const double step_s = duration_s / static_cast<double>(lane.n_steps);
  std::int64_t left = n;
  for (const auto& [count, time_s] : lane.stalled) {
    const std::int64_t n_here = std::min(left, count);
    if (n_here > 0) token_gaps_->add(step_s + time_s, n_here);
    left -= n_here;
  }
  const std::int64_t n_stalled = n - left;
  if (const std::int64_t n_plain = n * lane.n_steps - n_stalled; n_plain > 0) token_gaps_->add(step_s, n_plain);
  if (const std::int64_t extra = n * (lane.decodes.next_tokens() - 1); extra > 0) token_gaps_->add(0, extra);
  lane.stalled.clear();
}

void Replica::advance_decodes(Lane& lane, double now_s) {
  const std::int64_t before = lane.decodes.position();
  lane.decodes.advance(lane.n_steps);
  totals_.decode_tokens += lane.load.n_decode * (lane.decodes.position() - before);
  for (std::uint32_t slot = 0; lane.decodes.next_ended(slot);) {
    leave_decodes(lane, sequences_[slot], slot);
    complete(lane, slot, now_s);
  }
}

void Replica::advance_prefills(Lane& lane, double now_s) {
  if (lane.load.prefill_tokens == 0) return;
  std::size_t kept = 0;
  for (const std::uint32_t slot : lane.prefilling) {
    Sequence& sequence = sequences_[slot];
    sequence.context += sequence.chunk;
    prompt_tokens_to_come_ -= sequence.chunk;
    sequence.chunk = 0;
    if (sequence.context < sequence.target) {
      lane.prefilling[kept++] = slot;
      continue;
    }
    RequestRecord& request = record(sequence);
    keep_prefix(sequence, request.input_tokens);
    if (sequence.generated == 0) request.first_token_s = now_s;
    ++sequence.generated;
    if (sequence.generated >= request.output_tokens) {
      charge_batch(lane, sequence);
      complete(lane, slot, now_s);
    } else if (shape_.role == Role::prefill) {
      hand_over(lane, slot);
    } else {
      join_decodes(lane, slot);
    }
  }
  lane.prefilling.resize(kept);
}

}  // namespace waferwatt::serving
