// SPDX-License-Identifier: Apache-2.0
#include "pace.hpp"

#include <algorithm>

#include "data_traffic.hpp"
#include "rivals.hpp"
#include "waferwatt/training/shared_links.hpp"

namespace waferwatt::training {
namespace {

/// Of a part of the model: its passes, and its traffic over the links of gradients and weights.
struct PartTimes {
  Time forward, backward, weight, rival_forward, rival_backward;

  PartTimes(const PartCost& part, const Rivals& rivals)
      : forward(part.forward_time()),
        backward(part.backward_time()),
        weight(part.weight.time),
        rival_forward(rivals.forward(part)),
        rival_backward(rivals.backward(part)) {}
};

/// What the traffic of ZeRO-3 adds to a pass: what the pass does not hide, and what its own traffic loses to it.
Time added_gather(Time traffic, Time pass, Time rival, const Software& software) {
  const Beside found = beside(traffic, software.gather_overlap * pass, software.gather_overlap * rival);
  return found.exposed + found.stretched;
}

/// The same of ZeRO-2's, of which the software lets a share run beside the pass, as of what is reduced once an iteration.
Time added_scatter(Time traffic, Time pass, Time rival, double share) {
  const Beside found = beside(share * traffic, pass, rival);
  return (1 - share) * traffic + found.exposed + found.stretched;
}

/// Micro-batches whose gradients are added up before ZeRO-2 scatters them: an interleaved schedule takes p through a chunk
/// before it goes on to the next.
double n_added_up(const Plan& plan) {
  const std::int64_t n = plan.n_chunks() > 1 && plan.schedule == Schedule::interleaved ? plan.parallel.pipeline : 1;
  return static_cast<double>(std::clamp<std::int64_t>(n, 1, plan.n_micro_batches()));
}

class ChunkMaker {
 public:
  ChunkMaker(const catalog::LanguageModel& model, const Plan& plan, const Machine& machine, const LayerParts& parts)
      : model_(model),
        plan_(plan),
        machine_(machine),
        rivals_(plan, machine.network),
        dense_(parts.dense, rivals_),
        expert_(parts.expert, rivals_),
        embedding_(parts.embedding, rivals_),
        head_(parts.head, rivals_) {}

  Chunk chunk(const Composition& holds) const {
    const PartCounts n = part_counts(model_, plan_, holds);
    Chunk chunk{.holds = holds, .times = {sum(n, &PartTimes::forward), sum(n, &PartTimes::backward), sum(n, &PartTimes::weight)}, .gather = {}, .host = {}};
    if (plan_.zero_stage < 2 && !plan_.offload_weights && !plan_.offload_activations) return chunk;
    const StageParameters parameters = parameters_of(model_, plan_, holds);
    add_host(chunk.times, chunk.host, host_traffic(model_, holds, parameters, plan_));
    if (plan_.zero_stage < 2) return chunk;
    const auto traffic = pass_traffic(parameters, plan_, machine_);
    auto& times = chunk.times;
    if (plan_.zero_stage == 2) {
      chunk.gather = added_scatter(traffic.backward / n_added_up(plan_), times.backward_input + times.backward_weight,
                                   sum(n, &PartTimes::rival_backward), plan_.overlap.data.value_or(machine_.software.data_overlap));
      times.backward_input += chunk.gather;
      return chunk;
    }
    const Time forward = added_gather(traffic.forward, times.forward, sum(n, &PartTimes::rival_forward), machine_.software),
               backward = added_gather(traffic.backward, times.backward_input + times.backward_weight,
                                       sum(n, &PartTimes::rival_backward), machine_.software);
    times.forward += forward, times.backward_input += backward;
    chunk.gather = forward + backward;
    return chunk;
  }

 private:
  void add_host(ChunkTimes& times, Time& host, const HostTraffic& traffic) const {
    const auto exposed = [&](Time needed, Time pass) { return std::max(Time{}, needed - machine_.software.gather_overlap * pass); };
    const Time forward = exposed(traffic.forward, times.forward),
               backward = exposed(traffic.backward, times.backward_input + times.backward_weight);
    times.forward += forward, times.backward_input += backward;
    host = forward + backward;
  }

  Time sum(const PartCounts& n, Time PartTimes::*time) const {
    return n.dense * (dense_.*time) + n.expert * (expert_.*time) + n.embedding * (embedding_.*time) + n.head * (head_.*time);
  }

  const catalog::LanguageModel& model_;
  const Plan& plan_;
  const Machine& machine_;
  Rivals rivals_;
  PartTimes dense_, expert_, embedding_, head_;
};

Time whole(const ChunkTimes& t) { return t.forward + t.backward_input + t.backward_weight; }

/// One micro-batch on each stage.
std::vector<ChunkTimes> times_of_stages(const Plan& plan, const std::vector<Chunk>& chunks) {
  std::vector<ChunkTimes> stages(static_cast<std::size_t>(plan.parallel.pipeline));
  const double share = n_chunks_of_stage(plan) > plan.n_chunks() ? 0.5 : 1;  // a DualPipe's stage has half of them from each end
  for (std::size_t s = 0; s < stages.size(); ++s)
    for (std::int64_t i = 0; i < n_chunks_of_stage(plan); ++i) {
      const ChunkTimes& t = chunks[static_cast<std::size_t>(chunk_of_stage(plan, static_cast<std::int64_t>(s), i))].times;
      stages[s].forward += share * t.forward, stages[s].backward_input += share * t.backward_input;
      stages[s].backward_weight += share * t.backward_weight;
    }
  return stages;
}

/// A stage waits for the first micro-batch to come, works, and the last one has to go all the way back; only gradients
/// of weights that are apart from those of inputs can be done meanwhile.
Time least_length(const Plan& plan, const std::vector<Chunk>& chunks, const std::vector<ChunkTimes>& stages) {
  const bool parted = plan.schedule == Schedule::zero_bubble_h1 || plan.schedule == Schedule::zero_bubble_v ||
                      plan.schedule == Schedule::dual_pipe;
  const double m = static_cast<double>(plan.n_micro_batches());
  std::vector<ChunkTimes> before(stages.size());  // of chunks before that of a stage
  for (std::size_t s = 1; s < stages.size(); ++s) {
    const ChunkTimes& last = chunks[s - 1].times;
    before[s].forward = before[s - 1].forward + last.forward;
    before[s].backward_input = before[s - 1].backward_input + last.backward_input + (parted ? Time{} : last.backward_weight);
  }
  Time least;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    ChunkTimes ends = before[s];
    if (plan.schedule == Schedule::dual_pipe) {
      const ChunkTimes& other = before[stages.size() - 1 - s];
      ends = {std::min(ends.forward, other.forward), std::min(ends.backward_input, other.backward_input), {}};
    }
    const Time busy = m * whole(stages[s]), meanwhile = parted ? m * stages[s].backward_weight : Time{};
    least = std::max(least, ends.forward + std::max(busy, busy - meanwhile + ends.backward_input));
  }
  return least;
}

}  // namespace

std::vector<Chunk> chunks_of(const catalog::LanguageModel& model, const Plan& plan, const Machine& machine, const LayerParts& parts) {
  const ChunkMaker maker(model, plan, machine, parts);
  const std::int64_t n = plan.parallel.pipeline * plan.n_chunks();
  std::vector<Chunk> chunks;
  chunks.reserve(static_cast<std::size_t>(n));
  for (std::int64_t c = 0; c < n; ++c) {
    const Composition holds = composition_of_chunk(model, plan, c);
    // Most are like their neighbours.
    if (c > 0 && chunks.back().holds == holds)
      chunks.push_back(chunks.back());
    else
      chunks.push_back(maker.chunk(holds));
  }
  return chunks;
}

std::vector<ChunkTimes> times_of(const std::vector<Chunk>& chunks) {
  std::vector<ChunkTimes> times;
  times.reserve(chunks.size());
  for (const Chunk& chunk : chunks) times.push_back(chunk.times);
  return times;
}

Time send_time(const catalog::LanguageModel& model, const Plan& plan, const Machine& machine) {
  const auto& p = plan.parallel;
  if (p.pipeline == 1) return {};
  const double numbers = static_cast<double>(plan.micro_batch * plan.sequence_length * model.hidden_size.value) /
                         static_cast<double>(p.tensor * p.context);
  // Some neighbours are in two domains, and they set the pace.
  const bool across = machine.network.group(p.layout(network::GroupKind::pipeline_stages)).spans_domains();
  return machine.contention.pipeline * machine.network.send_time(across, numbers * kActivation);
}

Pace pace_of(const Plan& plan, const std::vector<Chunk>& chunks, Time send, bool closed_form, const std::vector<double>& slowdown) {
  Pace found;
  const std::int64_t p = plan.parallel.pipeline;
  if (p > 1 && !closed_form) {
    const auto times = times_of(chunks);
    const Timeline with = timeline(plan, times, send, slowdown);
    found.stage = static_cast<std::int64_t>(with.pacing_stage());
    found.busy = with.busy[with.pacing_stage()];
    found.length = with.length;
    found.length_without_sends = timeline(plan, times, {}, slowdown).length;
    return found;
  }
  const auto stages = times_of_stages(plan, chunks);
  found.stage = std::ranges::max_element(stages, {}, whole) - stages.begin();
  const ChunkTimes& slowest = stages[static_cast<std::size_t>(found.stage)];
  const double m = static_cast<double>(plan.n_micro_batches()),
               slow = slowdown.empty() ? 1 : slowdown[static_cast<std::size_t>(found.stage)];
  found.busy = m * slow * whole(slowest);
  if (p == 1) {
    found.length = found.length_without_sends = found.least = found.busy;
    return found;
  }
  // Uneven stages fill and drain at their mean pace.
  Time all;
  for (const ChunkTimes& t : stages) all += whole(t);
  const double share = all / (static_cast<double>(p) * whole(slowest));
  const Time even = closed_form_length(plan, slowest, {}) - m * whole(slowest);
  found.length_without_sends = found.busy + share * even;
  found.length = found.length_without_sends + closed_form_length(plan, {}, send);
  found.least = least_length(plan, chunks, stages);
  found.length = std::max(found.length, found.least);
  return found;
}

}  // namespace waferwatt::training
