// SPDX-License-Identifier: Apache-2.0
#include "calibration/device/attention_graphs.hpp"

namespace waferwatt::calibration {
namespace {

constexpr cudnnDataType_t kBf16 = CUDNN_DATA_BFLOAT16;
constexpr cudnnDataType_t kFloat = CUDNN_DATA_FLOAT;
using Kind = Graph::Kind;

Graph::Tensor packed(Graph& graph, std::int64_t b, std::int64_t h, std::int64_t s, std::int64_t d,
                     cudnnDataType_t type) {
  return graph.tensor({b, h, s, d}, {h * s * d, s * d, d, 1}, type, Kind::memory);
}

/// The same memory, rows and columns swapped: what the matrix products take as K and V transposed.
Graph::Tensor packed_transposed(Graph& graph, std::int64_t b, std::int64_t h, std::int64_t s, std::int64_t d) {
  return graph.tensor({b, h, d, s}, {h * s * d, s * d, 1, d}, kBf16, Kind::memory);
}

/// scores where key <= query, else minus infinity.
Graph::Tensor causal(Graph& graph, const Graph::Tensor& scores, const Graph::Tensor& minus_infinity) {
  const auto row = graph.fused(scores.dims, CUDNN_DATA_INT32), column = graph.fused(scores.dims, CUDNN_DATA_INT32);
  const auto keep = graph.fused(scores.dims, CUDNN_DATA_BOOLEAN);
  const auto masked = graph.fused(scores.dims);
  graph.index(2, scores, row);
  graph.index(3, scores, column);
  graph.binary(CUDNN_POINTWISE_CMP_GE, row, column, keep, CUDNN_DATA_BOOLEAN);
  graph.select(scores, minus_infinity, keep, masked);
  return masked;
}

/// bf16 [b, h, s_kv, s_q] of a [b, h, s_q, s_kv].
Graph::Tensor transposed(Graph& graph, const Graph::Tensor& x) {
  const auto& d = x.dims;
  const auto y = graph.tensor({d[0], d[1], d[3], d[2]}, {d[1] * d[2] * d[3], d[2] * d[3], 1, d[3]}, kBf16, Kind::fused);
  graph.reshape(x, y);
  return y;
}

}  // namespace

ForwardGraph forward_graph(const AttentionShape& shape, bool with_mask, bool with_stats) {
  const auto [b, hq, hkv, s, d, dv] = shape;
  ForwardGraph f;
  f.causal = with_mask, f.with_stats = with_stats;
  Graph& g = f.graph;
  f.q = packed(g, b, hq, s, d, kBf16);
  f.k = packed_transposed(g, b, hkv, s, d);
  f.v = packed(g, b, hkv, s, dv, kBf16);
  f.o = packed(g, b, hq, s, dv, kBf16);
  f.scale = g.host_scalar(kFloat);
  const Graph::Dims scores{b, hq, s, s}, rows{b, hq, s, 1};

  const auto product = g.fused(scores), scaled = g.fused(scores);
  g.matmul(f.q, f.k, product);
  g.binary(CUDNN_POINTWISE_MUL, product, f.scale, scaled);
  auto score = scaled;
  if (with_mask) {
    f.minus_infinity = g.host_scalar(kFloat);
    score = causal(g, scaled, f.minus_infinity);
  }
  const auto maximum = g.fused(rows), sum = g.fused(rows);
  const auto shifted = g.fused(scores), exponential = g.fused(scores), weights = g.fused(scores, kBf16);
  g.reduce(CUDNN_REDUCE_TENSOR_MAX, score, maximum);
  g.binary(CUDNN_POINTWISE_SUB, score, maximum, shifted);
  g.unary(CUDNN_POINTWISE_EXP, shifted, exponential);
  g.reduce(CUDNN_REDUCE_TENSOR_ADD, exponential, sum);
  // The engines recognise the softmax by its statistics, wanted or not.
  const auto logarithm = g.fused(rows);
  f.stats = with_stats ? packed(g, b, hq, s, 1, kFloat) : g.fused(rows);
  g.unary(CUDNN_POINTWISE_LOG, sum, logarithm);
  g.binary(CUDNN_POINTWISE_ADD, maximum, logarithm, f.stats);
  g.binary(CUDNN_POINTWISE_DIV, exponential, sum, weights);
  g.matmul(weights, f.v, f.o);
  return f;
}

BackwardGraph backward_graph(const AttentionShape& shape) {
  const auto [b, hq, hkv, s, d, dv] = shape;
  BackwardGraph w;
  Graph& g = w.graph;
  w.q = packed(g, b, hq, s, d, kBf16), w.o = packed(g, b, hq, s, dv, kBf16), w.d_o = packed(g, b, hq, s, dv, kBf16);
  w.k = packed_transposed(g, b, hkv, s, d), w.v = packed_transposed(g, b, hkv, s, dv);
  w.stats = packed(g, b, hq, s, 1, kFloat), w.row_sum = packed(g, b, hq, s, 1, kFloat);
  w.dq = packed(g, b, hq, s, d, kBf16), w.dk = packed(g, b, hkv, s, d, kBf16), w.dv = packed(g, b, hkv, s, dv, kBf16);
  w.dq_sum = packed(g, b, hq, s, d, kFloat);
  w.scale = g.host_scalar(kFloat), w.one = g.host_scalar(kFloat), w.minus_infinity = g.host_scalar(kFloat);
  const Graph::Dims scores{b, hq, s, s}, rows{b, hq, s, 1};

  // Row sums of dO * O.
  const auto d_o_o = g.fused({b, hq, s, dv}), sums = g.fused(rows);
  g.binary(CUDNN_POINTWISE_MUL, w.d_o, w.o, d_o_o);
  g.reduce(CUDNN_REDUCE_TENSOR_ADD, d_o_o, sums);
  g.binary(CUDNN_POINTWISE_MUL, sums, w.one, w.row_sum);

  // The softmax again, from the statistics: P = exp(scale Q K^T - stats); dV = P^T dO.
  const auto product = g.fused(scores), scaled = g.fused(scores), shifted = g.fused(scores), p = g.fused(scores);
  g.matmul(w.q, w.k, product);
  g.binary(CUDNN_POINTWISE_MUL, product, w.scale, scaled);
  g.binary(CUDNN_POINTWISE_SUB, scaled, w.stats, shifted);
  const auto masked = causal(g, shifted, w.minus_infinity);
  g.unary(CUDNN_POINTWISE_EXP, masked, p);
  const auto product_to = [&](const Graph::Tensor& left, const Graph::Tensor& right, const Graph::Tensor& out,
                              std::int64_t head) {
    if (hq == hkv) return g.matmul(left, right, out);
    const auto every_head = g.fused({b, hq, s, head}, kBf16);
    g.matmul(left, right, every_head);
    g.reduce(CUDNN_REDUCE_TENSOR_ADD, every_head, out);
  };
  product_to(transposed(g, p), w.d_o, w.dv, dv);

  // dS = scale (dO V^T - row sums) P; dK = dS^T Q; dQ = dS K.
  const auto dp = g.fused(scores), centred = g.fused(scores), weighted = g.fused(scores), ds = g.fused(scores, kBf16);
  g.matmul(w.d_o, w.v, dp);
  g.binary(CUDNN_POINTWISE_SUB, dp, w.row_sum, centred);
  g.binary(CUDNN_POINTWISE_MUL, centred, p, weighted);
  g.binary(CUDNN_POINTWISE_MUL, weighted, w.scale, ds);
  product_to(transposed(g, ds), w.q, w.dk, d);
  const auto k_rows = g.tensor({b, hkv, s, d}, {hkv * s * d, s * d, d, 1}, kBf16, Kind::fused);
  g.reshape(w.k, k_rows);
  g.matmul(ds, k_rows, w.dq_sum);
  g.unary(CUDNN_POINTWISE_IDENTITY, w.dq_sum, w.dq);
  return w;
}

DecodeGraph decode_graph(const DecodeShape& shape) {
  const auto [b, hq, hkv, d, kv_length, page] = shape;
  const std::int64_t per_sequence = shape.pages_per_sequence(), pages = b * per_sequence;
  DecodeGraph f;
  Graph& g = f.graph;
  f.q = packed(g, b, hq, 1, d, kBf16), f.o = packed(g, b, hq, 1, d, kBf16);
  f.k = packed(g, pages, hkv, page, d, kBf16), f.v = packed(g, pages, hkv, page, d, kBf16);
  f.scale = g.host_scalar(kFloat);
  const auto table = [&] {
    return g.tensor({b, 1, per_sequence, 1}, {per_sequence, per_sequence, 1, 1}, CUDNN_DATA_INT32, Kind::memory);
  };
  f.page_table_k = table(), f.page_table_v = table();
  const auto lengths = [&] { return g.tensor({b, 1, 1, 1}, {1, 1, 1, 1}, CUDNN_DATA_INT32, Kind::memory); };
  f.q_lengths = lengths(), f.kv_lengths = lengths();
  g.operation(CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR,
              {{CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC, f.q},
               {CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC, f.k},
               {CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC, f.v},
               {CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC, f.o},
               {CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC, f.scale},
               {CUDNN_ATTR_OPERATION_SDPA_FWD_PAGE_TABLE_KDESC, f.page_table_k},
               {CUDNN_ATTR_OPERATION_SDPA_FWD_PAGE_TABLE_VDESC, f.page_table_v},
               {CUDNN_ATTR_OPERATION_SDPA_FWD_SEQ_LEN_QDESC, f.q_lengths},
               {CUDNN_ATTR_OPERATION_SDPA_FWD_SEQ_LEN_KVDESC, f.kv_lengths}});
  return f;
}

}  // namespace waferwatt::calibration
