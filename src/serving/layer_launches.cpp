// SPDX-License-Identifier: Apache-2.0
#include "layer_launches.hpp"

namespace waferwatt::serving {
namespace {

// Norm, quantisation, queries with keys and values, rotation and cache, attention, quantisation, output, all-reduce.
constexpr double kAttention = 8;
// Norm, quantisation, two projections in, activation, projection out, all-reduce.
constexpr double kFeedForward = 6;
// Latent attention besides: norms and quantisations of both latent vectors, their second projections, joining of keys.
constexpr double kLatent = 8;
// Norm of queries and keys; across heads their squares and an all-reduce come before.
constexpr double kHeadNorm = 1, kNormAcrossHeads = 3;
// Linear attention instead of plain one: gates, convolution, states by chunks, gated norm.
constexpr double kLinear = 14;
// The indexer of sparse attention: three projections, scores, selection, and its small kernels (layer_operators.cpp).
constexpr double kIndexer = 15;
// Experts instead of a feed-forward part: norm, router, choice in three, quantisation, order in three, two grouped
// products, activation, sum, all-reduce; shared ones have four of their own.
constexpr double kExperts = 13, kShared = 4;

}  // namespace

double layer_launches(const catalog::LanguageModel& model) {
  const double n_layers = static_cast<double>(model.n_layers.value);
  const double full = static_cast<double>(model.n_full_attention_layers()), experts = static_cast<double>(model.n_expert_layers());
  double sum = n_layers * kAttention + (n_layers - experts) * kFeedForward;
  if (model.mla) sum += n_layers * kLatent;
  const double attending = model.linear_attention ? full : n_layers;
  if (model.query_key_norm == catalog::QueryKeyNorm::per_head) sum += attending * kHeadNorm;
  if (model.query_key_norm == catalog::QueryKeyNorm::across_heads) sum += attending * kNormAcrossHeads;
  if (model.linear_attention) sum += (n_layers - full) * (kLinear - kAttention);
  if (model.sparse_attention) sum += n_layers * kIndexer;
  if (model.moe) sum += experts * (kExperts + (model.moe->n_shared_experts.value > 0 ? kShared : 0));
  return sum / n_layers / (kAttention + kFeedForward);
}

}  // namespace waferwatt::serving
