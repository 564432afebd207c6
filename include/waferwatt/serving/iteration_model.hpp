// SPDX-License-Identifier: Apache-2.0
#pragma once
// Time and energy of one engine iteration of one replica.
//
// An iteration runs every layer once over the tokens in it: one token of each decoding sequence
// and the chunks of those in prefill. Its time is the sum of the operators' times on one
// accelerator (all do the same), two all-reduces a layer, and the host overhead. GEMMs, norms
// and all-reduces depend on the number of tokens only, the language-model head on the number of
// sequences that yield a token, attention on contexts; so they are kept in tables by token count.
#include "waferwatt/cost/operator_model.hpp"
#include "waferwatt/network/collectives.hpp"
#include "waferwatt/serving/deployment.hpp"

namespace waferwatt::serving {

/// Time of an operation by what it waits for, and its energy on one accelerator.
struct IterationCost {
  double time_s = 0, memory_s = 0, compute_s = 0, launch_s = 0, network_s = 0, host_s = 0;
  double energy_j = 0;
  double error_s = 0;  ///< expected error, as if all operators erred together

  IterationCost& operator+=(const IterationCost& other);
  IterationCost operator*(double factor) const;
};

/// What one iteration works on.
struct IterationLoad {
  std::int64_t n_decode = 0;
  std::int64_t decode_context = 0;  ///< tokens in the decoding sequences' caches, summed, new ones included
  std::int64_t n_chunks = 0;        ///< sequences in prefill
  std::int64_t prefill_tokens = 0;
  double prefill_work = 0;          ///< sum over chunks of new * (context + new / 2), in token pairs
  std::int64_t n_first_tokens = 0;  ///< chunks that end their prompt and yield a token
};

class IterationModel {
 public:
  /// `model` and `operators` are kept by reference.
  IterationModel(const catalog::LanguageModel& model, const cost::OperatorModel& operators, const ReplicaPlan& plan,
                 const network::TwoLevelNetwork& network, const EngineSettings& engine);

  /// Of the decoding sequences alone; nothing without any.
  IterationCost decode_cost(std::int64_t n_decode, std::int64_t decode_context);
  /// Of the whole iteration.
  IterationCost cost(const IterationLoad& load);

  /// Time of one all-reduce over the replica: the network's, or that of a one-shot exchange, in which
  /// everyone sends all of it to everyone and adds up for itself, where that is faster (small messages).
  Time all_reduce_time(DataSize size) const;

  double idle_power_w() const { return operators_.idle_power().in(watt); }
  cost::Provenance provenance() const { return provenance_; }
  const ReplicaPlan& plan() const { return plan_; }

 private:
  struct LinearTable {  // costs of decode attention at multiples of kContextStep mean tokens
    std::vector<IterationCost> nodes;
  };

  IterationCost priced(const cost::Estimate& estimate) const;
  Time quantisation_launch() const;
  IterationCost gemm(double m, double n, double k, NumberFormat format) const;
  IterationCost token_cost_of(double n_tokens) const;
  IterationCost attention_projections(double n_tokens) const;
  IterationCost dense_ffn(double n_tokens, double ffn_size) const;
  IterationCost expert_ffn(double n_tokens) const;
  IterationCost head_cost_of(double n_sequences) const;
  IterationCost decode_attention_at(double n_sequences, double mean_context) const;
  const IterationCost& token_cost(std::int64_t n_tokens);
  const IterationCost& head_cost(std::int64_t n_sequences);
  const IterationCost& attention_node(LinearTable& table, std::int64_t n_sequences, std::size_t index);
  IterationCost decode_attention(std::int64_t n_sequences, std::int64_t total_context);
  IterationCost prefill_attention(const IterationLoad& load) const;

  const catalog::LanguageModel& model_;
  const cost::OperatorModel& operators_;
  ReplicaPlan plan_;
  network::TwoLevelNetwork network_;
  NumberFormat attention_format_;
  double n_layers_, n_expert_layers_, hidden_, heads_, kv_heads_, split_;
  DataSize kv_bytes_per_layer_;
  cost::Provenance provenance_;
  Time saved_per_gemm_;  // in the weights' format
  IterationCost host_;
  std::vector<IterationCost> token_costs_, head_costs_;  // time < 0: not computed yet
  std::vector<LinearTable> attention_tables_;            // by number of sequences
};

}  // namespace waferwatt::serving
