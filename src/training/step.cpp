// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/step.hpp"

#include <algorithm>

#include "layer_cost.hpp"

namespace waferwatt::training {
namespace {

std::vector<PartCost> stage_costs(const catalog::LanguageModel& model, const Plan& plan, const LayerCosts& costs) {
  const PartCost dense = costs.layer(false);
  const std::optional<PartCost> expert = model.moe ? std::optional{costs.layer(true)} : std::nullopt;
  std::vector<PartCost> stages;
  for (std::int64_t stage = 0; stage < plan.parallel.pipeline; ++stage) {
    PartCost sum;
    const auto [first, last] = stage_layers(model, plan, stage);
    for (std::int64_t layer = first; layer < last; ++layer) sum += model.is_expert_layer(layer) ? *expert : dense;
    if (stage == 0) sum += costs.embedding();
    if (stage == plan.parallel.pipeline - 1) sum += costs.head();
    stages.push_back(sum);
  }
  return stages;
}

/// Reduction of gradients over data-parallel ranks: fp32 all-reduce, or with ZeRO-1 a reduce-scatter and
/// the all-gather of the new bf16 weights.
Time reduction_time(const StageParameters& parameters, const Plan& plan, const network::TwoLevelNetwork& network) {
  const auto time = [&](double n_parameters, std::int64_t n_ranks, std::int64_t stride) {
    const auto group = network.group(n_ranks, stride);
    if (plan.zero_stage == 0) return network.all_reduce_time(group, n_parameters * 4 * byte);
    return network.reduce_scatter_time(group, n_parameters * 4 * byte) +
           network.all_gather_time(group, n_parameters * 2 * byte);
  };
  const auto& p = plan.parallel;
  Time sum = time(parameters.dense, p.data, p.tensor);
  if (parameters.experts > 0) sum += time(parameters.experts, p.data / p.expert, p.tensor * p.expert);
  return sum;
}

/// Adam reads gradient (4), weight, and two moments (12) and writes them and the bf16 weight (12 + 2).
Time optimizer_time(const StageParameters& parameters, const Plan& plan, const cost::OperatorModel& operators) {
  double n = parameters.dense + parameters.experts;
  if (plan.zero_stage >= 1) {
    const double data = static_cast<double>(plan.parallel.data);
    n = parameters.dense / data + parameters.experts / (data / static_cast<double>(plan.parallel.expert));
  }
  return operators.stream(n * 30 * byte).time;
}

/// Sends of one micro-batch between two stages: activations forward, gradients back, each tensor-parallel
/// rank with its part.
Time boundary_time(const catalog::LanguageModel& model, const Plan& plan, const network::TwoLevelNetwork& network) {
  const auto& p = plan.parallel;
  if (p.pipeline == 1) return {};
  const double numbers = static_cast<double>(plan.micro_batch * plan.sequence_length * model.hidden_size.value) /
                         static_cast<double>(p.tensor);
  const bool across = p.n_accelerators() > network.domain_size();  // some neighbours are, and they set the pace
  return 2 * network.send_time(across, numbers * 2 * byte);
}

}  // namespace

std::vector<std::pair<std::string, Time>> Breakdown::parts() const {
  return {{"compute", compute},
          {"tensor communication", tensor},
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

Step step(const catalog::LanguageModel& model, const Plan& plan, const cost::OperatorModel& operators,
          const network::TwoLevelNetwork& network, const Assumptions& assumptions) {
  const LayerCosts costs(model, plan, operators, network, assumptions);
  const auto stages = stage_costs(model, plan, costs);
  const double m = static_cast<double>(plan.n_micro_batches()), p = static_cast<double>(plan.parallel.pipeline);

  std::size_t slowest = 0;
  Time all_stages;
  Energy computing;  // of one micro-batch, mean over stages
  Time busy;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (stages[i].time() > stages[slowest].time()) slowest = i;
    all_stages += stages[i].time();
    computing += (stages[i].forward.energy + stages[i].backward.energy) / p;
    busy += (stages[i].forward.time + stages[i].backward.time) / p;
  }
  const PartCost& pace = stages[slowest];
  const auto parameters = stage_parameters(model, plan, static_cast<std::int64_t>(slowest));

  Step result;
  Breakdown& b = result.breakdown;
  b.compute = m * (pace.forward.time + pace.backward.time);
  b.tensor = m * (pace.tensor_forward + pace.tensor_backward);
  b.expert = m * (pace.expert_forward + pace.expert_backward);
  b.bubble = all_stages - pace.time();
  b.pipeline = (m + p - 1) * boundary_time(model, plan, network);
  const Time reduction = reduction_time(parameters, plan, network);
  b.data = reduction - std::min(assumptions.data_parallel_overlap * reduction, pace.time());
  b.optimizer = optimizer_time(parameters, plan, operators);

  Work work = pace.forward;
  work += pace.backward;
  result.launch_bound = work.launch / work.time;
  result.memory_bound = work.memory / work.time;
  result.compute_bound = work.compute / work.time;
  result.error = work.error_time / work.time.in(second);

  const double n = static_cast<double>(plan.parallel.n_accelerators());
  const auto& accelerator = operators.accelerator();
  result.model_work = plan.tokens_per_iteration() * training_work_per_token(model, plan.sequence_length);
  result.mfu = result.model_work /
               (n * accelerator.peak(plan.format).value_or(*accelerator.peak_bf16) * result.iteration_time());
  const Power waiting =
      operators.idle_power() + assumptions.waiting_power_share * (*accelerator.tdp - operators.idle_power());
  result.energy = n * (m * computing + waiting * (result.iteration_time() - m * busy));
  return result;
}

}  // namespace waferwatt::training
