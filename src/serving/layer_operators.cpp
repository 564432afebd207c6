// SPDX-License-Identifier: Apache-2.0
#include "layer_operators.hpp"

#include <algorithm>
#include <cmath>

#include "waferwatt/cost/power_cap.hpp"

namespace waferwatt::serving {
namespace {

constexpr NumberFormat kActivationFormat = NumberFormat::bf16;
constexpr double kStateBytes = 4;  // states of linear attention are kept in fp32
constexpr double kSquareBytes = 4;  // sums of squares are in fp32
constexpr WeightFormat kWide{};
// Of the indexer, about 4 us each (sglang pull request 29437): norm of the key, rotation, two Hadamard transforms, two
// quantisations, of which one writes the cache, two copies (until 22232), two scalings of the heads' weights.
constexpr double kIndexerKernels = 10;
// Kernels of sparse attention work on the latent vectors with tiles of so many heads, be there fewer.
constexpr double kSparseTileHeads = 64;

}  // namespace

LayerOperators::LayerOperators(const catalog::LanguageModel& model, const cost::OperatorModel& operators, const ReplicaPlan& plan,
                               const network::TwoLevelNetwork& network, const EngineSettings& engine)
    : model_(model),
      operators_(operators),
      plan_(plan),
      network_(network),
      all_reduce_library_(engine.backend.all_reduce),
      exchanges_by_deepep_(engine.backend.exchanges_by_deepep),
      gathers_tokens_(engine.backend.gathers_tokens),
      expert_kernel_(engine.backend.experts),
      fused_quantisation_(engine.fused_quantisation),
      power_cap_(engine.power_cap),
      attention_format_(operators.supports(plan.kv_format) ? plan.kv_format : kActivationFormat),
      n_layers_(as_double(model.n_layers)),
      n_full_layers_(static_cast<double>(model.n_full_attention_layers())),
      n_expert_layers_(static_cast<double>(model.n_expert_layers())),
      hidden_(as_double(model.hidden_size)),
      tensor_(static_cast<double>(plan.tensor_parallel)),
      ranks_(static_cast<double>(plan.n_ranks())) {
  heads_ = std::ceil(as_double(model.n_heads) / tensor_);
  kv_heads_ = std::ceil(static_cast<double>(model.kv_heads()) / tensor_);
  const double numbers = model.mla ? as_double(model.mla->kv_lora_rank) + as_double(model.mla->qk_rope_head_dim)
                                   : 2 * kv_heads_ * static_cast<double>(model.head_size());
  kv_bytes_per_layer_ = numbers * catalog::size_of(plan.kv_format);
}

IterationCost LayerOperators::priced(const cost::Estimate& estimate) const {
  IterationCost cost;
  cost.time_s = estimate.time.in(second);
  Power power = operators_.power(estimate);
  if (power_cap_ && power > *power_cap_) {
    const core::Capped capped = core::capped(cost::draw_of(operators_, estimate), *power_cap_);
    cost.time_s *= capped.slowdown, power = capped.power;
  }
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
  cost.energy_j = cost.time_s * power.in(watt);
  cost.error_s = cost.time_s * estimate.error;
  return cost;
}

IterationCost LayerOperators::network_time(Time time, DataSize traffic) const {
  IterationCost cost;
  cost.time_s = cost.network_s = time.in(second);
  if (cost.time_s > 0) cost.energy_j = cost.time_s * operators_.power({.time = time, .traffic = traffic}).in(watt);
  return cost;
}

IterationCost LayerOperators::gemm(double m, double n, double k, WeightFormat weights) const {
  cost::Estimate estimate = operators_.estimate(cost::Gemm{m, n, k, weights.format, weights.recipe});
  if (fused_quantisation_) estimate.time -= quantisation_launch(weights);
  return priced(estimate);
}

// What a GEMM in the weights' format takes longer to launch than one in bf16: smallest GEMMs compared.
Time LayerOperators::quantisation_launch(WeightFormat weights) const {
  const auto smallest = [&](WeightFormat w) { return operators_.estimate(cost::Gemm{1, 1, 1, w.format, w.recipe}).time; };
  return std::max(Time{}, smallest(weights) - smallest(kWide));
}

IterationCost LayerOperators::attention_projections(double n_tokens) const {
  const WeightFormat weights = plan_.attention();
  IterationCost sum;
  if (model_.mla) {
    const catalog::LatentAttention& mla = *model_.mla;
    const double nope = as_double(mla.qk_nope_head_dim), rope = as_double(mla.qk_rope_head_dim), v = as_double(mla.v_head_dim);
    const double latent = as_double(mla.kv_lora_rank), query_rank = mla.q_lora_rank ? as_double(*mla.q_lora_rank) : 0;
    // The down-projections are not split: every accelerator computes the same latent vectors.
    sum += gemm(n_tokens, query_rank + latent + rope, hidden_, weights);
    sum += gemm(n_tokens, heads_ * (nope + rope), query_rank > 0 ? query_rank : hidden_, weights);
    sum += gemm(n_tokens, heads_ * (nope + v), latent, kWide);  // up-projection or its absorbed halves
    sum += output_projection(n_tokens);
    if (const auto& sparse = model_.sparse_attention) {  // queries and key of the indexer, and their weights
      const double index = as_double(sparse->n_index_heads) * as_double(sparse->index_head_dim);
      sum += gemm(n_tokens, index, query_rank > 0 ? query_rank : hidden_, weights);
      sum += gemm(n_tokens, as_double(sparse->index_head_dim), hidden_, kWide);
      sum += gemm(n_tokens, as_double(sparse->n_index_heads), hidden_, kWide);
      sum += stream(2 * n_tokens * index * kActivationBytes) * kIndexerKernels;
    }
    return sum;
  }
  const double size = static_cast<double>(model_.head_size()), gates = model_.gated_attention ? heads_ : 0;
  sum += gemm(n_tokens, (heads_ + gates + 2 * kv_heads_) * size, hidden_, weights);
  sum += output_projection(n_tokens);
  sum += query_key_norm(n_tokens);
  return sum;
}

IterationCost LayerOperators::output_projection(double n_tokens) const {
  const double size = model_.mla ? as_double(model_.mla->v_head_dim) : static_cast<double>(model_.head_size());
  return gemm(n_tokens, hidden_, heads_ * size, plan_.attention());
}

// Of all layers.
IterationCost LayerOperators::projections(double n_tokens) const {
  if (!model_.linear_attention) return attention_projections(n_tokens) * n_layers_;
  IterationCost sum = linear_projections(n_tokens) * (n_layers_ - n_full_layers_);
  sum += attention_projections(n_tokens) * n_full_layers_;
  return sum;
}

// Projections, convolution and the chunked update of the state, whose products are small beside the projections'.
IterationCost LayerOperators::linear_projections(double n_tokens) const {
  const catalog::LinearAttention& linear = *model_.linear_attention;
  const double keys = std::ceil(as_double(linear.n_key_heads) / tensor_) * as_double(linear.key_head_dim);
  const double n_values = std::ceil(as_double(linear.n_value_heads) / tensor_), values = n_values * as_double(linear.value_head_dim);
  IterationCost sum = gemm(n_tokens, 2 * keys + 2 * values + 2 * n_values, hidden_, plan_.attention());
  sum += gemm(n_tokens, hidden_, values, plan_.attention());
  sum += stream(2 * n_tokens * (2 * keys + values) * kActivationBytes);  // convolution
  sum += stream(3 * n_tokens * (2 * keys + 2 * values) * kActivationBytes);
  return sum;
}

// Across heads: the squares of each rank's own heads and their sum over the ranks come first.
IterationCost LayerOperators::query_key_norm(double n_tokens) const {
  if (model_.query_key_norm == catalog::QueryKeyNorm::none) return {};
  const double bytes = n_tokens * (heads_ + kv_heads_) * static_cast<double>(model_.head_size()) * kActivationBytes;
  IterationCost sum = stream(2 * bytes);
  if (model_.query_key_norm == catalog::QueryKeyNorm::per_head || tensor_ <= 1) return sum;
  const DataSize squares = n_tokens * 2 * kSquareBytes * byte;
  sum += stream(bytes);
  sum += network_time(all_reduce_time(squares), 2 * squares);
  return sum;
}

IterationCost LayerOperators::feed_forward(double n_tokens, double ffn_size) const {
  const double own = std::ceil(ffn_size / tensor_), inputs = model_.gated_ffn ? 2 : 1;
  IterationCost sum = gemm(n_tokens, inputs * own, hidden_, plan_.dense());
  sum += gemm(n_tokens, hidden_, own, plan_.dense());
  sum += stream((inputs + 1) * own * n_tokens * kActivationBytes);
  return sum;
}

/// Residual add and norm: two read, two written.
IterationCost LayerOperators::residual_norm(double n_tokens) const { return stream(4 * n_tokens * hidden_ * kActivationBytes); }

IterationCost LayerOperators::tokens(double n_tokens) const {
  const double hidden_bytes = n_tokens * hidden_ * kActivationBytes;
  IterationCost sum;
  sum += projections(n_tokens);
  sum += residual_norm(n_tokens) * (2 * n_layers_);
  const IterationCost reduce = network_time(all_reduce_time(hidden_bytes * byte), 4 * hidden_bytes * byte);
  sum += reduce * n_layers_;  // after attention
  const bool meets = plan_.data_parallel > 1;
  sum += reduce * (n_layers_ - (meets ? n_expert_layers_ : 0));
  if (n_layers_ > n_expert_layers_) sum += feed_forward(n_tokens, as_double(model_.ffn_size)) * (n_layers_ - n_expert_layers_);
  if (n_expert_layers_ > 0) {
    IterationCost part = router(n_tokens);
    part += shared_experts(n_tokens);
    if (meets) {
      const Exchange exchange = dispatch_and_combine(n_tokens);
      IterationCost ways = network_time(exchange.time(), 4 * hidden_bytes * byte);
      ways.exchanging_s = exchange.kept().in(second);
      part += ways;
    }
    sum += part * n_expert_layers_;
  }
  sum += stream(2 * hidden_bytes);  // embedding
  return sum;
}

OverlapStages LayerOperators::overlap_stages(double n_tokens) const {
  const Exchange exchange = dispatch_and_combine(n_tokens);
  const IterationCost output = output_projection(n_tokens), norm = residual_norm(n_tokens);
  OverlapStages stages{.before_attention = projections(n_tokens) * (1 / n_layers_),
                       .after_attention = output,
                       .shared_experts = shared_experts(n_tokens),
                       .dispatch_s = exchange.dispatch.flight_s(),
                       .combine_s = exchange.combine.flight_s()};
  stages.before_attention += output * -1;
  stages.before_attention += norm;
  stages.after_attention += norm;
  stages.after_attention += router(n_tokens);
  return stages;
}

IterationCost LayerOperators::head(double n_sequences) const {
  const double rows = std::ceil(as_double(model_.vocabulary) / tensor_);
  IterationCost sum = gemm(n_sequences, rows, hidden_, kWide);
  sum += stream(n_sequences * as_double(model_.vocabulary) * 4);  // sampling
  return sum;
}

// Tokens of one sequence are to the kernel more query heads on the same cache.
IterationCost LayerOperators::decode_layer(double n_sequences, double context, double tokens_each) const {
  cost::DecodeAttention attention{.n_sequences = n_sequences,
                                  .total_context_tokens = n_sequences * context,
                                  .n_heads = heads_,
                                  .qk_dim = static_cast<double>(model_.head_size()),
                                  .v_dim = static_cast<double>(model_.head_size()),
                                  .kv_bytes_per_token = kv_bytes_per_layer_,
                                  .format = attention_format_};
  if (model_.mla) {  // absorbed form: queries meet the latent vectors themselves
    attention.qk_dim = as_double(model_.mla->kv_lora_rank) + as_double(model_.mla->qk_rope_head_dim);
    attention.v_dim = as_double(model_.mla->kv_lora_rank);
  }
  if (model_.sparse_attention) attention.n_heads = std::max(heads_, kSparseTileHeads);
  attention.n_heads *= tokens_each;
  return priced(operators_.estimate(attention));
}

IterationCost LayerOperators::decode_attention(double n_sequences, double mean_context, double tokens_each) const {
  if (const auto& sparse = model_.sparse_attention) {  // every token chooses for itself
    n_sequences *= tokens_each;
    IterationCost layer = decode_layer(n_sequences, std::min(mean_context, as_double(sparse->chosen_tokens)), 1);
    layer += stream(n_sequences * mean_context * as_double(sparse->index_head_dim));  // every key of the indexer
    layer += stream(n_sequences * mean_context * 4);  // selection among the scores
    return layer * n_layers_;
  }
  IterationCost sum;
  if (n_full_layers_ > 0) sum += decode_layer(n_sequences, mean_context, tokens_each) * n_full_layers_;
  const double others = n_layers_ - n_full_layers_;
  if (others <= 0) return sum;
  if (model_.linear_attention) {
    const catalog::LinearAttention& linear = *model_.linear_attention;
    const double state = std::ceil(as_double(linear.n_value_heads) / tensor_) * as_double(linear.key_head_dim) * as_double(linear.value_head_dim);
    sum += stream(2 * n_sequences * state * kStateBytes) * others;  // read and written
  } else {
    sum += decode_layer(n_sequences, std::min(mean_context, as_double(*model_.sliding_window)), tokens_each) * others;
  }
  return sum;
}

IterationCost LayerOperators::prefill_attention(double n_chunks, double tokens, double context) const {
  cost::PrefillAttention attention{.n_sequences = n_chunks,
                                   .new_tokens = tokens / n_chunks,
                                   .context_tokens = context,
                                   .n_heads = heads_,
                                   .n_kv_heads = kv_heads_,
                                   .qk_dim = static_cast<double>(model_.head_size()),
                                   .v_dim = static_cast<double>(model_.head_size()),
                                   .format = attention_format_};
  IterationCost extra;
  if (model_.mla) {
    attention.n_kv_heads = heads_;
    attention.qk_dim = as_double(model_.mla->qk_nope_head_dim) + as_double(model_.mla->qk_rope_head_dim);
    attention.v_dim = as_double(model_.mla->v_head_dim);
    if (context > 0 && !model_.sparse_attention)  // keys and values of the cached tokens are made again from their latent vectors
      extra += gemm(n_chunks * context, heads_ * (as_double(model_.mla->qk_nope_head_dim) + attention.v_dim), as_double(model_.mla->kv_lora_rank), kWide);
    if (const auto& sparse = model_.sparse_attention) {
      attention.window = as_double(sparse->chosen_tokens);
      attention.n_heads = std::max(heads_, kSparseTileHeads), attention.n_kv_heads = 1;
      attention.qk_dim = as_double(model_.mla->kv_lora_rank) + as_double(model_.mla->qk_rope_head_dim);
      attention.v_dim = as_double(model_.mla->kv_lora_rank);
      const double pairs = tokens * (context + tokens / n_chunks / 2);
      extra += gemm(pairs / as_double(sparse->index_head_dim), as_double(sparse->n_index_heads), as_double(sparse->index_head_dim), plan_.dense());
      extra += stream(4 * pairs * 4);  // scores: written, and read thrice to choose among them
    }
  }
  IterationCost sum = priced(operators_.estimate(attention));
  sum += extra;
  if (model_.sparse_attention) return sum * n_layers_;
  sum = sum * n_full_layers_;
  const double others = n_layers_ - n_full_layers_;
  if (others > 0 && !model_.linear_attention) {
    attention.window = as_double(*model_.sliding_window);
    sum += priced(operators_.estimate(attention)) * others;
  }
  return sum;
}

IterationCost LayerOperators::stage_sends(double n_tokens) const {
  if (plan_.pipeline_parallel <= 1) return {};
  const DataSize size = n_tokens * hidden_ * kActivationBytes * byte;
  const bool across = network_.group(plan_.n_accelerators()).spans_domains();
  return network_time(network_.send_time(across, size), size) * static_cast<double>(plan_.pipeline_parallel - 1);
}

}  // namespace waferwatt::serving
