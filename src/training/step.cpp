// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/step.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "data_traffic.hpp"
#include "layer_cost.hpp"
#include "rivals.hpp"
#include "waferwatt/training/shared_links.hpp"

namespace waferwatt::training {
namespace {

struct LayerParts {
  PartCost dense, expert, embedding, head;
};

/// Everything of a plan that a layer's cost depends on.
struct LayerKey {
  std::int64_t tensor, context, expert, expert_slices, micro_batch, sequence_length;
  Recompute recompute;
  NumberFormat format;
  ContextExchange exchange;
  GraphCapture capture;
  bool sequence_parallel, fused_attention, overlapped_dispatch, deduplicated_dispatch;
  double capacity_factor;
  std::optional<double> tensor_overlap, expert_overlap, context_overlap;

  friend auto operator<=>(const LayerKey&, const LayerKey&) = default;
};

LayerKey layer_key(const Plan& plan) {
  const auto& p = plan.parallel;
  return {p.tensor,
          p.context,
          p.expert,
          p.expert_slices(),
          plan.micro_batch,
          plan.sequence_length,
          plan.recompute,
          plan.format,
          plan.context_exchange,
          plan.capture,
          plan.sequence_parallel,
          plan.fused_attention,
          plan.overlapped_dispatch || plan.schedule == Schedule::dual_pipe,
          plan.deduplicated_dispatch,
          plan.capacity_factor,
          plan.overlap.tensor,
          plan.overlap.expert,
          plan.overlap.context};
}

/// One send of a micro-batch between two stages, each tensor-parallel rank with its part.
Time send_time(const catalog::LanguageModel& model, const Plan& plan, const Machine& machine) {
  const auto& p = plan.parallel;
  if (p.pipeline == 1) return {};
  const double numbers = static_cast<double>(plan.micro_batch * plan.sequence_length * model.hidden_size.value) /
                         static_cast<double>(p.tensor * p.context);
  const bool across = p.n_accelerators() > machine.network.domain_size();  // some neighbours are, and they set the pace
  return machine.contention.pipeline * machine.network.send_time(across, numbers * 2 * byte);
}

/// What the traffic of ZeRO-3 adds to a pass: what the pass does not hide, and what its own traffic loses to it.
Time added_gather(Time traffic, Time pass, Time rival, const Software& software) {
  const Beside found = beside(traffic, software.gather_overlap * pass, software.gather_overlap * rival);
  return found.exposed + found.stretched;
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

namespace {

constexpr Time Breakdown::* kParts[] = {&Breakdown::compute, &Breakdown::memory,   &Breakdown::launch, &Breakdown::recompute,
                                        &Breakdown::tensor,  &Breakdown::context,  &Breakdown::expert, &Breakdown::pipeline,
                                        &Breakdown::bubble,  &Breakdown::data,     &Breakdown::optimizer};

}  // namespace

void Breakdown::scale(double factor) {
  for (const auto part : kParts) this->*part *= factor;
}

Breakdown& Breakdown::operator+=(const Breakdown& other) {
  for (const auto part : kParts) this->*part += other.*part;
  return *this;
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
    const LayerRange layers = chunk_layers(model, plan, index);
    const double n_expert = static_cast<double>(n_expert_layers(model, layers));
    PartCost sum = part.dense.scaled(static_cast<double>(layers.size()) - n_expert);
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
  const Rivals rivals(plan, cache.machine.network);
  for (std::int64_t s = 0; s < plan.parallel.pipeline; ++s) {
    const auto traffic = gather_traffic(stage_parameters(cache.model, plan, s), plan, cache.machine);
    const double share = 1 / static_cast<double>(plan.n_chunks());
    for (const std::int64_t c : chunks_of_stage(plan, s)) {
      auto& times = found.times[static_cast<std::size_t>(c)];
      const PartCost& part = found.chunks[static_cast<std::size_t>(c)];
      const Time forward = added_gather(share * traffic.forward, times.forward, rivals.forward(part), cache.machine.software),
                 backward = added_gather(share * traffic.backward, times.backward_input + times.backward_weight,
                                         rivals.backward(part), cache.machine.software);
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
  return {pieces(*cache_, plan).times, send_time(cache_->model, plan, cache_->machine)};
}

Step StepModel::step(const Plan& plan, bool closed_form, const std::vector<double>& slowdown) {
  const auto& [model, machine, parts] = *cache_;
  const Pieces p = pieces(*cache_, plan);
  const Time send = send_time(model, plan, machine);
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
  if (!slowdown.empty()) b.scale(slowdown[pace.stage]);
  // Sends can change a list schedule's order for the better.
  b.pipeline = std::max(Time{}, pace.length - pace.length_without_sends);
  b.bubble = pace.length - pace.busy - b.pipeline;

  // What is hidden runs beside the last micro-batch's backward pass and the first one's forward pass.
  const auto parameters = stage_parameters(model, plan, stage);
  const DataTraffic traffic = data_traffic(model, parameters, plan, machine, stage);
  // Chunks of an interleaved schedule end one after the other, a group of p micro-batches apart.
  const double v = static_cast<double>(plan.n_chunks());
  const double last = 1 + (std::min(m, static_cast<double>(plan.parallel.pipeline)) - 1) * (v - 1) / v;
  const double share = plan.overlap.data.value_or(software.data_overlap);
  const Rivals rivals(plan, machine.network);
  const auto add = [&](Time t, Time pass, Time rival) {
    const Beside found = beside(share * t, last * pass, last * rival);
    b.data += (1 - share) * t + found.exposed + found.stretched;
  };
  add(traffic.gradients, sum.backward_time() + sum.weight.time, rivals.backward(sum));
  add(traffic.weights, sum.forward_time(), rivals.forward(sum));
  b.data += traffic.embeddings;
  b.optimizer = optimizer_time(parameters, plan, machine.operators);
  b.launch += software.step_host_time;

  result.error = work.time > Time{} ? work.error_time / work.time.in(second) : 0;
  const double n = static_cast<double>(plan.parallel.n_accelerators());
  const auto& accelerator = machine.operators.accelerator();
  result.model_work = plan.tokens_per_iteration() * training_work_per_token(model, plan.sequence_length);
  result.mfu = result.model_work /
               (n * accelerator.peak(plan.format).value_or(*accelerator.peak_bf16) * result.iteration_time());

  Energy computing;  // of one micro-batch on all stages
  Time busy;
  FlopCount again;
  for (const auto& part : p.chunks) {
    Work all = part.computing();
    all += part.recompute;
    computing += all.energy, busy += all.time, again += part.recompute.flops;
  }
  const double replicas = static_cast<double>(plan.parallel.data * plan.parallel.context * plan.parallel.tensor);
  result.hfu = result.mfu * (1 + replicas * m * again / result.model_work);
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
