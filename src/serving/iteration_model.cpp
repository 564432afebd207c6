// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/iteration_model.hpp"

#include <algorithm>
#include <cmath>

#include "layer_launches.hpp"
#include "layer_operators.hpp"

namespace waferwatt::serving {
namespace {

// Measured residuals bend decode attention on the scale of an octave of context: nodes this dense, with straight
// lines between them, follow it. The offset makes room for contexts near zero.
constexpr double kNodesPerOctave = 24, kContextOffset = 64;
// Token counts up to this many are priced one by one, larger ones between nodes this dense.
constexpr std::int64_t kExactTokens = 512;
constexpr double kTokenNodesPerOctave = 32;
constexpr IterationCost kUnknown{.time_s = -1};

double context_position(double mean_context) { return kNodesPerOctave * std::log2(1 + mean_context / kContextOffset); }
double context_of(std::size_t node) { return kContextOffset * (std::exp2(static_cast<double>(node) / kNodesPerOctave) - 1); }

double token_position(double n) { return kTokenNodesPerOctave * std::log2(n / static_cast<double>(kExactTokens)); }
double tokens_of(std::size_t node) { return static_cast<double>(kExactTokens) * std::exp2(static_cast<double>(node) / kTokenNodesPerOctave); }

IterationCost& slot(std::vector<IterationCost>& table, std::size_t index) {
  if (index >= table.size()) table.resize(std::max(index + 1, 2 * table.size()), kUnknown);
  return table[index];
}

IterationCost between(const IterationCost& low, const IterationCost& high, double weight) {
  IterationCost sum = low * (1 - weight);
  sum += high * weight;
  return sum;
}

/// All but the exchanges takes longer by a factor.
IterationCost slower(const IterationCost& cost, double factor) {
  if (factor == 1) return cost;
  const IterationCost network{.time_s = cost.network_s, .network_s = cost.network_s, .exchanging_s = cost.exchanging_s};
  IterationCost sum = cost;
  sum += network * -1;
  sum = sum * factor;
  sum += network;
  return sum;
}

/// One of two halves of a batch.
IterationLoad half_of(const IterationLoad& load) {
  const auto half = [](std::int64_t n) { return (n + 1) / 2; };
  return {.n_decode = half(load.n_decode),
          .decode_context = half(load.decode_context),
          .tokens_each = load.tokens_each,
          .n_chunks = half(load.n_chunks),
          .prefill_tokens = half(load.prefill_tokens),
          .prefill_work = load.prefill_work / 2,
          .n_first_tokens = half(load.n_first_tokens)};
}

std::int64_t share(std::int64_t n, std::int64_t parts) { return (n + parts - 1) / parts; }

}  // namespace

IterationCost& IterationCost::operator+=(const IterationCost& other) {
  time_s += other.time_s;
  memory_s += other.memory_s;
  compute_s += other.compute_s;
  launch_s += other.launch_s;
  network_s += other.network_s;
  host_s += other.host_s;
  exchanging_s += other.exchanging_s;
  scheduling_s += other.scheduling_s;
  energy_j += other.energy_j;
  error_s += other.error_s;
  return *this;
}

IterationCost IterationCost::operator*(double factor) const {
  return {time_s * factor,       memory_s * factor,     compute_s * factor, launch_s * factor, network_s * factor, host_s * factor,
          exchanging_s * factor, scheduling_s * factor, energy_j * factor,  error_s * factor};
}

IterationModel::IterationModel(const catalog::LanguageModel& model, const cost::OperatorModel& operators, const ReplicaPlan& plan,
                               const network::TwoLevelNetwork& network, const EngineSettings& engine)
    : operators_(std::make_unique<LayerOperators>(model, operators, plan, network, engine)),
      plan_(plan),
      backend_(engine.backend),
      n_layers_(static_cast<double>(model.n_layers.value)),
      launches_(layer_launches(model)),
      host_overhead_s_(engine.host_overhead.in(second)) {
  const double hidden = static_cast<double>(model.hidden_size.value);
  provenance_ = operators.estimate(cost::Gemm{64, hidden, hidden, plan.weight_format, plan.weight_recipe}).provenance;
}

IterationModel::~IterationModel() = default;

void IterationModel::change(const BackendProfile& backend, Time host_overhead) {
  if (backend.decode_experts != backend_.decode_experts) decode_expert_costs_.clear();
  backend_ = backend, host_overhead_s_ = host_overhead.in(second);
  if (operators_->take_expert_kernel(backend.experts)) expert_costs_.clear();
}

Time IterationModel::all_reduce_time(DataSize size) const { return operators_->all_reduce_time(size); }
double IterationModel::idle_power_w() const { return operators_->idle_power_w(); }

template <class Cost>
IterationCost IterationModel::tabulated(Table& table, std::int64_t n, Cost cost) {
  const auto at = [&](std::size_t index, double tokens) {
    if (slot(table, index).time_s < 0) slot(table, index) = cost(tokens);
    return table[index];
  };
  if (n <= kExactTokens) return at(static_cast<std::size_t>(n), static_cast<double>(n));
  const double tokens = static_cast<double>(n);
  const auto below = static_cast<std::size_t>(token_position(tokens));
  const double low = tokens_of(below), high = tokens_of(below + 1);
  const auto index = static_cast<std::size_t>(kExactTokens) + 1 + below;
  return between(at(index, low), at(index + 1, high), (tokens - low) / (high - low));
}

IterationCost IterationModel::decode_attention(std::int64_t n_sequences, std::int64_t total_context, std::int64_t tokens_each) {
  const auto index = static_cast<std::size_t>(n_sequences);
  std::vector<Table>& tables = attention_tables_[tokens_each];
  if (index >= tables.size()) tables.resize(index + 1);
  Table& table = tables[index];
  const double n = static_cast<double>(n_sequences), mean = static_cast<double>(total_context) / n;
  const auto below = static_cast<std::size_t>(context_position(mean));
  const auto at = [&](std::size_t node) {
    if (slot(table, node).time_s < 0) slot(table, node) = operators_->decode_attention(n, std::max(1.0, context_of(node)), static_cast<double>(tokens_each));
    return table[node];
  };
  const double low = context_of(below), high = context_of(below + 1);
  return between(at(below), at(below + 1), (mean - low) / (high - low));
}

// Attention and experts aside.
IterationCost IterationModel::in_engine(const IterationCost& kernels, bool has_prompts) const {
  if (has_prompts) return slower(kernels, backend_.prefill_kernels);
  IterationCost sum = slower(kernels, backend_.decode_kernels);
  const double more_s = sum.launch_s * (backend_.decode_launch - 1);
  sum += {.time_s = more_s, .launch_s = more_s, .energy_j = more_s * operators_->idle_power_w()};
  return sum;
}

// Prompts are in one micro-batch or another: on average in each its part.
IterationModel::GroupLoad IterationModel::of_busiest_group(const IterationLoad& load) const {
  const std::int64_t stages = plan_.micro_batches(), groups = plan_.data_parallel * stages;
  GroupLoad group{.n_decode = share(load.n_decode, groups)};
  group.n_chunks = static_cast<double>(share(load.n_chunks, plan_.data_parallel)) / static_cast<double>(stages);
  const double chunk_share = load.n_chunks > 0 ? group.n_chunks / static_cast<double>(load.n_chunks) : 0;
  group.prefill_tokens = static_cast<std::int64_t>(std::ceil(static_cast<double>(load.prefill_tokens) * chunk_share));
  group.n_tokens = group.n_decode * load.tokens_each + group.prefill_tokens;
  group.n_out = group.n_decode * load.tokens_each + share(load.n_first_tokens, groups);
  return group;
}

IterationCost IterationModel::attention(const IterationLoad& load, const GroupLoad& group) {
  IterationCost sum;
  if (group.n_decode > 0) {
    const double context = static_cast<double>(load.decode_context) * static_cast<double>(group.n_decode) / static_cast<double>(load.n_decode);
    sum += decode_attention(group.n_decode, static_cast<std::int64_t>(context), load.tokens_each);
  }
  if (group.prefill_tokens > 0) {  // all chunks run in one kernel, priced as equal chunks with the same tokens and work
    const double n = group.n_chunks, tokens = static_cast<double>(group.prefill_tokens);
    const double mean = load.prefill_work / static_cast<double>(load.prefill_tokens);
    sum += operators_->prefill_attention(n, tokens, std::max(0.0, mean - tokens / n / 2));
  }
  return sum * (load.prefill_tokens > 0 ? backend_.prefill_attention : backend_.decode_attention);
}

IterationCost IterationModel::experts(const IterationLoad& load, const GroupLoad& group) {
  const std::int64_t n_all = share(load.n_decode * load.tokens_each + load.prefill_tokens, plan_.micro_batches());
  const std::int64_t n_tokens = std::max(n_all, group.n_tokens);
  const bool has_prompts = load.prefill_tokens > 0;
  if (!has_prompts && backend_.decode_experts && plan_.experts() == WeightFormat{NumberFormat::fp8, cost::Recipe::block})
    return tabulated(decode_expert_costs_, n_tokens, [&](double n) { return operators_->experts_by(*backend_.decode_experts, n); });
  return tabulated(expert_costs_, n_tokens, [&](double n) { return operators_->experts(n); }) * (has_prompts ? backend_.prefill_experts : 1);
}

IterationCost IterationModel::kernels(const IterationLoad& load) {
  const GroupLoad group = of_busiest_group(load);
  IterationCost sum = tabulated(token_costs_, group.n_tokens, [&](double n) { return operators_->tokens(n); });
  if (group.n_out > 0) sum += tabulated(head_costs_, group.n_out, [&](double n) { return operators_->head(n); });
  sum += operators_->stage_sends(static_cast<double>(group.n_tokens));
  sum = in_engine(sum, load.prefill_tokens > 0);
  sum += attention(load, group);
  sum += experts(load, group);
  return sum;
}

// (2), of two batches, each with this load.
double IterationModel::hidden_flight_s(const IterationLoad& load) {
  const double n_expert_layers = operators_->n_expert_layers();
  if (plan_.data_parallel == 1 || n_expert_layers == 0) return 0;
  const GroupLoad group = of_busiest_group(load);
  const OverlapStages stages = operators_->overlap_stages(static_cast<double>(group.n_tokens));
  const bool has_prompts = load.prefill_tokens > 0;
  const double before_s = in_engine(stages.before_attention, has_prompts).time_s, shared_s = in_engine(stages.shared_experts, has_prompts).time_s;
  const double core_s = in_engine(stages.after_attention, has_prompts).time_s + attention(load, group).time_s / n_layers_;
  const double experts_s = experts(load, group).time_s / n_expert_layers, dispatch_s = stages.dispatch_s, combine_s = stages.combine_s;
  if (!has_prompts) return n_expert_layers * 2 * (std::min(dispatch_s, before_s + shared_s) + std::min(combine_s, core_s));
  const double layer_s = before_s + core_s;
  return n_expert_layers * (std::min(dispatch_s, layer_s + shared_s) + std::min(dispatch_s, experts_s) +
                            std::min(combine_s, experts_s + shared_s) + std::min(combine_s, layer_s));
}

// Of one micro-batch: every group has a scheduler of its own, (3).
IterationCost IterationModel::host(const IterationLoad& load, double kernels_s) const {
  const std::int64_t parts = plan_.data_parallel * plan_.micro_batches();
  const double n_sequences = static_cast<double>(share(load.n_decode + load.n_chunks, parts));
  const double n_prompts = static_cast<double>(share(load.n_chunks, parts));
  const Time each = backend_.sequence_overhead + backend_.stream_overhead;
  const double batch_s = n_sequences * each.in(second) + n_prompts * backend_.prompt_overhead.in(second);
  IterationCost cost;
  if (!backend_.overlaps_host) {
    cost.time_s = cost.scheduling_s = host_overhead_s_ + batch_s;
  } else if (plan_.pipeline_parallel == 1) {
    cost.time_s = cost.scheduling_s = host_overhead_s_ + std::max(0.0, batch_s - kernels_s);
  } else {
    cost.time_s = static_cast<double>(plan_.pipeline_parallel) * (host_overhead_s_ + batch_s);
  }
  cost.host_s = cost.time_s;
  cost.energy_j = cost.time_s * operators_->idle_power_w();
  return cost;
}

IterationCost IterationModel::decode_cost(std::int64_t n_decode, std::int64_t decode_context) {
  if (n_decode == 0) return {};
  return cost({.n_decode = n_decode, .decode_context = decode_context});
}

IterationCost IterationModel::reading(DataSize size) const { return operators_->stream(size.in(byte)); }

IterationCost IterationModel::cost(const IterationLoad& load) {
  IterationCost sum = pass(load);
  const double round_s = static_cast<double>(plan_.micro_batches()) * sum.scheduling_s;
  if (round_s <= sum.time_s) return sum;
  const double waited_s = round_s - sum.time_s;
  sum.time_s += waited_s, sum.host_s += waited_s, sum.energy_j += waited_s * operators_->idle_power_w();
  return sum;
}

IterationCost IterationModel::pass(const IterationLoad& load) {
  const bool has_prompts = load.prefill_tokens > 0;
  const double batches = plan_.two_batch_overlap ? 2 : 1;
  const IterationLoad batch = plan_.two_batch_overlap ? half_of(load) : load;
  IterationCost sum = kernels(batch) * batches;
  if (plan_.two_batch_overlap) {
    const double hidden_s = hidden_flight_s(batch);
    sum.time_s -= hidden_s, sum.network_s -= hidden_s;
  }
  IterationCost gaps;
  gaps.time_s = gaps.launch_s = batches * n_layers_ * backend_.layer_overhead.in(second);
  const double eager_s = batches * n_layers_ * launches_ * backend_.eager_layer.in(second);
  if ((has_prompts || !backend_.has_graphs) && eager_s > sum.time_s + gaps.time_s) {
    gaps.host_s = eager_s - sum.time_s - gaps.time_s;
    gaps.time_s += gaps.host_s;
  }
  gaps.energy_j = gaps.time_s * operators_->idle_power_w();
  sum += gaps;
  sum += host(load, sum.time_s);
  return sum;
}

}  // namespace waferwatt::serving
