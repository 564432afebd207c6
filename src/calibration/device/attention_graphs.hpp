// SPDX-License-Identifier: Apache-2.0
#pragma once
// Scaled dot-product attention as cuDNN graphs. Tensors are [batch, heads, length, head size], packed,
// bf16; softmax statistics are float [batch, heads, length, 1].
#include "calibration/device/cudnn_graph.hpp"

namespace waferwatt::calibration {

struct AttentionShape {
  std::int64_t batch = 1, q_heads = 1, kv_heads = 1, length = 1;
  std::int64_t head_qk = 128, head_v = 128;
};

/// Forward pass; with causal mask unless told otherwise.
struct ForwardGraph {
  Graph graph;
  Graph::Tensor q, k, v, o, stats, scale, minus_infinity;
  bool causal = true, with_stats = false;
};

/// The composite of matrix products, mask and softmax that cuDNN's fused engines recognise.
ForwardGraph forward_graph(const AttentionShape& shape, bool causal, bool with_stats);

/// Backward pass with causal mask. `row_sum` and `dq_sum` are scratch in device memory (float).
struct BackwardGraph {
  Graph graph;
  Graph::Tensor q, k, v, o, d_o, stats, dq, dk, dv, row_sum, dq_sum, scale, one, minus_infinity;
};

BackwardGraph backward_graph(const AttentionShape& shape);

struct DecodeShape {
  std::int64_t batch = 1, q_heads = 1, kv_heads = 1, head = 128, kv_length = 1, page = 64;
  std::int64_t pages_per_sequence() const { return (kv_length + page - 1) / page; }
};

/// One query token per sequence over a paged cache: k and v are [pages, kv_heads, page, head].
struct DecodeGraph {
  Graph graph;
  Graph::Tensor q, k, v, o, scale, page_table_k, page_table_v, q_lengths, kv_lengths;
};

/// cuDNN's single operation for attention (9.15 and later for pages).
DecodeGraph decode_graph(const DecodeShape& shape);

}  // namespace waferwatt::calibration
