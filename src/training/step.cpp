// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/step.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "layer_cost.hpp"

namespace waferwatt::training {
namespace {

struct LayerParts {
  PartCost dense, expert, embedding, head;
};

/// Everything of a plan that a layer's cost depends on.
using LayerKey = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                            Recompute, NumberFormat, int>;

LayerKey layer_key(const Plan& plan) {
  const auto& p = plan.parallel;
  return {p.tensor,         p.context,      plan.micro_batch, plan.sequence_length,
          p.expert,         p.expert_slices(), plan.recompute,   plan.format,
          (plan.sequence_parallel ? 1 : 0) + (plan.fused_attention ? 2 : 0) +
                                (plan.schedule == Schedule::dual_pipe ? 4 : 0) + (plan.deduplicated_dispatch ? 8 : 0)};
}

/// Collectives over the ranks that hold the same parameters.
struct Replicas {
  std::int64_t n_ranks, stride;
};

Replicas dense_replicas(const Parallelism& p) { return {p.n_replicas(), p.tensor}; }
Replicas expert_replicas(const Parallelism& p) { return {p.n_expert_replicas(), p.expert_slices() * p.expert}; }

/// Gradient reduction and, where states are spread, the gathering of new weights, once an iteration. With
/// ZeRO-3 the gradients were already reduced within the group.
struct DataTraffic {
  Time gradients, weights;
};

DataTraffic data_traffic(const StageParameters& parameters, const Plan& plan, const Machine& machine) {
  const auto& net = machine.network;
  const DataSize gradient = machine.software.gradient_bytes * byte, weight = 2 * byte;
  DataTraffic sum;
  const auto add = [&](double n, Replicas r) {
    if (n <= 0 || r.n_ranks <= 1) return;
    const auto all = net.group(r.n_ranks, r.stride);
    if (plan.zero_stage == 0) {
      sum.gradients += net.all_reduce_time(all, n * gradient);
      return;
    }
    const std::int64_t inside = std::min(r.n_ranks, plan.partition_group > 0 ? plan.partition_group : r.n_ranks);
    const auto group = net.group(inside, r.stride);
    if (plan.zero_stage < 3) {
      sum.gradients += net.reduce_scatter_time(group, n * gradient);
      sum.weights += net.all_gather_time(group, n * weight);
    }
    if (const std::int64_t copies = r.n_ranks / inside; copies > 1)
      sum.gradients += net.all_reduce_time(net.group(copies, r.stride * inside),
                                           n / static_cast<double>(inside) * gradient);
  };
  add(parameters.dense, dense_replicas(plan.parallel));
  add(parameters.experts, expert_replicas(plan.parallel));
  return sum;
}

/// ZeRO-3: weights are gathered for each pass and gradients scattered after it, for every micro-batch.
struct GatherTraffic {
  Time forward, backward;
};

GatherTraffic gather_traffic(const StageParameters& parameters, const Plan& plan, const Machine& machine) {
  GatherTraffic sum;
  if (plan.zero_stage < 3) return sum;
  const auto add = [&](double n, Replicas r) {
    const std::int64_t inside = std::min(r.n_ranks, plan.n_partitions());
    if (n <= 0 || inside <= 1) return;
    const auto group = machine.network.group(inside, r.stride);
    const Time gather = machine.network.all_gather_time(group, n * 2 * byte);
    sum.forward += gather;
    sum.backward +=
        gather + machine.network.reduce_scatter_time(group, n * machine.software.gradient_bytes * byte);
  };
  add(parameters.dense, dense_replicas(plan.parallel));
  add(parameters.experts, expert_replicas(plan.parallel));
  return sum;
}

/// Adam reads gradient (4), weight, and two moments (12) and writes them and the bf16 weight (12 + 2).
/// Offloaded, gradients and weights pass over the host's link and the host does the work at its memory's pace.
Time optimizer_time(const StageParameters& parameters, const Plan& plan, const cost::OperatorModel& operators) {
  constexpr Bandwidth kHostLink = 50 * giga * byte / second;  // PCIe 5 x16, a guess: less on older hosts
  const double group = static_cast<double>(plan.n_partitions());
  const double expert_group =
      plan.zero_stage == 0 ? 1 : std::min(group, std::max(1.0, static_cast<double>(plan.parallel.n_expert_replicas())));
  const double n = parameters.dense / group + parameters.experts / expert_group;
  if (plan.offload_optimizer) return n * 30 * byte / kHostLink;
  return operators.stream(n * 30 * byte).time;
}

/// One send of a micro-batch between two stages, each tensor-parallel rank with its part.
Time send_time(const catalog::LanguageModel& model, const Plan& plan, const network::TwoLevelNetwork& network) {
  const auto& p = plan.parallel;
  if (p.pipeline == 1) return {};
  const double numbers = static_cast<double>(plan.micro_batch * plan.sequence_length * model.hidden_size.value) /
                         static_cast<double>(p.tensor * p.context);
  const bool across = p.n_accelerators() > network.domain_size();  // some neighbours are, and they set the pace
  return network.send_time(across, numbers * 2 * byte);
}

/// Computation of a stage under its slowdown, and the traffic of ZeRO-3 that it does not hide.
Time exposed_gather(Time traffic, Time beside, const Software& software) {
  return traffic - std::min(traffic, software.gather_overlap * beside);
}

}  // namespace

std::vector<std::pair<std::string, Time>> Breakdown::parts() const {
  return {{"compute", compute},
          {"memory bound", memory},
          {"launch", launch},
          {"recompute", recompute},
          {"tensor communication", tensor},
          {"context communication", context},
          {"expert communication", expert},
          {"pipeline communication", pipeline},
          {"pipeline bubble", bubble},
          {"data-parallel communication", data},
          {"optimizer", optimizer}};
}

FlopCount training_work_per_token(const catalog::LanguageModel& model, std::int64_t sequence_length) {
  const double lookup =
      model.tied_embeddings ? 0 : static_cast<double>(model.vocabulary.value * model.hidden_size.value);
  double qk = static_cast<double>(model.head_size()), v = qk;
  if (model.mla) {
    qk = static_cast<double>(model.mla->qk_nope_head_dim.value + model.mla->qk_rope_head_dim.value);
    v = static_cast<double>(model.mla->v_head_dim.value);
  }
  const double attention =
      6 * static_cast<double>(model.n_layers.value * model.n_heads.value * sequence_length) * (qk + v) / 2;
  return (6 * (model.parameters(true) - lookup) + attention) * flop;
}

struct StepModel::Cache {
  const catalog::LanguageModel& model;
  Machine machine;
  std::map<LayerKey, LayerParts> parts;

  const LayerParts& layer_parts(const Plan& plan) {
    const auto [at, is_new] = parts.try_emplace(layer_key(plan));
    if (is_new) {
      const LayerCosts costs(model, plan, machine);
      at->second = {model.moe && model.n_expert_layers() == model.n_layers.value ? PartCost{} : costs.layer(false),
                    model.moe ? costs.layer(true) : PartCost{}, costs.embedding(), costs.head()};
    }
    return at->second;
  }

  PartCost chunk(const Plan& plan, std::int64_t index) {
    const LayerParts& part = layer_parts(plan);
    const auto [first, last] = chunk_layers(model, plan, index);
    double n_expert = 0;
    for (std::int64_t layer = first; layer < last; ++layer) n_expert += model.is_expert_layer(layer) ? 1 : 0;
    PartCost sum = part.dense.scaled(static_cast<double>(last - first) - n_expert);
    if (n_expert > 0) sum += part.expert.scaled(n_expert);
    if (index == 0) sum += part.embedding;
    if (index == plan.parallel.pipeline * plan.n_chunks() - 1) {
      sum += part.head.scaled(static_cast<double>(1 + plan.n_prediction_layers));
      sum += (model.moe ? part.expert : part.dense).scaled(static_cast<double>(plan.n_prediction_layers));
    }
    return sum;
  }
};

namespace {

/// The chunks of a plan, what a stage adds up to, and their times with all traffic.
struct Pieces {
  std::vector<PartCost> chunks;
  std::vector<ChunkTimes> times;
  std::vector<Time> gather;  ///< of a micro-batch on each stage
};

template <class Cache>
Pieces pieces(Cache& cache, const Plan& plan) {
  Pieces found;
  const std::int64_t n = plan.parallel.pipeline * plan.n_chunks();
  found.gather.assign(static_cast<std::size_t>(plan.parallel.pipeline), Time{});
  for (std::int64_t c = 0; c < n; ++c) {
    found.chunks.push_back(cache.chunk(plan, c));
    const PartCost& part = found.chunks.back();
    found.times.push_back({part.forward_time(), part.backward_time(), part.weight.time});
  }
  if (plan.zero_stage < 3) return found;
  for (std::int64_t s = 0; s < plan.parallel.pipeline; ++s) {
    const auto traffic = gather_traffic(stage_parameters(cache.model, plan, s), plan, cache.machine);
    const double share = 1 / static_cast<double>(plan.n_chunks());
    for (const std::int64_t c : chunks_of_stage(plan, s)) {
      auto& times = found.times[static_cast<std::size_t>(c)];
      const Time forward = exposed_gather(share * traffic.forward, times.forward, cache.machine.software),
                 backward = exposed_gather(share * traffic.backward, times.backward_input + times.backward_weight,
                                           cache.machine.software);
      times.forward += forward, times.backward_input += backward;
      found.gather[static_cast<std::size_t>(s)] += forward + backward;
    }
  }
  return found;
}

struct Paced {
  Time length, length_without_sends;
  std::size_t stage = 0;
  Time busy;
};

Paced paced(const Plan& plan, const Pieces& p, Time send, bool closed_form, const std::vector<double>& slowdown) {
  const double m = static_cast<double>(plan.n_micro_batches());
  std::vector<Time> stages(static_cast<std::size_t>(plan.parallel.pipeline));
  std::vector<ChunkTimes> sums(stages.size());
  for (std::int64_t c = 0; c < static_cast<std::int64_t>(p.times.size()); ++c) {
    const auto s = static_cast<std::size_t>(stage_of_chunk(plan, c));
    const auto& t = p.times[static_cast<std::size_t>(c)];
    stages[s] += t.forward + t.backward_input + t.backward_weight;
    sums[s].forward += t.forward, sums[s].backward_input += t.backward_input;
    sums[s].backward_weight += t.backward_weight;
  }
  Paced found;
  found.stage = static_cast<std::size_t>(std::ranges::max_element(stages) - stages.begin());
  if (stages.size() == 1 || closed_form) {
    const double slow = slowdown.empty() ? 1 : slowdown[found.stage];
    found.busy = m * slow * stages[found.stage];
    if (stages.size() == 1) {
      found.length = found.length_without_sends = found.busy;
      return found;
    }
    // Uneven stages fill and drain at their mean pace.
    Time all;
    for (const Time t : stages) all += t;
    const double share = all / (static_cast<double>(stages.size()) * stages[found.stage]);
    const Time even = closed_form_length(plan, sums[found.stage], {}) - m * stages[found.stage];
    found.length_without_sends = found.busy + share * even;
    found.length = found.length_without_sends + closed_form_length(plan, {}, send);
    return found;
  }
  const Timeline with = timeline(plan, p.times, send, slowdown);
  found.stage = with.pacing_stage();
  found.busy = with.busy[found.stage];
  found.length = with.length;
  found.length_without_sends = timeline(plan, p.times, {}, slowdown).length;
  return found;
}

}  // namespace

StepModel::StepModel(const catalog::LanguageModel& model, const Machine& machine)
    : cache_(std::make_unique<Cache>(model, machine)) {}
StepModel::~StepModel() = default;
StepModel::StepModel(StepModel&&) noexcept = default;

Time StepModel::lower_bound(const Plan& plan) {
  const auto& part = cache_->layer_parts(plan);
  const double n = static_cast<double>(cache_->model.n_layers.value),
               n_expert = static_cast<double>(cache_->model.n_expert_layers());
  const Time all = (n - n_expert) * part.dense.time() + n_expert * part.expert.time() + part.embedding.time() +
                   part.head.time();
  return static_cast<double>(plan.n_micro_batches()) / static_cast<double>(plan.parallel.pipeline) * all;
}

Passes StepModel::passes(const Plan& plan) {
  return {pieces(*cache_, plan).times, send_time(cache_->model, plan, cache_->machine.network)};
}

Step StepModel::step(const Plan& plan, bool closed_form, const std::vector<double>& slowdown) {
  const auto& [model, machine, parts] = *cache_;
  const Pieces p = pieces(*cache_, plan);
  const Time send = send_time(model, plan, machine.network);
  const Paced pace = paced(plan, p, send, closed_form, slowdown);
  const auto& software = machine.software;
  const double m = static_cast<double>(plan.n_micro_batches());
  const auto stage = static_cast<std::int64_t>(pace.stage);

  PartCost sum;  // of the pacing stage, one micro-batch
  for (const std::int64_t c : chunks_of_stage(plan, stage)) sum += p.chunks[static_cast<std::size_t>(c)];
  const bool both_ways = plan.schedule == Schedule::dual_pipe && plan.parallel.pipeline > 1;
  if (both_ways) sum = sum.scaled(0.5);  // half of the micro-batches pass each of its chunks

  Step result;
  Breakdown& b = result.breakdown;
  const Work work = sum.computing();
  b.compute = m * work.compute, b.memory = m * work.memory, b.launch = m * work.launch;
  b.recompute = m * sum.recompute.time;
  b.tensor = m * (sum.tensor_forward + sum.tensor_backward);
  b.context = m * (sum.context_forward + sum.context_backward);
  b.expert = m * (sum.expert_forward + sum.expert_backward);
  b.data = m * p.gather[pace.stage];
  if (both_ways) b.data *= 0.5;
  if (!slowdown.empty() && slowdown[pace.stage] > 1) b.launch += (1 - 1 / slowdown[pace.stage]) * pace.busy;
  // Sends can change a list schedule's order for the better.
  b.pipeline = std::max(Time{}, pace.length - pace.length_without_sends);
  b.bubble = pace.length - pace.busy - b.pipeline;

  // What is hidden runs beside the last micro-batch's backward pass and the first one's forward pass.
  const auto parameters = stage_parameters(model, plan, stage);
  const DataTraffic traffic = data_traffic(parameters, plan, machine);
  // Chunks of an interleaved schedule end one after the other, a group of p micro-batches apart.
  const double v = static_cast<double>(plan.n_chunks());
  const double last = 1 + (std::min(m, static_cast<double>(plan.parallel.pipeline)) - 1) * (v - 1) / v;
  const auto exposed = [&](Time t, Time beside) { return t - std::min(software.data_overlap * t, last * beside); };
  b.data += exposed(traffic.gradients, sum.backward_time() + sum.weight.time) +
            exposed(traffic.weights, sum.forward_time());
  b.optimizer = optimizer_time(parameters, plan, machine.operators);
  b.launch += software.step_host_time;

  result.error = work.time > Time{} ? work.error_time / work.time.in(second) : 0;
  const double n = static_cast<double>(plan.parallel.n_accelerators());
  const auto& accelerator = machine.operators.accelerator();
  result.model_work = plan.tokens_per_iteration() * training_work_per_token(model, plan.sequence_length);
  result.mfu = result.model_work /
               (n * accelerator.peak(plan.format).value_or(*accelerator.peak_bf16) * result.iteration_time());
  result.hfu = result.mfu * (plan.recompute == Recompute::full ? 4.0 / 3 : 1);

  Energy computing;  // of one micro-batch on all stages
  Time busy;
  for (const auto& part : p.chunks) {
    Work all = part.computing();
    all += part.recompute;
    computing += all.energy, busy += all.time;
  }
  const double stages = static_cast<double>(plan.parallel.pipeline);
  const Power waiting =
      machine.operators.idle_power() +
      software.waiting_power_share * (*accelerator.tdp - machine.operators.idle_power());
  result.energy = n * (m / stages * computing +
                       waiting * std::max(Time{}, result.iteration_time() - m / stages * busy));
  return result;
}

Passes passes(const catalog::LanguageModel& model, const Plan& plan, const Machine& machine) {
  return StepModel(model, machine).passes(plan);
}

Step step(const catalog::LanguageModel& model, const Plan& plan, const Machine& machine,
          const std::vector<double>& slowdown) {
  return StepModel(model, machine).step(plan, false, slowdown);
}

}  // namespace waferwatt::training
