// SPDX-License-Identifier: Apache-2.0
#pragma once
// What one accelerator does in one pass through the layers, operator by operator, summed over the layers.
#include <utility>

#include "waferwatt/serving/iteration_model.hpp"

namespace waferwatt::serving {

inline constexpr double kActivationBytes = 2;  ///< activations are in bf16

inline double as_double(const catalog::Fact<std::int64_t>& fact) { return static_cast<double>(fact.value); }

/// Of one layer with experts. Attention is cut where queries meet the cache.
struct OverlapStages {
  IterationCost before_attention, after_attention, shared_experts;
  double dispatch_s = 0, combine_s = 0;  ///< tokens in flight, while other kernels have all multiprocessors
};

class LayerOperators {
 public:
  LayerOperators(const catalog::LanguageModel& model, const cost::OperatorModel& operators, const ReplicaPlan& plan,
                 const network::TwoLevelNetwork& network, const EngineSettings& engine);

  /// What grows with the tokens of one data-parallel group: projections, dense and shared parts, norms, all-reduces,
  /// linear attention's arithmetic, and the exchange of tokens with the other groups.
  IterationCost tokens(double n_tokens) const;
  /// Routed experts, for the tokens of all groups.
  IterationCost experts(double n_tokens) const;
  /// The same by a library's grouped products of fp8 with block scales, activation and quantisation between them.
  IterationCost experts_by(cost::GemmLibrary library, double n_tokens) const;
  /// For the tokens of one data-parallel group: what one batch does while the other's tokens fly.
  OverlapStages overlap_stages(double n_tokens) const;
  /// The head and sampling.
  IterationCost head(double n_sequences) const;
  /// Attention of new tokens to their caches, `tokens_each` per sequence that read its cache together; states of linear layers.
  IterationCost decode_attention(double n_sequences, double mean_context, double tokens_each = 1) const;
  /// Attention of `n_chunks` equal chunks with `tokens` tokens together and `context` tokens in each one's cache.
  IterationCost prefill_attention(double n_chunks, double tokens, double context) const;
  /// Hidden states of a micro-batch from stage to stage.
  IterationCost stage_sends(double n_tokens) const;

  /// \returns whether it is another one than before
  bool take_expert_kernel(const std::optional<ExpertKernel>& kernel) {
    return std::exchange(expert_kernel_, kernel) != kernel;
  }

  /// Bytes read and written in order.
  IterationCost stream(double bytes) const { return priced(operators_.stream(bytes * byte)); }

  Time all_reduce_time(DataSize size) const;
  double idle_power_w() const { return operators_.idle_power().in(watt); }
  double n_expert_layers() const { return n_expert_layers_; }
  const cost::OperatorModel& operators() const { return operators_; }

 private:
  IterationCost priced(const cost::Estimate& estimate) const;
  IterationCost network_time(Time time, DataSize traffic) const;
  IterationCost gemm(double m, double n, double k, WeightFormat weights) const;
  Time quantisation_launch(WeightFormat weights) const;
  IterationCost projections(double n_tokens) const;
  IterationCost attention_projections(double n_tokens) const;
  IterationCost output_projection(double n_tokens) const;
  IterationCost residual_norm(double n_tokens) const;
  IterationCost router(double n_tokens) const;
  IterationCost shared_experts(double n_tokens) const;
  IterationCost linear_projections(double n_tokens) const;
  IterationCost query_key_norm(double n_tokens) const;
  IterationCost feed_forward(double n_tokens, double ffn_size) const;
  cost::Experts routed(double n_tokens) const;
  cost::Estimate expert_kernel(const cost::Experts& op) const;
  /// How long tokens are under way, and what of it the kernels keep from others (exchanging_s of an iteration).
  struct Way {
    Time time, kept;
    double flight_s() const { return (time - kept).in(second); }
  };
  struct Exchange {
    Way dispatch, combine;
    Time time() const { return dispatch.time + combine.time; }
    Time kept() const { return dispatch.kept + combine.kept; }
  };
  Exchange dispatch_and_combine(double n_tokens) const;
  Exchange deepep(double n_tokens, network::Group group) const;
  double multiprocessors_held() const;
  Time exchange_time(network::Group group, DataSize copy, double k, bool by_node) const;
  IterationCost decode_layer(double n_sequences, double context, double tokens_each) const;

  const catalog::LanguageModel& model_;
  const cost::OperatorModel& operators_;
  ReplicaPlan plan_;
  network::TwoLevelNetwork network_;
  std::string all_reduce_library_;
  bool exchanges_by_deepep_, gathers_tokens_;
  std::optional<ExpertKernel> expert_kernel_;
  bool fused_quantisation_;
  std::optional<Power> power_cap_;
  NumberFormat attention_format_;
  double n_layers_, n_full_layers_, n_expert_layers_, hidden_, tensor_, ranks_, heads_, kv_heads_;
  DataSize kv_bytes_per_layer_;
};

}  // namespace waferwatt::serving
