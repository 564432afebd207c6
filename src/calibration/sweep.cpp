// SPDX-License-Identifier: Apache-2.0
#include "calibration/sweep.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "waferwatt/core/random.hpp"

namespace waferwatt::calibration {
namespace {

using Int = std::int64_t;
using Points = std::vector<Point>;
constexpr Int kKi = 1024, kMi = 1024 * kKi, kGi = 1024 * kMi;
constexpr double kMostWork = 2e13;           // about 25 ms on the fastest device: ten samples fit the cap
constexpr double kMostBytes = 16.0 * kGi;    // of one operation's operands

void add(Points& points, Point point) {
  if (work(point) <= kMostWork && bytes(point) <= kMostBytes) points.push_back(std::move(point));
}

/// Columns and depth of weight matrices: projections of common language models between a logarithmic spread.
constexpr std::pair<Int, Int> kSites[] = {
    {4096, 4096},   {6144, 4096}, {28672, 4096},  {4096, 14336},  {8192, 8192},   {57344, 8192}, {8192, 28672},
    {7168, 2048},   {2112, 7168}, {24576, 1536},  {128256, 4096}, {128256, 8192}, {512, 512},    {1024, 1024},
    {2048, 2048},   {512, 8192},  {8192, 512},    {1536, 6144},   {16384, 16384}, {53248, 16384}};

void add_gemm(Points& points) {
  for (const auto& [n, k] : kSites)
    for (const Int m :
         {1, 2, 4, 8, 16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 4096, 8192, 16384}) {
      Point point = gemm_point("bf16", m, n, k);
      point.required = (m == 8192 && n == 8192 && k == 8192) || (m == 1 && n == 16384 && k == 16384);
      add(points, std::move(point));
    }
  for (std::size_t site = 0; site < 10; ++site) {
    const auto [n, k] = kSites[site];
    for (const Int m : {257, 1025}) add(points, gemm_point("bf16", m, n, k));  // one row more than a tile
    for (const Int m : {128, 1024, 4096, 8192})
      for (const char* layout : {"NN", "NT"}) add(points, gemm_point("bf16", m, n, k, layout));
  }
  for (const auto& [n, k] : kSites)
    for (const Int m : {16, 32, 64, 128, 192, 256, 512, 1024, 1536, 2048, 4096, 8192, 16384}) {
      Point point = gemm_point("fp8_e4m3", m, n, k);
      point.required = m == 8192 && n == 8192 && k == 8192;
      add(points, std::move(point));
    }
  for (const std::size_t site : {0, 1, 4, 6, 7}) {
    const auto [n, k] = kSites[site];
    for (const Int m : {64, 128, 256, 512, 1024, 4096, 8192}) {
      add(points, gemm_point("fp8_block128", m, n, k));
      add(points, gemm_point("int8", m, n, k));
    }
  }
}

void add_grouped_gemm(Points& points) {
  constexpr std::pair<Int, Int> experts_of[] = {{14336, 4096}, {2048, 7168}, {1536, 4096}, {2880, 2880}};
  for (const Int experts : {8, 32, 64, 128, 256})
    for (const auto& [n, k] : experts_of)
      for (const Int rows : {1, 4, 16, 64, 256, 1024})
        for (const char* routing : {"balanced", "zipf_1.2", "one_hot"}) {
          const bool skewed = routing[0] != 'b';
          if (skewed && rows != 4 && rows != 64 && rows != 1024) continue;
          if (routing[0] == 'o' && experts != 8 && experts != 64) continue;
          add(points, {"grouped_gemm", "bf16", {{"experts", experts}, {"rows_per_expert", rows}, {"n", n}, {"k", k}},
                       {{"routing", routing}}});
        }
}

struct Heads {
  Int q, kv, qk, v;
};

Point attention(const char* op, Int batch, Int length, const Heads& h, const char* mask) {
  return {
      op,
      "bf16",
      {{"batch", batch}, {"length", length}, {"q_heads", h.q}, {"kv_heads", h.kv}, {"head_qk", h.qk}, {"head_v", h.v}},
      {{"mask", mask}}};
}

void add_attention(Points& points) {
  constexpr Heads kLlama70B{64, 8, 128, 128};
  constexpr Heads kHeads[] = {kLlama70B, {32, 8, 128, 128}, {64, 8, 64, 64}, {128, 128, 192, 128}, {16, 1, 128, 128}};
  for (const Heads& heads : kHeads) {
    for (const Int length : {128, 512, 1024, 2048, 4096, 8192, 16384, 32768}) {
      Point point = attention("attention_prefill", 1, length, heads, "causal");
      point.required = heads.q == 64 && heads.qk == 128 && length == 8192;
      add(points, std::move(point));
      if (length <= 2048) add(points, attention("attention_prefill", 8192 / length, length, heads, "causal"));
    }
    for (const Int length : {512, 1024, 2048, 4096, 8192, 16384}) {
      Point point = attention("attention_backward", 1, length, heads, "causal");
      point.required = heads.q == 64 && heads.qk == 128 && length == 8192;
      add(points, std::move(point));
      if (length == 512 || length == 2048) add(points, attention("attention_backward", 8192 / length, length, heads, "causal"));
    }
  }
  for (const Int length : {2048, 8192}) add(points, attention("attention_prefill", 1, length, kLlama70B, "none"));

  constexpr std::pair<Int, Int> kDecodeHeads[] = {{64, 8}, {32, 8}, {16, 1}, {8, 8}};
  for (const auto& [q, kv] : kDecodeHeads)
    for (const Int batch : {1, 4, 16, 64, 256})
      for (const Int length : {512, 2048, 8192, 32768, 131072})
        for (const Int page : {64, 16}) {
          if (page == 16 && (q != 64 || length != 8192)) continue;
          Point point{"attention_decode", "bf16", {{"batch", batch}, {"q_heads", q}, {"kv_heads", kv}, {"head", 128},
                                                   {"kv_length", length}, {"page", page}}};
          point.required = q == 64 && batch == 64 && length == 8192 && page == 64;
          add(points, std::move(point));
        }
}

void add_memory_operators(Points& points) {
  for (const Int reads : {1, 2, 3})
    for (Int size = 4 * kKi; size <= 4 * kGi; size *= 4)
      add(points, {"stream", "bf16", {{"bytes", size}, {"reads", reads}, {"writes", 1}}});
  for (const Int size : {4 * kMi, 32 * kMi, 1 * kGi}) {
    Point point{"stream", "bf16", {{"bytes", size}, {"reads", 1}, {"writes", 0}}};
    point.cold = size > kMi * 64;
    point.required = true;
    add(points, std::move(point));
  }
  for (const Int rows : {1, 16, 64, 256, 1024, 4096, 16384})
    for (const Int columns : {2048, 4096, 8192}) {
      Point point{"rms_norm", "bf16", {{"rows", rows}, {"columns", columns}}};
      point.required = rows == 16384 && columns == 4096;
      add(points, std::move(point));
    }
  for (const char* op : {"softmax", "argmax"})
    for (const Int columns : {32000, 128256})
      for (const Int rows : {1, 16, 64, 256}) add(points, {op, "bf16", {{"rows", rows}, {"columns", columns}}});
  for (const char* op : {"gather_rows", "scatter_rows"})
    for (const Int row : {256, 2048, 8192, 32768})
      for (const Int rows : {64, 1024, 4096, 16384, 131072})
        add(points, {op, "bf16", {{"rows", rows}, {"row_bytes", row}}});
  for (Int n = 100'000; n <= 400'000'000; n += n / 4)
    add(points, {"adamw", "bf16", {{"parameters", n}}});
  for (Int n = 16 * kKi; n <= 256 * kMi; n *= 4) add(points, {"reduce_add", "bf16", {{"elements", n}}});
  for (const char* scales : {"tensor", "row_block128"})
    for (const Int columns : {2048, 4096, 8192})
      for (const Int rows : {16, 64, 256, 1024, 4096, 16384})
        add(points, {"quantise", "fp8_e4m3", {{"rows", rows}, {"columns", columns}}, {{"scales", scales}}});
}

void add_copies_and_launches(Points& points) {
  for (const char* direction : {"h2d", "d2h", "h2d_d2h", "d2d"})
    for (const char* memory : {"pinned", "pageable"})
      for (const Int size : {4 * kKi, 64 * kKi, 1 * kMi, 16 * kMi, 256 * kMi, 1 * kGi}) {
        const std::string way = direction;
        if (memory[1] == 'a' && (way == "d2d" || way == "h2d_d2h")) continue;  // device only; pageable copies block
        if (size == kGi && way != "d2d") continue;
        Point point{
            "memcpy", "none", {{"bytes", size}}, {{"direction", way}, {"memory", way == "d2d" ? "device" : memory}}};
        point.required = way == "d2d" && size == kGi;
        add(points, std::move(point));
      }
  for (const char* way : {"stream", "graph", "round_trip"})
    for (const Int kernels : {1, 10, 100, 1000}) {
      if (way[0] == 'r' && kernels != 1) continue;
      Point point{"launch", "none", {{"kernels", kernels}}, {{"way", way}}};
      point.cold = false, point.required = true;
      add(points, std::move(point));
    }
}

}  // namespace

Point gemm_point(std::string format, Int m, Int n, Int k, std::string layout) {
  return {"gemm", std::move(format), {{"m", m}, {"n", n}, {"k", k}}, {{"layout", std::move(layout)}}};
}

Point copy_point(Int bytes) { return {"memcpy", "none", {{"bytes", bytes}}, {{"direction", "d2d"}, {"memory", "device"}}}; }

std::vector<Point> full_sweep() {
  Points points;
  add_gemm(points);
  add_grouped_gemm(points);
  add_attention(points);
  add_memory_operators(points);
  add_copies_and_launches(points);
  return points;
}

std::vector<Point> sweep(Profile profile) {
  Points all = full_sweep();
  if (profile == Profile::full) return all;
  Points some;
  std::map<std::string, int> seen;
  for (Point& point : all) {
    const int n = seen[point.op + point.format]++;
    if (point.required || n % 4 == 0) some.push_back(std::move(point));
  }
  return some;
}

std::vector<std::size_t> shuffled_order(std::size_t n, std::uint64_t seed, int pass) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  auto random = core::RandomStream(seed, "order").substream("pass", static_cast<std::uint64_t>(pass));
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[static_cast<std::size_t>(random.below(i))]);
  return order;
}

}  // namespace waferwatt::calibration
