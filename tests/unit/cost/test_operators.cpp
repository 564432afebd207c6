// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/operators.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace waferwatt;
using cost::Recipe;
using cost::Routing;
using catalog::NumberFormat;

TEST_CASE("narrow weights move fewer bytes and compute in the activations' format") {
  // m = 2, n = 30, k = 50: A 2*50, B 30*50, C 2*30 numbers.
  const auto bytes = [](NumberFormat f, Recipe r) { return demand(cost::Gemm{2, 30, 50, f, r}).traffic.in(byte); };
  CHECK(bytes(NumberFormat::bf16, Recipe::plain) == Approx(2 * 100 + 2 * 1500 + 2 * 60));
  CHECK(bytes(NumberFormat::bf16, Recipe::int8_weights) == Approx(2 * 100 + 1500 + 120));
  CHECK(bytes(NumberFormat::bf16, Recipe::int4_weights) == Approx(2 * 100 + 750 + 120));
  CHECK(bytes(NumberFormat::fp8, Recipe::block) == Approx(100 + 1500 + 120));
  CHECK(bytes(NumberFormat::fp4, Recipe::plain) == Approx(50 + 750 + 120));
  CHECK(cost::kKernelFormats[cost::kernel_format(NumberFormat::bf16, Recipe::int4_weights)].arithmetic == NumberFormat::bf16);
  CHECK(cost::kernel_format("fp16") == cost::kernel_format("bf16"));
  CHECK_FALSE(cost::kernel_format("fp7"));
}

TEST_CASE("every kernel format is found by its name and by its members") {
  for (std::size_t i = 0; i < cost::kKernelFormats.size(); ++i) CHECK(cost::kernel_format(cost::kKernelFormats[i].name) == i);
  CHECK(cost::kKernelFormats[cost::kernel_format(NumberFormat::fp8, Recipe::fp4_weights)].name == "w4a8_mxfp4");
  CHECK(cost::kKernelFormats[cost::kernel_format(NumberFormat::fp4, Recipe::low_latency)].name == "nvfp4_low_latency");
}

TEST_CASE("a window and a full mask change the pairs that attention computes") {
  cost::PrefillAttention op{.new_tokens = 10, .n_heads = 1, .n_kv_heads = 1, .qk_dim = 1, .v_dim = 1};
  // 2 (1 + 1) FLOP a pair; causal 55 pairs, full 100, window 4: 1 + 2 + 3 + 4 * 7 = 34.
  CHECK(demand(op).work.in(flop) == Approx(4 * 55));
  op.causal = false;
  CHECK(demand(op).work.in(flop) == Approx(4 * 100));
  op.causal = true, op.window = 4;
  CHECK(demand(op).work.in(flop) == Approx(4 * 34));
  op.context_tokens = 100;  // all queries see 4
  CHECK(demand(op).work.in(flop) == Approx(4 * 40));
  CHECK(backward_demand(op).work.in(flop) == Approx(2.5 * 4 * 40));
}

TEST_CASE("a window limits what decoding reads of each sequence") {
  cost::DecodeAttention op{.n_sequences = 2, .total_context_tokens = 2000, .n_heads = 8, .qk_dim = 128, .v_dim = 128,
                           .kv_bytes_per_token = 512 * byte};
  const auto all = demand(op).traffic;
  op.window = 100;
  CHECK((all - demand(op).traffic).in(byte) == Approx(1800 * 512.0));
}

TEST_CASE("skewed routing gives the busiest accelerator more pairs and fewer experts") {
  const double n_experts = 64, parallel = 8, pairs = 8000, tokens = 1000;
  const auto balanced = cost::expert_load({.kind = Routing::Kind::balanced}, n_experts, parallel, pairs, tokens);
  CHECK(balanced.pairs == Approx(1000));
  CHECK(balanced.active == Approx(8));
  CHECK(balanced.hottest == Approx(1));
  double last = balanced.pairs;
  for (const double s : {0.5, 1.0, 1.5}) {
    const auto zipf = cost::expert_load({.kind = Routing::Kind::zipf, .exponent = s}, n_experts, parallel, pairs, tokens);
    CHECK(zipf.pairs > last);
    CHECK(zipf.active <= 8);
    CHECK(zipf.pairs <= pairs);
    last = zipf.pairs;
  }
  // One expert of two takes all: a histogram of 1 and 0.
  const auto one = cost::expert_load({.kind = Routing::Kind::measured, .shares = {0, 1}}, 2, 2, 100, 100);
  CHECK(one.pairs == Approx(100));
  CHECK(one.active == Approx(1));
  CHECK(one.hottest == Approx(2));
}

TEST_CASE("a flat histogram is balanced routing") {
  const Routing flat{.kind = Routing::Kind::measured, .shares = std::vector<double>(16, 3.0)};
  const auto load = cost::expert_load(flat, 16, 4, 1600, 400);
  CHECK(load.pairs == Approx(400));
  CHECK(load.active == Approx(4));
}

TEST_CASE("copies of loaded experts are placed as a load balancer does") {
  // 6, 2, 1, 1: two copies make three of 2 each; 2 2 2 2 1 1 on two accelerators with room for three: 2 + 2 + 1 each.
  const auto even = cost::expert_load({.kind = Routing::Kind::measured, .shares = {1, 6, 1, 2}}, 4, 2, 100, 50, 2);
  CHECK(even.pairs == Approx(50));
  CHECK(even.active == Approx(3));
  CHECK(even.hottest == Approx(0.2 * 6));
  // 9, 1, 1, 1: four copies make five of 1.8; the fifth stands beside another: 3.6 of 12.
  CHECK(cost::expert_load({.kind = Routing::Kind::measured, .shares = {9, 1, 1, 1}}, 4, 4, 120, 60, 4).pairs == Approx(36));
  // Where routing is even there is nothing to balance, but more weights to read.
  const auto balanced = cost::expert_load({.kind = Routing::Kind::balanced}, 256, 72, 72 * 1024, 72 * 128, 32);
  CHECK(balanced.pairs == Approx(1024));
  CHECK(balanced.active == Approx(4));
}

TEST_CASE("a histogram must fit the experts and hold a share") {
  CHECK_THROWS_WITH(cost::expert_load({.kind = Routing::Kind::measured, .shares = {1, 2}}, 4, 1, 10, 10),
                    Catch::Contains("a histogram of 2 experts is given for 4"));
  CHECK_THROWS_WITH(cost::expert_load({.kind = Routing::Kind::measured, .shares = {0, 0}}, 2, 1, 10, 10),
                    Catch::Contains("must not be negative, and one must be above 0"));
}

TEST_CASE("AdamW moves 28 bytes a parameter") {
  // Gradient 2 and master 4 read, master 4 and weight 2 written, two fp32 states read and written: 16.
  CHECK(demand(cost::OptimizerStep{1e6}).traffic.in(byte) == Approx(28e6));
  CHECK(cost::optimizer_bytes_per_parameter(cost::Optimizer::lion) < 28);
}

TEST_CASE("Adafactor keeps no state per parameter, and Muon's products grow with the smaller side squared") {
  CHECK(cost::optimizer_bytes_per_parameter(cost::Optimizer::adafactor) == Approx(14));
  const auto products = cost::newton_schulz(4096, 1024, 5);
  REQUIRE(products.size() == 15);
  double work = 0;
  for (const auto& p : products) work += demand(p).work.in(flop);
  // 5 * 2 * (1024^2 * 4096 + 1024^3 + 1024^2 * 4096)
  CHECK(work == Approx(10.0 * 1024 * 1024 * (4096 + 1024 + 4096)));
}

TEST_CASE("skewed groups read fewer weights for the same work") {
  cost::GroupedGemm op{64, 2, 1024, 1024};
  const auto balanced = demand(op);
  op.routing = {.kind = Routing::Kind::zipf, .exponent = 1.2};
  CHECK(demand(op).work == balanced.work);
  CHECK(demand(op).traffic < balanced.traffic);
  // All rows to one of 64 groups: one weight matrix of 2 MiB instead of 64.
  op.routing = {.kind = Routing::Kind::measured, .shares = std::vector<double>(64, 0.0)};
  op.routing.shares[5] = 1;
  CHECK((balanced.traffic - demand(op).traffic).in(byte) == Approx(63 * 2.0 * 1024 * 1024));
}

TEST_CASE("single heads and groups above 32 read the cache for every head") {
  // 4 sequences of 1,000 tokens; one key-value head of 128: 512 B a token.
  cost::DecodeAttention op{.n_sequences = 4, .total_context_tokens = 4000, .n_heads = 32, .qk_dim = 128, .v_dim = 128, .kv_bytes_per_token = 512 * byte};
  CHECK(demand(op).reread == DataSize{});
  CHECK(demand(op).serial.in(nano * second) == Approx(4));
  op.n_heads = 64;
  CHECK(demand(op).reread.in(byte) == Approx(63 * 4000 * 512.0));
  CHECK(demand(op).serial.in(nano * second) == Approx(4 * 64 / 3.0));
  op.n_heads = 1;
  CHECK(demand(op).reread == DataSize{});
  CHECK(demand(op).serial.in(nano * second) == Approx(4 / 3.0));
}

TEST_CASE("experts' activations are traffic apart") {
  // Two pairs, hidden 100, inner 10, gated, bf16: rows 2 + 4 + 4 B a hidden number, inner 8 + 4 B.
  const cost::Experts op{.n_tokens = 1, .experts_per_token = 2, .n_experts = 8, .hidden_size = 100, .ffn_size = 10};
  CHECK(demand(op).apart.in(byte) == Approx(2 * (10 * 100 + 12 * 10)));
  const auto load = demand(op).load(1e15 * flop / second, 1e12 * byte / second);
  CHECK(load.serial_s == Approx(2240e-12));
  CHECK(load.traffic_s == Approx(1.875 * 3000 * 2e-12));
}

TEST_CASE("kernels for experts in nvfp4 compute tiles of 128 rows, filled or not") {
  // 64 experts with 2 of 128 pairs each; rows of 2 + 2/2 + 4 B a hidden number and 8 + 2/2 B an inner one:
  // 7 * 1024 + 9 * 512 = 11776 B. 0.6 of 64 tiles of 128 rows.
  cost::Experts op{.n_tokens = 64, .experts_per_token = 2, .n_experts = 64, .hidden_size = 1024, .ffn_size = 512,
                   .format = NumberFormat::fp4, .routing = {.kind = Routing::Kind::balanced}};
  CHECK(demand(op).padding.in(byte) == Approx(0.6 * 64 * 128 * 11776));
  op.n_tokens = 64 * 128 / 2.0;  // every tile is full
  CHECK(demand(op).padding.in(byte) == Approx(0.6 * 64 * 128 * 11776));
  op.n_tokens = 64 * 129 / 2.0;  // and one more row begins another
  CHECK(demand(op).padding.in(byte) == Approx(0.6 * 64 * 256 * 11776));
  op.routing = {};  // random: half of the last tile is idle in the mean
  CHECK(demand(op).padding.in(byte) == Approx(0.6 * (64 * 129 + 64 * 64) * 11776));
  op.recipe = Recipe::low_latency;
  CHECK(demand(op).padding == DataSize{});
}

TEST_CASE("a GEMM whose last tile is nearly idle stands apart, and sums along k take the square root of its steps") {
  // Tiles of 8 rows up to 32, of 32 up to 256, of 128 above; a place in space is 1.5 times the idle share.
  const auto idle = [](double m) { return demand(cost::Gemm{m, 4096, 4096}).at.x[3] / 1.5; };
  CHECK(idle(512) == 0);
  CHECK(idle(513) == Approx(127.0 / 128));
  CHECK(idle(256) == 0);
  CHECK(idle(65) == Approx(31.0 / 32));
  CHECK(idle(17) == Approx(7.0 / 8));
  // Serial time: 30 ns for the root of 4096 steps.
  CHECK(demand(cost::Gemm{1, 1, 4096}).serial.in(nano * second) == Approx(30 * 64));
  // Kernels with block scales do not split the sums: 1 ns a step.
  CHECK(demand(cost::Gemm{1, 1, 4096, NumberFormat::fp8, Recipe::block}).serial.in(nano * second) == Approx(4096));
  CHECK(demand(cost::Gemm{1, 1, 4096, NumberFormat::fp4}).serial.in(nano * second) == Approx(4096));
}

TEST_CASE("an operator comes back from its stored dimensions") {
  const std::array<std::int64_t, 3> shape{16, 4096, 8192};
  const auto stored = cost::demand_of_shape(catalog::OperatorKind::gemm, "fp8", shape);
  const auto direct = demand(cost::Gemm{16, 4096, 8192, NumberFormat::fp8});
  CHECK(stored.work == direct.work);
  CHECK(stored.traffic == direct.traffic);
  CHECK(stored.at.x == direct.at.x);
  CHECK_THROWS_WITH(cost::demand_of_shape(catalog::OperatorKind::gemm, "fp7", shape), Catch::Contains("unknown number format \"fp7\""));
}

TEST_CASE("coordinates are logarithms, powers of two or not") {
  for (int k = -9; k < 60; ++k) CHECK(cost::demand(cost::Stream{std::exp2(k) * byte}).at.x[0] == static_cast<float>(k));
  for (const double bytes : {0.7, 3.0, 7168.0, 1e9}) CHECK(cost::demand(cost::Stream{bytes * byte}).at.x[0] == Approx(std::log2(bytes)));
  CHECK(cost::demand(cost::Stream{DataSize{}}).at.x[0] == Approx(std::log2(1e-3)));
}
