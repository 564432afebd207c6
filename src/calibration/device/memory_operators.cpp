// SPDX-License-Identifier: Apache-2.0
// Operators that move bytes: element-wise streams, rows, gathers, the optimizer step, casts.
#include <cmath>
#include <memory>
#include <numeric>

#include "calibration/device/download.hpp"
#include "calibration/device/operators.hpp"
#include "waferwatt/core/random.hpp"

namespace waferwatt::calibration {
namespace {

using Bf16 = __nv_bfloat16;
using Enqueue = std::function<void(cudaStream_t)>;

std::size_t size(const Point& point, const char* name) { return static_cast<std::size_t>(point.at(name)); }

Bf16* random_values(Bench& bench, std::size_t n) {
  Bf16* data = bench.pool->take<Bf16>(n);
  fill_normal(bench.stream, data, n, bench.next_seed());
  return data;
}

float* random_floats(Bench& bench, std::size_t n, float scale) {
  float* data = bench.pool->take<float>(n);
  fill_normal(bench.stream, data, n, bench.next_seed(), scale);
  return data;
}

Enqueue stream_set(Bench& bench, const Point& point) {
  const std::size_t bytes = size(point, "bytes");
  const int reads = static_cast<int>(point.at("reads"));
  const void* in[3] = {};
  for (int i = 0; i < reads; ++i) in[i] = random_values(bench, bytes / 2);
  if (point.at("writes") == 0) {
    float* sink = bench.sink;
    return [data = in[0], bytes, sink](cudaStream_t s) { enqueue_read(s, data, bytes, sink); };
  }
  void* out = bench.pool->take<char>(bytes);
  return [a = in[0], b = in[1], c = in[2], reads, out, bytes](cudaStream_t s) {
    const void* list[3] = {a, b, c};
    enqueue_stream(s, reads, list, out, bytes);
  };
}

Enqueue row_set(Bench& bench, const Point& point) {
  const int rows = static_cast<int>(point.at("rows")), columns = static_cast<int>(point.at("columns"));
  const std::size_t n = size(point, "rows") * size(point, "columns");
  const Bf16* x = random_values(bench, n);
  if (point.op == "argmax") {
    auto* index = bench.pool->take<std::int32_t>(size(point, "rows"));
    return [=](cudaStream_t s) { enqueue_argmax(s, x, index, rows, columns); };
  }
  Bf16* y = bench.pool->take<Bf16>(n);
  if (point.op == "softmax") return [=](cudaStream_t s) { enqueue_softmax(s, x, y, rows, columns); };
  const Bf16* gamma = random_values(bench, size(point, "columns"));
  return [=](cudaStream_t s) { enqueue_rms_norm(s, x, gamma, y, rows, columns); };
}

/// Rows from anywhere in a table of four times as many; a scatter writes rows that nobody else writes twice as far
/// apart.
Enqueue gather_set(Bench& bench, const Point& point) {
  const std::size_t rows = size(point, "rows"), row_bytes = size(point, "row_bytes");
  const bool scatter = point.op == "scatter_rows";
  void* table = random_values(bench, 4 * rows * row_bytes / 2);
  void* list = random_values(bench, rows * row_bytes / 2);
  auto* index = bench.pool->take<std::int32_t>(rows);
  fill_index(bench.stream, index, rows, static_cast<std::int32_t>(4 * rows), bench.next_seed());
  return [=](cudaStream_t s) {
    enqueue_gather(s, scatter ? list : table, index, scatter ? table : list, rows, row_bytes, scatter);
  };
}

AdamW adamw_state(Bench& bench, std::size_t n) {
  AdamW state{random_values(bench, n), random_values(bench, n), random_floats(bench, n, 1),
              random_floats(bench, n, 0.1f), bench.pool->take<float>(n)};
  fill_constant(bench.stream, state.v, n, 0.01f);
  return state;
}

Enqueue quantise_set(Bench& bench, const Point& point) {
  const std::size_t n = size(point, "rows") * size(point, "columns");
  const Bf16* x = random_values(bench, n);
  auto* y = bench.pool->take<__nv_fp8_e4m3>(n);
  float* scales = bench.pool->take<float>(n / 128 + 1);
  if (point.label("scales") == "tensor") return [=](cudaStream_t s) { enqueue_quantise_tensor(s, x, y, scales, n); };
  return [=](cudaStream_t s) { enqueue_quantise_blocks(s, x, y, scales, n); };
}

Enqueue one_set(Bench& bench, const Point& point) {
  if (point.op == "stream") return stream_set(bench, point);
  if (point.op == "rms_norm" || point.op == "softmax" || point.op == "argmax") return row_set(bench, point);
  if (point.op == "gather_rows" || point.op == "scatter_rows") return gather_set(bench, point);
  if (point.op == "quantise") return quantise_set(bench, point);
  if (point.op == "adamw") {
    const std::size_t n = size(point, "parameters");
    const AdamW state = adamw_state(bench, n);
    return [=](cudaStream_t s) { enqueue_adamw(s, state, n); };
  }
  if (point.op == "reduce_add") {
    const std::size_t n = size(point, "elements");
    const Bf16 *a = random_values(bench, n), *b = random_values(bench, n);
    Bf16* out = bench.pool->take<Bf16>(n);
    return [=](cudaStream_t s) { enqueue_reduce_add(s, a, b, out, n); };
  }
  throw Unsupported("no such operator");
}

Check stream_check(Bench& bench) {
  constexpr std::size_t kN = 4096;
  const Bf16 *a = random_values(bench, kN), *b = random_values(bench, kN);
  Bf16* out = bench.pool->take<Bf16>(kN);
  poison(bench, out, 2 * kN);
  const void* in[3] = {a, b, nullptr};
  enqueue_stream(bench.stream, 2, in, out, 2 * kN);
  Values reference = download(bench, a, kN);
  const Values second = download(bench, b, kN);
  for (std::size_t i = 0; i < kN; ++i) reference[i] += second[i];
  return checked("stream", "bf16", relative_error(download(bench, out, kN), reference), 1e-2);
}

Check reduce_check(Bench& bench) {
  constexpr std::size_t kN = 4096;
  const Bf16 *a = random_values(bench, kN), *b = random_values(bench, kN);
  Bf16* out = bench.pool->take<Bf16>(kN);
  poison(bench, out, 2 * kN);
  enqueue_reduce_add(bench.stream, a, b, out, kN);
  Values reference = download(bench, a, kN);
  const Values second = download(bench, b, kN);
  for (std::size_t i = 0; i < kN; ++i) reference[i] += second[i];
  return checked("reduce_add", "bf16", relative_error(download(bench, out, kN), reference), 1e-2);
}

Check row_check(Bench& bench, const std::string& op) {
  constexpr int kRows = 5, kColumns = 4096;
  constexpr std::size_t kN = std::size_t{kRows} * kColumns;
  const Bf16 *x = random_values(bench, kN), *gamma = random_values(bench, kColumns);
  Bf16* y = bench.pool->take<Bf16>(kN);
  auto* index = bench.pool->take<std::int32_t>(kRows);
  poison(bench, y, 2 * kN), poison(bench, index, 4 * kRows);
  const Values in = download(bench, x, kN);
  if (op == "argmax") {
    enqueue_argmax(bench.stream, x, index, kRows, kColumns);
    const auto wanted = argmax(in, kRows, kColumns);
    return checked(op, "bf16", relative_error(download(bench, index, kRows), {wanted.begin(), wanted.end()}), 0);
  }
  if (op == "softmax") {
    enqueue_softmax(bench.stream, x, y, kRows, kColumns);
    return checked(op, "bf16", relative_error(download(bench, y, kN), softmax(in, kRows, kColumns)), 1e-2);
  }
  enqueue_rms_norm(bench.stream, x, gamma, y, kRows, kColumns);
  return checked(
      op, "bf16",
      relative_error(download(bench, y, kN), rms_norm(in, download(bench, gamma, kColumns), kRows, kColumns)), 1e-2);
}

Check gather_check(Bench& bench, bool scatter) {
  constexpr std::size_t kRows = 64, kWidth = 128;
  const Bf16* in = random_values(bench, kRows * kWidth);
  Bf16* out = bench.pool->take<Bf16>(kRows * kWidth);
  auto* index = bench.pool->take<std::int32_t>(kRows);
  std::vector<std::int32_t> order(kRows);
  for (std::size_t i = 0; i < kRows; ++i) order[i] = static_cast<std::int32_t>((i * 37 + 5) % kRows);  // a permutation
  upload(bench, index, order);
  poison(bench, out, 2 * kRows * kWidth);
  enqueue_gather(bench.stream, in, index, out, kRows, 2 * kWidth, scatter);
  const Values source = download(bench, in, kRows * kWidth);
  Values reference(source.size());
  for (std::size_t i = 0; i < kRows; ++i)
    for (std::size_t c = 0; c < kWidth; ++c) {
      const auto other = static_cast<std::size_t>(order[i]);
      reference[(scatter ? other : i) * kWidth + c] = source[(scatter ? i : other) * kWidth + c];
    }
  return checked(scatter ? "scatter_rows" : "gather_rows", "bf16",
                 relative_error(download(bench, out, kRows * kWidth), reference), 0);
}

Check adamw_check(Bench& bench) {
  constexpr std::size_t kN = 3000;
  const AdamW s = adamw_state(bench, kN);
  const Values g = download(bench, s.gradient, kN), p = download(bench, s.master, kN), m = download(bench, s.m, kN),
               v = download(bench, s.v, kN);
  enqueue_adamw(bench.stream, s, kN);
  Values reference(kN);
  for (std::size_t i = 0; i < kN; ++i) {
    const double m1 = 0.9 * m[i] + 0.1 * g[i], v1 = 0.95 * v[i] + 0.05 * g[i] * g[i];
    reference[i] = p[i] * (1 - 1e-5) - 1e-4 * m1 / (std::sqrt(v1) + 1e-8);
  }
  return checked("adamw", "bf16", relative_error(download(bench, s.master, kN), reference), 1e-5);
}

/// Values times scales must give the input back to e4m3's precision (three bits of fraction: 6 % at most).
Check quantise_check(Bench& bench, bool blocks) {
  constexpr std::size_t kN = 64 * 512;
  const Bf16* x = random_values(bench, kN);
  auto* y = bench.pool->take<__nv_fp8_e4m3>(kN);
  float* scales = bench.pool->take<float>(kN / 128);
  poison(bench, y, kN), poison(bench, scales, 4 * kN / 128);
  if (blocks) enqueue_quantise_blocks(bench.stream, x, y, scales, kN);
  else enqueue_quantise_tensor(bench.stream, x, y, scales, kN);
  Values out = download(bench, y, kN);
  const Values scale = download(bench, scales, blocks ? kN / 128 : 1);
  for (std::size_t i = 0; i < kN; ++i) out[i] *= blocks ? scale[i / 128] : scale[0] / 448;
  return checked(blocks ? "quantise row_block128" : "quantise tensor", "fp8_e4m3",
                 relative_error(out, download(bench, x, kN)), 0.04);
}

}  // namespace

Operation prepare_memory(Bench& bench, const Point& point) {
  Operation operation;
  operation.set_bytes = bytes(point);
  operation.sets = cold_sets(bench, point, operation.set_bytes);
  const auto sets = std::make_shared<std::vector<Enqueue>>();
  for (int i = 0; i < operation.sets; ++i) sets->push_back(one_set(bench, point));
  operation.enqueue = [sets](cudaStream_t stream, int set) { (*sets)[static_cast<std::size_t>(set)](stream); };
  return operation;
}

Operation prepare_copy(Bench& bench, const Point& point) {
  const std::size_t n = size(point, "bytes");
  const std::string direction = point.label("direction");
  Operation operation;
  operation.set_bytes = 2.0 * static_cast<double>(n);
  if (direction == "d2d") {
    operation.sets = cold_sets(bench, point, operation.set_bytes);
    const auto sets = std::make_shared<std::vector<std::pair<void*, void*>>>();
    for (int i = 0; i < operation.sets; ++i) sets->emplace_back(random_values(bench, n / 2), bench.pool->take<char>(n));
    operation.enqueue = [sets, n](cudaStream_t stream, int set) {
      const auto& [from, to] = (*sets)[static_cast<std::size_t>(set)];
      WAFERWATT_CALL(cudaMemcpyAsync(to, from, n, cudaMemcpyDeviceToDevice, stream));
    };
    return operation;
  }
  const bool pinned = point.label("memory") == "pinned", up = direction != "d2h", down = direction != "h2d";
  const auto host_memory = [&]() -> std::shared_ptr<char> {
    if (!pinned) return {new char[n]{}, std::default_delete<char[]>()};
    void* memory = nullptr;
    WAFERWATT_CALL(cudaMallocHost(&memory, n));
    return {static_cast<char*>(memory), [](char* p) { cudaFreeHost(p); }};
  };
  const auto source = host_memory(), target = host_memory();
  core::RandomStream random(bench.next_seed(), "host data");
  for (std::size_t i = 0; i + 8 <= n; i += 8) *reinterpret_cast<std::uint64_t*>(source.get() + i) = random.next();
  void *in = bench.pool->take<char>(n), *out = random_values(bench, n / 2);
  // Both ways at once needs a second stream; the host waits for both.
  cudaStream_t raw = nullptr;
  WAFERWATT_CALL(cudaStreamCreateWithFlags(&raw, cudaStreamNonBlocking));
  const std::shared_ptr<CUstream_st> second(raw, [](cudaStream_t s) { cudaStreamDestroy(s); });
  operation.timing = !pinned || (up && down) ? Operation::Timing::host : Operation::Timing::graph;
  operation.enqueue = [=](cudaStream_t stream, int) {
    if (up) WAFERWATT_CALL(cudaMemcpyAsync(in, source.get(), n, cudaMemcpyHostToDevice, stream));
    if (down) WAFERWATT_CALL(cudaMemcpyAsync(target.get(), out, n, cudaMemcpyDeviceToHost, up ? second.get() : stream));
    if (up && down) WAFERWATT_CALL(cudaStreamSynchronize(second.get()));
  };
  return operation;
}

Operation prepare_launch(Bench&, const Point& point) {
  const auto kernels = static_cast<int>(point.at("kernels"));
  const std::string way = point.label("way");
  Operation operation;
  operation.timing = way == "graph"    ? Operation::Timing::graph
                     : way == "stream" ? Operation::Timing::events
                                       : Operation::Timing::host;
  operation.enqueue = [kernels](cudaStream_t stream, int) {
    for (int i = 0; i < kernels; ++i) enqueue_empty(stream);
  };
  return operation;
}

void check_memory(Bench& bench, const AddCheck& add) {
  add("stream", "bf16", [&] { return stream_check(bench); });
  add("reduce_add", "bf16", [&] { return reduce_check(bench); });
  for (const char* op : {"rms_norm", "softmax", "argmax"}) add(op, "bf16", [&, op] { return row_check(bench, op); });
  for (const bool scatter : {false, true})
    add(scatter ? "scatter_rows" : "gather_rows", "bf16", [&, scatter] { return gather_check(bench, scatter); });
  add("adamw", "bf16", [&] { return adamw_check(bench); });
  for (const bool blocks : {false, true})
    add("quantise", "fp8_e4m3", [&, blocks] { return quantise_check(bench, blocks); });
}

}  // namespace waferwatt::calibration
