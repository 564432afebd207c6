// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/iteration_model.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::serving {
namespace {

// Measured residuals bend decode attention on the scale of an octave of context: nodes this dense,
// with straight lines between them, follow it. The offset makes room for contexts near zero.
constexpr double kNodesPerOctave = 24, kContextOffset = 64;
constexpr IterationCost kUnknown{.time_s = -1};
constexpr NumberFormat kActivationFormat = NumberFormat::bf16;
constexpr double kActivationBytes = 2;

double as_double(const catalog::Fact<std::int64_t>& fact) { return static_cast<double>(fact.value); }

double context_position(double mean_context) { return kNodesPerOctave * std::log2(1 + mean_context / kContextOffset); }
double context_of(std::size_t node) { return kContextOffset * (std::exp2(static_cast<double>(node) / kNodesPerOctave) - 1); }

IterationCost& slot(std::vector<IterationCost>& table, std::size_t index) {
  if (index >= table.size()) table.resize(std::max(index + 1, 2 * table.size()), kUnknown);
  return table[index];
}

}  // namespace

IterationCost& IterationCost::operator+=(const IterationCost& other) {
  time_s += other.time_s;
  memory_s += other.memory_s;
  compute_s += other.compute_s;
  launch_s += other.launch_s;
  network_s += other.network_s;
  host_s += other.host_s;
  energy_j += other.energy_j;
  error_s += other.error_s;
  return *this;
}

IterationCost IterationCost::operator*(double factor) const {
  return {time_s * factor,    memory_s * factor, compute_s * factor, launch_s * factor,
          network_s * factor, host_s * factor,   energy_j * factor,  error_s * factor};
}

IterationModel::IterationModel(const catalog::LanguageModel& model, const cost::OperatorModel& operators,
                               const ReplicaPlan& plan, const network::TwoLevelNetwork& network,
                               const EngineSettings& engine)
    : model_(model),
      operators_(operators),
      plan_(plan),
      network_(network),
      attention_format_(operators.supports(plan.kv_format) ? plan.kv_format : kActivationFormat),
      n_layers_(as_double(model.n_layers)),
      n_expert_layers_(static_cast<double>(model.n_expert_layers())),
      hidden_(as_double(model.hidden_size)),
      split_(static_cast<double>(plan.tensor_parallel)) {
  heads_ = std::ceil(as_double(model.n_heads) / split_);
  kv_heads_ = std::ceil(static_cast<double>(model.kv_heads()) / split_);
  kv_bytes_per_layer_ = kv_bytes_per_token(model, plan) / n_layers_;
  provenance_ = operators.estimate(cost::Gemm{64, hidden_, hidden_, plan.weight_format}).provenance;
  if (engine.fused_quantisation) saved_per_gemm_ = quantisation_launch();
  host_.time_s = host_.host_s = engine.host_overhead.in(second);
  host_.energy_j = host_.time_s * idle_power_w();
}

IterationCost IterationModel::priced(const cost::Estimate& estimate) const {
  IterationCost cost;
  cost.time_s = estimate.time.in(second);
  switch (estimate.bound) {
    case cost::Bound::launch:
      cost.launch_s = cost.time_s;
      break;
    case cost::Bound::memory:
      cost.memory_s = cost.time_s;
      break;
    case cost::Bound::compute:
      cost.compute_s = cost.time_s;
      break;
  }
  cost.energy_j = cost.time_s * operators_.power(estimate).in(watt);
  cost.error_s = cost.time_s * estimate.error;
  return cost;
}

IterationCost IterationModel::gemm(double m, double n, double k, NumberFormat format) const {
  cost::Estimate estimate = operators_.estimate(cost::Gemm{m, n, k, format});
  if (format == plan_.weight_format) estimate.time -= saved_per_gemm_;
  return priced(estimate);
}

// What a GEMM in the weights' format takes longer to launch than one in bf16: smallest GEMMs compared.
Time IterationModel::quantisation_launch() const {
  const auto smallest = [&](NumberFormat format) { return operators_.estimate(cost::Gemm{1, 1, 1, format}).time; };
  return std::max(Time{}, smallest(plan_.weight_format) - smallest(kActivationFormat));
}

IterationCost IterationModel::attention_projections(double n_tokens) const {
  const NumberFormat format = plan_.weight_format;
  IterationCost sum;
  if (model_.mla) {
    const catalog::LatentAttention& mla = *model_.mla;
    const double qk = as_double(mla.qk_nope_head_dim) + as_double(mla.qk_rope_head_dim), v = as_double(mla.v_head_dim);
    const double latent = as_double(mla.kv_lora_rank), rope = as_double(mla.qk_rope_head_dim);
    // The down-projections are not split: every accelerator computes the same latent vectors.
    const double query_rank = mla.q_lora_rank ? as_double(*mla.q_lora_rank) : 0;
    sum += gemm(n_tokens, query_rank + latent + rope, hidden_, format);
    sum += gemm(n_tokens, heads_ * qk, query_rank > 0 ? query_rank : hidden_, format);
    sum += gemm(n_tokens, heads_ * (as_double(mla.qk_nope_head_dim) + v), latent, format);
    sum += gemm(n_tokens, hidden_, heads_ * v, format);
    return sum;
  }
  const double size = static_cast<double>(model_.head_size());
  sum += gemm(n_tokens, (heads_ + 2 * kv_heads_) * size, hidden_, format);
  sum += gemm(n_tokens, hidden_, heads_ * size, format);
  return sum;
}

IterationCost IterationModel::dense_ffn(double n_tokens, double ffn_size) const {
  const double own = std::ceil(ffn_size / split_);
  IterationCost sum = gemm(n_tokens, (model_.gated_ffn ? 2 : 1) * own, hidden_, plan_.weight_format);
  sum += gemm(n_tokens, hidden_, own, plan_.weight_format);
  sum += priced(operators_.stream((model_.gated_ffn ? 3 : 2) * own * n_tokens * kActivationBytes * byte));
  return sum;
}

IterationCost IterationModel::expert_ffn(double n_tokens) const {
  const catalog::MixtureOfExperts& moe = *model_.moe;
  const double n_experts = as_double(moe.n_routed_experts), size = as_double(moe.expert_ffn_size);
  const bool spread = plan_.expert_parallel && n_experts >= split_;
  IterationCost sum = gemm(n_tokens, n_experts, hidden_, kActivationFormat);
  sum += priced(operators_.estimate(cost::Experts{.n_tokens = n_tokens,
                                                  .experts_per_token = as_double(moe.experts_per_token),
                                                  .n_experts = n_experts,
                                                  .expert_parallel = spread ? split_ : 1,
                                                  .hidden_size = hidden_,
                                                  .ffn_size = spread ? size : std::ceil(size / split_),
                                                  .gated = model_.gated_ffn,
                                                  .format = plan_.weight_format}));
  if (moe.n_shared_experts.value > 0) sum += dense_ffn(n_tokens, as_double(moe.n_shared_experts) * size);
  return sum;
}

Time IterationModel::all_reduce_time(DataSize size) const {
  if (split_ <= 1) return Time{};
  const network::Group group = network_.group(plan_.tensor_parallel);
  const Time reduce = network_.all_reduce_time(group, size);
  if (group.spans_domains()) return reduce;
  // Engines reduce small messages with kernels of their own, in one step.
  const Time own = network_.measured() ? network_.all_reduce_time(group, size, "vllm graph") : network_.send_time(false, (split_ - 1) * size);
  return std::min(reduce, own);
}

IterationCost IterationModel::token_cost_of(double n_tokens) const {
  const DataSize hidden_bytes = n_tokens * hidden_ * kActivationBytes * byte;
  IterationCost layer = attention_projections(n_tokens);
  layer += priced(operators_.stream(4 * hidden_bytes)) * 2;  // residual add and norm: two read, two written
  IterationCost reduce;
  reduce.time_s = reduce.network_s = all_reduce_time(hidden_bytes).in(second);
  reduce.energy_j =
      reduce.time_s * operators_.power({.time = all_reduce_time(hidden_bytes), .traffic = 4 * hidden_bytes}).in(watt);
  layer += reduce * 2;

  IterationCost sum = layer * n_layers_;
  if (n_layers_ > n_expert_layers_)
    sum += dense_ffn(n_tokens, as_double(model_.ffn_size)) * (n_layers_ - n_expert_layers_);
  if (n_expert_layers_ > 0) sum += expert_ffn(n_tokens) * n_expert_layers_;
  sum += priced(operators_.stream(2 * hidden_bytes));  // embedding
  return sum;
}

IterationCost IterationModel::head_cost_of(double n_sequences) const {
  const double rows = std::ceil(as_double(model_.vocabulary) / split_);
  IterationCost sum = gemm(n_sequences, rows, hidden_, kActivationFormat);
  sum += priced(operators_.stream(n_sequences * as_double(model_.vocabulary) * 4 * byte));  // sampling
  return sum;
}

IterationCost IterationModel::decode_attention_at(double n_sequences, double mean_context) const {
  cost::DecodeAttention attention{.n_sequences = n_sequences,
                                  .total_context_tokens = n_sequences * mean_context,
                                  .n_heads = heads_,
                                  .qk_dim = static_cast<double>(model_.head_size()),
                                  .v_dim = static_cast<double>(model_.head_size()),
                                  .kv_bytes_per_token = kv_bytes_per_layer_,
                                  .format = attention_format_};
  if (model_.mla) {  // absorbed form: queries meet the latent vectors themselves
    attention.qk_dim = as_double(model_.mla->kv_lora_rank) + as_double(model_.mla->qk_rope_head_dim);
    attention.v_dim = as_double(model_.mla->kv_lora_rank);
  }
  return priced(operators_.estimate(attention)) * n_layers_;
}

const IterationCost& IterationModel::token_cost(std::int64_t n_tokens) {
  IterationCost& cost = slot(token_costs_, static_cast<std::size_t>(n_tokens));
  if (cost.time_s < 0) cost = token_cost_of(static_cast<double>(n_tokens));
  return cost;
}

const IterationCost& IterationModel::head_cost(std::int64_t n_sequences) {
  IterationCost& cost = slot(head_costs_, static_cast<std::size_t>(n_sequences));
  if (cost.time_s < 0) cost = head_cost_of(static_cast<double>(n_sequences));
  return cost;
}

const IterationCost& IterationModel::attention_node(LinearTable& table, std::int64_t n_sequences, std::size_t index) {
  IterationCost& node = slot(table.nodes, index);
  if (node.time_s < 0)
    node =
        decode_attention_at(static_cast<double>(n_sequences), std::max(1.0, context_of(index)));
  return node;
}

IterationCost IterationModel::decode_attention(std::int64_t n_sequences, std::int64_t total_context) {
  const auto index = static_cast<std::size_t>(n_sequences);
  if (index >= attention_tables_.size()) attention_tables_.resize(index + 1);
  LinearTable& table = attention_tables_[index];
  double mean = static_cast<double>(total_context) / static_cast<double>(n_sequences);
  if (model_.sliding_window) mean = std::min(mean, as_double(*model_.sliding_window));
  const auto below = static_cast<std::size_t>(context_position(mean));
  const double weight = (mean - context_of(below)) / (context_of(below + 1) - context_of(below));
  attention_node(table, n_sequences, below + 1);  // grows the table: a reference to the lower node must come after
  const IterationCost& high = table.nodes[below + 1];
  const IterationCost& low = attention_node(table, n_sequences, below);
  IterationCost sum = low * (1 - weight);
  sum += high * weight;
  return sum;
}

// All chunks run in one kernel. It is priced as equal chunks with the same tokens and work.
IterationCost IterationModel::prefill_attention(const IterationLoad& load) const {
  const double n = static_cast<double>(load.n_chunks), tokens = static_cast<double>(load.prefill_tokens);
  double context = std::max(0.0, load.prefill_work / tokens - tokens / n / 2);
  if (model_.sliding_window) context = std::min(context, as_double(*model_.sliding_window));
  cost::PrefillAttention attention{.n_sequences = n,
                                   .new_tokens = tokens / n,
                                   .context_tokens = context,
                                   .n_heads = heads_,
                                   .n_kv_heads = kv_heads_,
                                   .qk_dim = static_cast<double>(model_.head_size()),
                                   .v_dim = static_cast<double>(model_.head_size()),
                                   .format = attention_format_};
  if (model_.mla) {
    attention.n_kv_heads = heads_;
    attention.qk_dim = as_double(model_.mla->qk_nope_head_dim) + as_double(model_.mla->qk_rope_head_dim);
    attention.v_dim = as_double(model_.mla->v_head_dim);
  }
  return priced(operators_.estimate(attention)) * n_layers_;
}

IterationCost IterationModel::decode_cost(std::int64_t n_decode, std::int64_t decode_context) {
  if (n_decode == 0) return {};
  IterationCost sum = host_;
  sum += token_cost(n_decode);
  sum += head_cost(n_decode);
  sum += decode_attention(n_decode, decode_context);
  return sum;
}

IterationCost IterationModel::cost(const IterationLoad& load) {
  if (load.prefill_tokens == 0) return decode_cost(load.n_decode, load.decode_context);
  IterationCost sum = host_;
  sum += token_cost(load.n_decode + load.prefill_tokens);
  if (const std::int64_t n_tokens_out = load.n_decode + load.n_first_tokens; n_tokens_out > 0)
    sum += head_cost(n_tokens_out);
  sum += prefill_attention(load);
  if (load.n_decode > 0) sum += decode_attention(load.n_decode, load.decode_context);
  return sum;
}

}  // namespace waferwatt::serving
