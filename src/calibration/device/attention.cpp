// SPDX-License-Identifier: Apache-2.0
// Attention by cuDNN: prefill, backward, and decode over a paged cache.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <numeric>

#include "calibration/device/attention_graphs.hpp"
#include "calibration/device/download.hpp"
#include "calibration/device/operators.hpp"
#include "waferwatt/core/random.hpp"

namespace waferwatt::calibration {
namespace {

using Bf16 = __nv_bfloat16;

/// A graph and its plan; compiling takes up to a second, so plans are kept for the second pass.
template <class G>
struct Planned {
  G graph;
  Plan plan;
};

template <class G, class Make>
std::shared_ptr<Planned<G>> planned(Bench& bench, const std::string& name, Make make) {
  // Never destroyed: at exit the driver may be gone before the plans.
  static auto& known = *new std::map<std::string, std::shared_ptr<Planned<G>>>;
  static auto& refused = *new std::map<std::string, std::string>;
  if (const auto at = known.find(name); at != known.end()) return at->second;
  if (const auto at = refused.find(name); at != refused.end()) throw Unsupported(at->second);
  try {
    G graph = make();
    Plan plan = graph.graph.plan(bench.dnn);
    return known[name] = std::make_shared<Planned<G>>(Planned<G>{std::move(graph), std::move(plan)});
  } catch (const Unsupported& error) {
    refused[name] = error.what();
    throw;
  } catch (const DeviceError& error) {
    refused[name] = error.what();
    throw Unsupported(error.what());
  }
}

AttentionShape shape_of(const Point& p) {
  return {p.at("batch"), p.at("q_heads"), p.at("kv_heads"), p.at("length"), p.at("head_qk"), p.at("head_v")};
}

DecodeShape decode_shape_of(const Point& p) {
  return {p.at("batch"), p.at("q_heads"), p.at("kv_heads"), p.at("head"), p.at("kv_length"), p.at("page")};
}

struct Sizes {
  std::size_t q, k, v, o, rows;
};

Sizes sizes_of(const AttentionShape& s) {
  const auto n = [](std::int64_t value) { return static_cast<std::size_t>(value); };
  return {n(s.batch * s.q_heads * s.length * s.head_qk), n(s.batch * s.kv_heads * s.length * s.head_qk),
          n(s.batch * s.kv_heads * s.length * s.head_v), n(s.batch * s.q_heads * s.length * s.head_v),
          n(s.batch * s.q_heads * s.length)};
}

/// Numbers that cuDNN reads on the host while it enqueues.
struct HostScalars {
  float scale, one = 1, minus_infinity = -std::numeric_limits<float>::infinity();  // as cuDNN's own graphs since 9.10
  explicit HostScalars(std::int64_t head) : scale(1 / std::sqrt(static_cast<float>(head))) {}
};

struct ForwardData {
  Bf16 *q, *k, *v, *o;
  float* stats;
};

ForwardData forward_data(Bench& bench, const AttentionShape& shape, bool with_stats) {
  const Sizes n = sizes_of(shape);
  ForwardData d{bench.pool->take<Bf16>(n.q), bench.pool->take<Bf16>(n.k), bench.pool->take<Bf16>(n.v),
                bench.pool->take<Bf16>(n.o), with_stats ? bench.pool->take<float>(n.rows) : nullptr};
  fill_normal(bench.stream, d.q, n.q, bench.next_seed());
  fill_normal(bench.stream, d.k, n.k, bench.next_seed());
  fill_normal(bench.stream, d.v, n.v, bench.next_seed());
  return d;
}

struct BackwardData {
  Bf16 *d_o, *dq, *dk, *dv;
  float *row_sum, *dq_sum;
};

BackwardData backward_data(Bench& bench, const AttentionShape& shape) {
  const Sizes n = sizes_of(shape);
  BackwardData d{bench.pool->take<Bf16>(n.o), bench.pool->take<Bf16>(n.q),     bench.pool->take<Bf16>(n.k),
                 bench.pool->take<Bf16>(n.v), bench.pool->take<float>(n.rows), bench.pool->take<float>(n.q)};
  fill_normal(bench.stream, d.d_o, n.o, bench.next_seed());
  return d;
}

using Forward = std::shared_ptr<Planned<ForwardGraph>>;
using Backward = std::shared_ptr<Planned<BackwardGraph>>;
using Decode = std::shared_ptr<Planned<DecodeGraph>>;

std::string key(const AttentionShape& s, const char* what) {
  std::string text = what;
  for (const std::int64_t n : {s.batch, s.q_heads, s.kv_heads, s.length, s.head_qk, s.head_v})
    text += ' ' + std::to_string(n);
  return text;
}

Forward forward_plan(Bench& bench, const AttentionShape& shape, bool causal, bool with_stats) {
  const std::string name = key(shape, causal ? "causal" : "full") + (with_stats ? " stats" : "");
  return planned<ForwardGraph>(bench, name, [&] { return forward_graph(shape, causal, with_stats); });
}

Backward backward_plan(Bench& bench, const AttentionShape& shape) {
  return planned<BackwardGraph>(bench, key(shape, "backward"), [&] { return backward_graph(shape); });
}

void run_forward(Bench& bench, const Forward& f, const ForwardData& d, HostScalars& host, void* workspace) {
  const ForwardGraph& g = f->graph;
  std::vector<std::int64_t> uids{g.q.uid, g.k.uid, g.v.uid, g.o.uid, g.scale.uid};
  std::vector<void*> pointers{d.q, d.k, d.v, d.o, &host.scale};
  if (g.causal) uids.push_back(g.minus_infinity.uid), pointers.push_back(&host.minus_infinity);
  if (g.with_stats) uids.push_back(g.stats.uid), pointers.push_back(d.stats);
  f->plan.execute(bench.dnn, uids, pointers, workspace);
}

void run_backward(Bench& bench, const Backward& f, const ForwardData& d, const BackwardData& b, HostScalars& host,
                  void* workspace) {
  const BackwardGraph& g = f->graph;
  f->plan.execute(bench.dnn,
                  {g.q.uid, g.k.uid, g.v.uid, g.o.uid, g.d_o.uid, g.stats.uid, g.dq.uid, g.dk.uid, g.dv.uid,
                   g.row_sum.uid, g.dq_sum.uid, g.scale.uid, g.one.uid, g.minus_infinity.uid},
                  {d.q, d.k, d.v, d.o, b.d_o, d.stats, b.dq, b.dk, b.dv, b.row_sum, b.dq_sum, &host.scale, &host.one,
                   &host.minus_infinity},
                  workspace);
}

void* workspace_for(Bench& bench, std::int64_t bytes) {
  return bench.pool->take<char>(static_cast<std::size_t>(std::max<std::int64_t>(bytes, 16)));
}

io::Value engine_value(const Plan& plan) {
  io::Value out;
  out["engine"] = io::Value{plan.engine()};
  out["workspace_bytes"] = io::Value{plan.workspace_bytes()};
  return out;
}

struct DecodeData {
  Bf16 *q, *k, *v, *o;
  std::int32_t *table, *q_lengths, *kv_lengths;
};

/// A cache whose pages lie in random order, as after long service.
DecodeData decode_data(Bench& bench, const DecodeShape& s) {
  const auto n = [](std::int64_t value) { return static_cast<std::size_t>(value); };
  const std::int64_t pages = s.batch * s.pages_per_sequence();
  const std::size_t q = n(s.batch * s.q_heads * s.head), kv = n(pages * s.kv_heads * s.page * s.head),
                    batch = n(s.batch);
  DecodeData d{bench.pool->take<Bf16>(q),
               bench.pool->take<Bf16>(kv),
               bench.pool->take<Bf16>(kv),
               bench.pool->take<Bf16>(q),
               bench.pool->take<std::int32_t>(n(pages)),
               bench.pool->take<std::int32_t>(batch),
               bench.pool->take<std::int32_t>(batch)};
  fill_normal(bench.stream, d.q, q, bench.next_seed());
  fill_normal(bench.stream, d.k, kv, bench.next_seed());
  fill_normal(bench.stream, d.v, kv, bench.next_seed());
  std::vector<std::int32_t> table(n(pages));
  std::iota(table.begin(), table.end(), 0);
  core::RandomStream random(bench.next_seed(), "pages");
  for (std::size_t i = table.size(); i > 1; --i)
    std::swap(table[i - 1], table[static_cast<std::size_t>(random.below(i))]);
  upload(bench, d.table, table);
  upload(bench, d.q_lengths, std::vector<std::int32_t>(batch, 1));
  upload(bench, d.kv_lengths, std::vector<std::int32_t>(batch, static_cast<std::int32_t>(s.kv_length)));
  return d;
}

Decode decode_plan(Bench& bench, const DecodeShape& s) {
  std::string name = "decode";
  for (const std::int64_t n : {s.batch, s.q_heads, s.kv_heads, s.head, s.kv_length, s.page})
    name += ' ' + std::to_string(n);
  return planned<DecodeGraph>(bench, name, [&] { return decode_graph(s); });
}

void run_decode(Bench& bench, const Decode& f, const DecodeData& d, HostScalars& host, void* workspace) {
  const DecodeGraph& g = f->graph;
  f->plan.execute(bench.dnn,
                  {g.q.uid, g.k.uid, g.v.uid, g.o.uid, g.scale.uid, g.page_table_k.uid, g.page_table_v.uid,
                   g.q_lengths.uid, g.kv_lengths.uid},
                  {d.q, d.k, d.v, d.o, &host.scale, d.table, d.table, d.q_lengths, d.kv_lengths}, workspace);
}

AttentionSizes reference_sizes(const AttentionShape& s, bool causal) {
  const auto n = [](std::int64_t value) { return static_cast<int>(value); };
  return {n(s.batch), n(s.q_heads), n(s.kv_heads), n(s.length), n(s.length), n(s.head_qk), n(s.head_v), causal};
}

constexpr AttentionShape kSmall{2, 4, 2, 256, 128, 128};

Check forward_check(Bench& bench, bool causal) {
  const Forward f = forward_plan(bench, kSmall, causal, false);
  const ForwardData d = forward_data(bench, kSmall, false);
  HostScalars host(kSmall.head_qk);
  const Sizes n = sizes_of(kSmall);
  poison(bench, d.o, 2 * n.o);
  run_forward(bench, f, d, host, workspace_for(bench, f->plan.workspace_bytes()));
  const Values reference = attention(download(bench, d.q, n.q), download(bench, d.k, n.k), download(bench, d.v, n.v),
                                     reference_sizes(kSmall, causal));
  return checked(causal ? "attention_prefill causal" : "attention_prefill full", "bf16",
                 relative_error(download(bench, d.o, n.o), reference), 1e-2);
}

Check backward_check(Bench& bench) {
  const Forward f = forward_plan(bench, kSmall, true, true);
  const Backward back = backward_plan(bench, kSmall);
  const ForwardData d = forward_data(bench, kSmall, true);
  const BackwardData b = backward_data(bench, kSmall);
  HostScalars host(kSmall.head_qk);
  const Sizes n = sizes_of(kSmall);
  for (const auto& [data, size] : {std::pair{b.dq, n.q}, {b.dk, n.k}, {b.dv, n.v}}) poison(bench, data, 2 * size);
  run_forward(bench, f, d, host, workspace_for(bench, f->plan.workspace_bytes()));
  run_backward(bench, back, d, b, host, workspace_for(bench, back->plan.workspace_bytes()));
  const auto g = attention_gradients(download(bench, d.q, n.q), download(bench, d.k, n.k), download(bench, d.v, n.v),
                                     download(bench, b.d_o, n.o), reference_sizes(kSmall, true));
  const double error =
      std::max({relative_error(download(bench, b.dq, n.q), g.dq), relative_error(download(bench, b.dk, n.k), g.dk),
                relative_error(download(bench, b.dv, n.v), g.dv)});
  return checked("attention_backward causal", "bf16", error, 2e-2);
}

/// The paged cache as [batch, heads, length, head] in the order of the page table.
Values contiguous(const Values& pages, const Values& table, const DecodeShape& s) {
  Values out;
  for (std::int64_t b = 0; b < s.batch; ++b)
    for (std::int64_t h = 0; h < s.kv_heads; ++h)
      for (std::int64_t at = 0; at < s.kv_length; ++at) {
        const auto page =
            static_cast<std::int64_t>(table[static_cast<std::size_t>(b * s.pages_per_sequence() + at / s.page)]);
        const std::int64_t row = ((page * s.kv_heads + h) * s.page + at % s.page) * s.head;
        out.insert(out.end(), pages.begin() + row, pages.begin() + row + s.head);
      }
  return out;
}

Check decode_check(Bench& bench) {
  constexpr DecodeShape kShape{3, 8, 2, 128, 200, 16};
  const Decode f = decode_plan(bench, kShape);
  const DecodeData d = decode_data(bench, kShape);
  HostScalars host(kShape.head);
  const std::size_t q = 3 * 8 * 128, pages = static_cast<std::size_t>(3 * kShape.pages_per_sequence()),
                    kv = pages * 2 * 16 * 128;
  poison(bench, d.o, 2 * q);
  run_decode(bench, f, d, host, workspace_for(bench, f->plan.workspace_bytes()));
  const Values table = download(bench, d.table, pages);
  const AttentionSizes sizes{3, 8, 2, 1, 200, 128, 128, false};
  const Values reference = attention(download(bench, d.q, q), contiguous(download(bench, d.k, kv), table, kShape),
                                     contiguous(download(bench, d.v, kv), table, kShape), sizes);
  return checked("attention_decode", "bf16", relative_error(download(bench, d.o, q), reference), 1e-2);
}

}  // namespace

Operation prepare_attention(Bench& bench, const Point& point) {
  const AttentionShape shape = shape_of(point);
  const bool backward = point.op == "attention_backward";
  const Forward f = forward_plan(bench, shape, point.label("mask") == "causal", backward);
  const Backward back = backward ? backward_plan(bench, shape) : nullptr;
  const std::int64_t workspace_bytes = std::max(f->plan.workspace_bytes(), back ? back->plan.workspace_bytes() : 0);
  void* workspace = workspace_for(bench, workspace_bytes);
  Operation operation;
  operation.set_bytes = bytes(point);
  // The float scratch of the backward pass takes as much again.
  operation.sets = std::clamp(static_cast<int>(bench.set_budget() / (2 * operation.set_bytes)), 1,
                              cold_sets(bench, point, operation.set_bytes));
  const auto forward_sets = std::make_shared<std::vector<ForwardData>>();
  const auto backward_sets = std::make_shared<std::vector<BackwardData>>();
  const auto host = std::make_shared<HostScalars>(shape.head_qk);
  for (int i = 0; i < operation.sets; ++i) {
    forward_sets->push_back(forward_data(bench, shape, backward));
    if (!backward) continue;
    backward_sets->push_back(backward_data(bench, shape));
    run_forward(bench, f, forward_sets->back(), *host, workspace);  // output and statistics for the backward pass
  }
  operation.algorithm = engine_value(backward ? back->plan : f->plan);
  operation.enqueue = [&bench, f, back, forward_sets, backward_sets, host, workspace, backward](cudaStream_t, int set) {
    const auto at = static_cast<std::size_t>(set);
    if (backward) run_backward(bench, back, (*forward_sets)[at], (*backward_sets)[at], *host, workspace);
    else run_forward(bench, f, (*forward_sets)[at], *host, workspace);
  };
  return operation;
}

Operation prepare_decode(Bench& bench, const Point& point) {
  const DecodeShape shape = decode_shape_of(point);
  const Decode f = decode_plan(bench, shape);
  void* workspace = workspace_for(bench, f->plan.workspace_bytes());
  Operation operation;
  operation.set_bytes = bytes(point);
  operation.sets = cold_sets(bench, point, operation.set_bytes);
  const auto sets = std::make_shared<std::vector<DecodeData>>();
  const auto host = std::make_shared<HostScalars>(shape.head);
  for (int i = 0; i < operation.sets; ++i) sets->push_back(decode_data(bench, shape));
  operation.algorithm = engine_value(f->plan);
  operation.enqueue = [&bench, f, sets, host, workspace](cudaStream_t, int set) {
    run_decode(bench, f, (*sets)[static_cast<std::size_t>(set)], *host, workspace);
  };
  return operation;
}

void check_attention(Bench& bench, const AddCheck& add) {
  add("attention_prefill causal", "bf16", [&] { return forward_check(bench, true); });
  add("attention_prefill full", "bf16", [&] { return forward_check(bench, false); });
  add("attention_backward causal", "bf16", [&] { return backward_check(bench); });
  add("attention_decode", "bf16", [&] { return decode_check(bench); });
}

}  // namespace waferwatt::calibration
