// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/step.hpp"

#include <algorithm>

#include "data_traffic.hpp"
#include "pace.hpp"
#include "rivals.hpp"
#include "waferwatt/training/shared_links.hpp"

namespace waferwatt::training {

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
          {"host transfers", host},
          {"optimizer", optimizer}};
}

namespace {

constexpr Time Breakdown::* kParts[] = {&Breakdown::compute, &Breakdown::memory,   &Breakdown::launch, &Breakdown::recompute,
                                        &Breakdown::tensor,  &Breakdown::context,  &Breakdown::expert, &Breakdown::pipeline,
                                        &Breakdown::bubble,  &Breakdown::data,     &Breakdown::host,
                                        &Breakdown::optimizer};

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
  Cache(const catalog::LanguageModel& of, const Machine& on) : model(of), machine(on), parts(model, machine) {}

  const catalog::LanguageModel& model;
  Machine machine;
  LayerPartsCache parts;
};

StepModel::StepModel(const catalog::LanguageModel& model, const Machine& machine)
    : cache_(std::make_unique<Cache>(model, machine)) {}
StepModel::~StepModel() = default;
StepModel::StepModel(StepModel&&) noexcept = default;

Time StepModel::lower_bound(const Plan& plan) {
  const auto& parts = cache_->parts.of(plan);
  const double n = static_cast<double>(cache_->model.n_layers.value),
               n_expert = static_cast<double>(cache_->model.n_expert_layers());
  const Time all = (n - n_expert) * parts.dense.time() + n_expert * parts.expert.time() + parts.embedding.time() +
                   parts.head.time();
  return static_cast<double>(plan.n_micro_batches()) / static_cast<double>(plan.parallel.pipeline) * all;
}

Passes StepModel::passes(const Plan& plan) {
  auto& [model, machine, parts] = *cache_;
  return {times_of(chunks_of(model, plan, machine, parts.of(plan))), send_time(model, plan, machine)};
}

Step StepModel::step(const Plan& plan, const std::vector<double>& slowdown) {
  auto& [model, machine, cached] = *cache_;
  const auto chunks = chunks_of(model, plan, machine, cached.of(plan));
  return step(plan, chunks, pace_of(plan, chunks, send_time(model, plan, machine), false, slowdown), slowdown);
}

ClosedForm StepModel::closed_form(const Plan& plan) {
  auto& [model, machine, cached] = *cache_;
  const auto chunks = chunks_of(model, plan, machine, cached.of(plan));
  const Pace pace = pace_of(plan, chunks, send_time(model, plan, machine), true, {});
  const Step found = step(plan, chunks, pace, {});
  return {found, found.iteration_time() - (pace.length - pace.least)};
}

Step StepModel::step(const Plan& plan, const std::vector<Chunk>& chunks, const Pace& pace, const std::vector<double>& slowdown) {
  auto& [model, machine, cached] = *cache_;
  const LayerParts& parts = cached.of(plan);
  const auto& software = machine.software;
  const double m = static_cast<double>(plan.n_micro_batches());

  const Composition held = composition_of_stage(model, plan, pace.stage);
  PartCost sum = parts.sum(part_counts(model, plan, held));  // of the pacing stage, one micro-batch
  Time gather, host;
  for (std::int64_t i = 0; i < n_chunks_of_stage(plan); ++i) {
    const Chunk& chunk = chunks[static_cast<std::size_t>(chunk_of_stage(plan, pace.stage, i))];
    gather += chunk.gather, host += chunk.host;
  }
  const bool both_ways = plan.schedule == Schedule::dual_pipe && plan.parallel.pipeline > 1;
  if (both_ways) sum = sum.scaled(0.5), gather *= 0.5, host *= 0.5;  // half of the micro-batches pass each of its chunks

  Step result;
  Breakdown& b = result.breakdown;
  const Work work = sum.computing();
  b.compute = m * work.compute, b.memory = m * work.memory, b.launch = m * work.launch;
  b.recompute = m * sum.recompute.time;
  b.tensor = m * (sum.tensor_forward + sum.tensor_backward);
  b.context = m * (sum.context_forward + sum.context_backward);
  b.expert = m * (sum.expert_forward + sum.expert_backward);
  b.data = m * gather, b.host = m * host;
  if (!slowdown.empty()) b.scale(slowdown[static_cast<std::size_t>(pace.stage)]);
  // Sends can change a list schedule's order for the better.
  b.pipeline = std::max(Time{}, pace.length - pace.length_without_sends);
  b.bubble = pace.length - pace.busy - b.pipeline;

  // What is hidden runs beside the last micro-batch's backward pass and the first one's forward pass.
  const auto parameters = parameters_of(model, plan, held);
  const DataTraffic traffic = data_traffic(model, parameters, plan, machine, pace.stage);
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

  Composition whole;
  for (const auto& chunk : chunks) whole += chunk.holds;
  const PartCost model_passes = parts.sum(part_counts(model, plan, whole));  // of one micro-batch on all stages
  Work all = model_passes.computing();
  all += model_passes.recompute;
  const double replicas = static_cast<double>(plan.parallel.data * plan.parallel.context * plan.parallel.tensor);
  result.hfu = result.mfu * (1 + replicas * m * model_passes.recompute.flops / result.model_work);
  const double stages = static_cast<double>(plan.parallel.pipeline);
  const Power waiting =
      machine.operators.idle_power() +
      software.waiting_power_share * (*accelerator.tdp - machine.operators.idle_power());
  result.energy = n * (m / stages * all.energy +
                       waiting * std::max(Time{}, result.iteration_time() - m / stages * all.time));
  return result;
}

Passes passes(const catalog::LanguageModel& model, const Plan& plan, const Machine& machine) {
  return StepModel(model, machine).passes(plan);
}

Step step(const catalog::LanguageModel& model, const Plan& plan, const Machine& machine,
          const std::vector<double>& slowdown) {
  return StepModel(model, machine).step(plan, slowdown);
}

}  // namespace waferwatt::training
