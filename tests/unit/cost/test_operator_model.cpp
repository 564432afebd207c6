// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/operator_model.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace waferwatt;
using catalog::NumberFormat;
using catalog::OperatorKind;

namespace {

/// 1,000 TFLOP/s in bf16, 2,000 in fp8, 4 TB/s, 700 W: numbers that divide well.
catalog::Accelerator round_accelerator(std::string id) {
  catalog::Accelerator a;
  a.id = id, a.name = id, a.memory = "hbm3";
  a.peak_bf16.value = 1000 * tera * flop / second;
  a.peak_fp8.emplace().value = 2000 * tera * flop / second;
  a.memory_bandwidth.value = 4 * tera * byte / second;
  a.memory_capacity.value = 80 * giga * byte;
  a.tdp.value = 700 * watt;
  return a;
}

catalog::OperatorFit fit(OperatorKind op, std::string format, double launch_us, double ec, double em, double p,
                         double error = 0.05) {
  return {.op = op,
          .format = std::move(format),
          .launch_time = launch_us * micro * second,
          .compute_efficiency = ec,
          .memory_efficiency = em,
          .exponent = p,
          .n_points = 100,
          .error_median = error};
}

catalog::Catalog round_catalog(std::vector<catalog::OperatorFit> fits) {
  catalog::Catalog catalog;
  catalog.accelerators.add(round_accelerator("x"));
  catalog.calibrations.add({.id = "x", .accelerator = "x", .fits = std::move(fits)});
  return catalog;
}

double us(Time time) { return time.in(micro * second); }

}  // namespace

TEST_CASE("a GEMM's time is its launch and the smooth maximum of work and traffic") {
  const auto catalog = round_catalog({fit(OperatorKind::gemm, "bf16", 5, 0.8, 0.5, 2)});
  const cost::OperatorModel model(round_accelerator("x"), catalog);
  // m = n = k = 1000: F = 2e9 FLOP at 800 TFLOP/s = 2.5 us. B = 3 * 2e6 B at 2 TB/s = 3 us.
  // sqrt(2.5^2 + 3^2) = 3.905 us, and 5 us of launch.
  const auto e = model.estimate(cost::Gemm{1000, 1000, 1000});
  CHECK(e.work.in(flop) == Approx(2e9));
  CHECK(e.traffic.in(byte) == Approx(6e6));
  CHECK(us(e.time) == Approx(8.905).epsilon(1e-3));
  CHECK(e.bound == cost::Bound::launch);
  CHECK(e.provenance == cost::Provenance::fitted);
  CHECK(e.error == Approx(0.05));
  CHECK(model.estimate(cost::Gemm{8192, 8192, 8192}).bound == cost::Bound::compute);
  CHECK(model.estimate(cost::Gemm{1, 16384, 16384}).bound == cost::Bound::memory);
}

TEST_CASE("large exponents neither overflow nor vanish") {
  const auto sharp = round_catalog({fit(OperatorKind::gemm, "bf16", 0, 0.8, 0.5, 46.4)});
  const cost::OperatorModel model(round_accelerator("x"), sharp);
  CHECK(us(model.estimate(cost::Gemm{1000, 1000, 1000}).time) == Approx(3.0).epsilon(1e-3));
  CHECK(model.estimate(cost::Gemm{1e6, 1e6, 1e6}).time.in(second) == Approx(2500).epsilon(1e-6));
  CHECK(model.stream(1e-3 * byte).time > Time{});
}

TEST_CASE("of two branches the faster one is taken, whichever is looked at first") {
  const cost::Formula formula{{4e-6, 0.5, 0.9, 1.7, 1}, cost::FormulaCoefficients{9e-6, 0.9, 0.6, 3, 0.5}};
  int n_other = 0;
  for (double work = 1e-8; work < 1e-2; work *= 1.3)
    for (double traffic = 1e-8; traffic < 1e-2; traffic *= 1.3) {
      const cost::Load load{work, traffic, 1e-6};
      const double first = formula.first.time(load), other = formula.other->time(load);
      const auto [branch, time] = formula.fastest(load);
      CHECK(time == std::min(first, other));
      CHECK(branch == (other < first ? &*formula.other : &formula.first));
      CHECK(branch->least_time(load) <= time);
      n_other += other < first;
    }
  CHECK(n_other > 500);
  CHECK(n_other < 2000);
}

TEST_CASE("prefill counts causal pairs with the context before them") {
  const auto catalog = round_catalog({fit(OperatorKind::attention_prefill, "bf16", 0, 0.5, 0.5, 1)});
  const cost::OperatorModel model(round_accelerator("x"), catalog);
  cost::PrefillAttention op{.n_sequences = 2, .new_tokens = 3, .n_heads = 4, .n_kv_heads = 1, .qk_dim = 8, .v_dim = 8};
  // Pairs 1 + 2 + 3 = 6 of 2 sequences and 4 heads: 2 * 4 * 6 * (2 * 8 + 2 * 8) = 1536 FLOP.
  CHECK(model.estimate(op).work.in(flop) == Approx(1536));
  // Q and O: 2 * 4 heads * 3 tokens * 16 * 2 B = 768 B; K and V: 2 * 1 * 3 * 16 * 2 B = 192 B.
  CHECK(model.estimate(op).traffic.in(byte) == Approx(960));
  op.context_tokens = 10;  // 30 more pairs
  CHECK(model.estimate(op).work.in(flop) == Approx(1536 * 36.0 / 6));
  // Chunks together do the work of the whole.
  const cost::PrefillAttention whole{.new_tokens = 100, .n_heads = 4, .n_kv_heads = 1, .qk_dim = 8, .v_dim = 8};
  auto first = whole, second_half = whole;
  first.new_tokens = 40, second_half.new_tokens = 60, second_half.context_tokens = 40;
  CHECK((model.estimate(first).work + model.estimate(second_half).work).in(flop) ==
        Approx(model.estimate(whole).work.in(flop)));
}

TEST_CASE("decoding reads the cache, and latent attention is not held to the fit of grouped queries") {
  const auto catalog = round_catalog({fit(OperatorKind::attention_decode, "bf16", 0, 0.03, 0.5, 20)});
  const cost::OperatorModel model(round_accelerator("x"), catalog);
  // 8 sequences of 1,000 tokens, 8 KV heads of 128: 4,096 B a token and layer.
  const cost::DecodeAttention gqa{.n_sequences = 8,
                                  .total_context_tokens = 8000,
                                  .n_heads = 32,
                                  .qk_dim = 128,
                                  .v_dim = 128,
                                  .kv_bytes_per_token = 4096 * byte};
  const auto e = model.estimate(gqa);
  CHECK(e.traffic.in(byte) == Approx(8000 * 4096.0 + 2 * 8 * 32 * 256));
  CHECK(e.bound == cost::Bound::memory);
  CHECK(us(e.time) == Approx(e.traffic.in(byte) / 2e12 * 1e6).epsilon(1e-3));
  // Latent cache of 576 numbers for 128 heads: 2 * 128 * 1088 / 1152 = 242 FLOP/byte. At 3 % of the peak
  // it would take 8000 * 278,528 / 30e12 = 74 us; its kernels need less than 10.
  const cost::DecodeAttention mla{.n_sequences = 8,
                                  .total_context_tokens = 8000,
                                  .n_heads = 128,
                                  .qk_dim = 576,
                                  .v_dim = 512,
                                  .kv_bytes_per_token = 1152 * byte};
  CHECK(us(model.estimate(mla).time) < 10);
  CHECK(model.estimate(mla).provenance == cost::Provenance::transferred);
}

TEST_CASE("experts read only the weights that tokens reach") {
  const auto catalog = round_catalog({fit(OperatorKind::moe, "bf16", 0, 0.8, 0.8, 1)});
  const cost::OperatorModel model(round_accelerator("x"), catalog);
  cost::Experts op{.n_tokens = 1, .experts_per_token = 2, .n_experts = 8, .hidden_size = 100, .ffn_size = 10};
  // One token, two experts: 2 pairs, 6 * 2 * 100 * 10 FLOP; at most 2 experts of 3,000 weights, drawn
  // independently: 8 (1 - (7/8)^2) = 1.875; 2 pairs that move 10 B a hidden and 12 B an inner number.
  CHECK(model.estimate(op).work.in(flop) == Approx(12000));
  CHECK(model.estimate(op).traffic.in(byte) == Approx(1.875 * 3000 * 2 + 2 * 1120));
  op.n_tokens = 1e6;  // all experts are used
  CHECK(model.estimate(op).traffic.in(byte) == Approx(8 * 3000 * 2 + 2e6 * 1120).epsilon(1e-6));
  op.expert_parallel = 4;
  CHECK(model.estimate(op).work.in(flop) == Approx(1e6 * 2 / 4 * 6000));
  op.gated = false;
  CHECK(model.estimate(op).work.in(flop) == Approx(1e6 * 2 / 4 * 4000));
  const cost::Experts one{.n_tokens = 5, .experts_per_token = 1, .n_experts = 1, .hidden_size = 100, .ffn_size = 10};
  CHECK(model.estimate(one).traffic.in(byte) == Approx(3000 * 2 + 5 * 1120));
}

TEST_CASE("a missing format borrows the nearest fit of the same accelerator") {
  const auto catalog = round_catalog({fit(OperatorKind::gemm, "bf16", 0, 0.8, 0.5, 1, 0.08)});
  const cost::OperatorModel model(round_accelerator("x"), catalog);
  const auto e = model.estimate(cost::Gemm{8192, 8192, 8192, NumberFormat::fp8});
  CHECK(e.provenance == cost::Provenance::transferred);
  CHECK(e.error == Approx(0.15));
  // Twice the rate and half the input bytes: F/(2000 T 0.8) + B/(4 T 0.5).
  CHECK(e.time.in(second) == Approx(2 * std::pow(8192.0, 3) / 1.6e15 + (2 + 2) * 8192.0 * 8192 / 2e12));
}

TEST_CASE("an accelerator without calibration takes the medians of those with HBM") {
  catalog::Catalog catalog;
  for (const auto& [id, ec] : {std::pair{"a", 0.6}, std::pair{"b", 0.7}, std::pair{"c", 0.9}}) {
    catalog.accelerators.add(round_accelerator(id));
    catalog.calibrations.add(
        {.id = id, .accelerator = id, .fits = {fit(OperatorKind::gemm, "bf16", 3, ec, 0.8, 2, 0.10)}});
  }
  auto gddr = round_accelerator("d");
  gddr.memory.reset();
  catalog.accelerators.add(gddr);
  catalog.calibrations.add({.id = "d", .accelerator = "d", .fits = {fit(OperatorKind::gemm, "bf16", 3, 0.1, 0.8, 2)}});
  const cost::OperatorModel model(round_accelerator("new"), catalog);
  const auto e = model.estimate(cost::Gemm{1e5, 1e5, 1e5});
  CHECK(e.provenance == cost::Provenance::transferred);
  CHECK(e.error == Approx(0.15));
  CHECK(e.time.in(second) == Approx(2e15 / (1e15 * 0.7)).epsilon(1e-2));
  // Another with twice the watts for each TFLOP/s: launches 2^0.6 times longer but at most 1.4, 2^0.2 times the efficiency.
  auto older = round_accelerator("older");
  older.tdp.value = 1400 * watt;
  const cost::OperatorModel of_older(older, catalog);
  CHECK(of_older.estimate(cost::Gemm{1e5, 1e5, 1e5}).time.in(second) == Approx(2e15 / (1e15 * 0.7 * std::exp2(0.2))).epsilon(1e-2));
  CHECK(us(of_older.estimate(cost::Gemm{1, 1, 1}).time) == Approx(1.4 * 3).epsilon(1e-2));
}

TEST_CASE("sums of block-scaled products are promoted where no instruction scales blocks, which those with fp4 do") {
  // Hopper: 4,096 products of fp8 a cycle against 128 multiply-adds, one for 128 products: a quarter of the time at the peak.
  const auto without = round_accelerator("without"), others = round_accelerator("others without");
  auto with = round_accelerator("with");
  with.peak_fp4 = with.peak_fp8;
  const cost::Gemm op{1e5, 1e5, 1e5, NumberFormat::fp8, cost::Recipe::block};
  const auto carried_s = [&](const catalog::Accelerator& from, const catalog::Accelerator& to) {
    catalog::Catalog catalog;
    catalog.accelerators.add(from);
    catalog.calibrations.add({.id = "measured", .accelerator = from.id, .fits = {fit(OperatorKind::gemm, "fp8_block", 0, 0.5, 1e9, 1)}});
    return cost::OperatorModel(to, catalog).estimate(op).time.in(second);
  };
  const double at_peak_s = 2e15 / 2e15;
  CHECK(carried_s(with, without) == Approx((1 / 0.5 + 0.25) * at_peak_s).epsilon(1e-3));
  CHECK(carried_s(without, with) == Approx((1 / 0.5 - 0.25) * at_peak_s).epsilon(1e-3));
  CHECK(carried_s(without, others) == Approx(1 / 0.5 * at_peak_s).epsilon(1e-3));
}

TEST_CASE("a catalog without calibrations still gives an estimate") {
  const cost::OperatorModel model(round_accelerator("x"), catalog::Catalog{});
  CHECK(model.estimate(cost::Gemm{8192, 8192, 8192}).provenance == cost::Provenance::spec_only);
  CHECK(model.stream(4 * giga * byte).time.in(milli * second) == Approx(1 / 0.837).epsilon(0.01));
}

TEST_CASE("a format the accelerator lacks is refused, but for a cache to decode from") {
  const cost::OperatorModel model(round_accelerator("x"), catalog::Catalog{});
  CHECK(model.supports(NumberFormat::fp8));
  CHECK_FALSE(model.supports(NumberFormat::fp4));
  CHECK_THROWS_WITH(model.estimate(cost::Gemm{1, 1, 1, NumberFormat::fp4}),
                    Catch::Contains("x does not compute in fp4; use bf16"));
  const cost::DecodeAttention fp4_cache{.n_sequences = 1,
                                        .total_context_tokens = 1000,
                                        .n_heads = 32,
                                        .qk_dim = 128,
                                        .v_dim = 128,
                                        .kv_bytes_per_token = 1024 * byte,
                                        .format = NumberFormat::fp4};
  CHECK(model.estimate(fp4_cache).time > Time{});
}

TEST_CASE("times grow with every dimension") {
  const cost::OperatorModel model(round_accelerator("x"), catalog::Catalog{});
  for (double size = 64; size < 1e5; size *= 2) {
    CHECK(model.estimate(cost::Gemm{2 * size, 512, 512}).time > model.estimate(cost::Gemm{size, 512, 512}).time);
    CHECK(model.estimate(cost::Gemm{512, 2 * size, 512}).time > model.estimate(cost::Gemm{512, size, 512}).time);
    CHECK(model.estimate(cost::Gemm{512, 512, 2 * size}).time > model.estimate(cost::Gemm{512, 512, size}).time);
    CHECK(model.estimate(cost::Experts{size * 2, 2, 8, 1, 1024, 1024}).time >
          model.estimate(cost::Experts{size, 2, 8, 1, 1024, 1024}).time);
  }
}

TEST_CASE("power lies between idle and TDP, and compute-bound GEMMs reach TDP") {
  const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  const cost::OperatorModel h200(catalog.accelerators.at("nvidia-h200-sxm"), catalog);
  CHECK(h200.idle_power().in(watt) == Approx(84));
  CHECK(h200.power(h200.estimate(cost::Gemm{8192, 8192, 8192})).in(watt) == Approx(700).epsilon(0.02));
  // Measured: memory-bound GEMMs at 80 % of the bandwidth draw 570 W.
  CHECK(h200.power(h200.estimate(cost::Gemm{16, 16384, 16384})).in(watt) == Approx(570).epsilon(0.15));
  // Decoding that uses a tenth to a third of the bandwidth draws 137 to 300 W (arXiv 2605.11999).
  for (const double batch : {1.0, 4.0}) {
    const auto attention = h200.estimate(cost::DecodeAttention{.n_sequences = batch,
                                                               .total_context_tokens = 2000 * batch,
                                                               .n_heads = 32,
                                                               .qk_dim = 128,
                                                               .v_dim = 128,
                                                               .kv_bytes_per_token = 4096 * byte});
    CHECK(h200.power(attention) > h200.idle_power());
    CHECK(h200.power(attention).in(watt) < 300);
  }
  CHECK(h200.power(cost::Estimate{}) == h200.idle_power());
}

TEST_CASE("shipped fits reproduce what H100, H200 and A100 do on large GEMMs") {
  const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  const auto rate = [&](const char* id, NumberFormat format) {
    const cost::OperatorModel model(catalog.accelerators.at(id), catalog);
    const auto e = model.estimate(cost::Gemm{8192, 8192, 8192, format});
    CHECK(e.provenance <= cost::Provenance::fitted);
    return e.work / e.time / (tera * flop / second);
  };
  // Measured medians of compute-bound GEMMs: 700 to 800, 727 to 794, 257 to 271; fp8 1,113 to 1,300.
  CHECK(rate("nvidia-h200-sxm", NumberFormat::bf16) == Approx(750).epsilon(0.08));
  CHECK(rate("nvidia-h100-sxm", NumberFormat::bf16) == Approx(760).epsilon(0.08));
  CHECK(rate("nvidia-a100-sxm-80gb", NumberFormat::bf16) == Approx(260).epsilon(0.08));
  CHECK(rate("nvidia-h200-sxm", NumberFormat::fp8) == Approx(1200).epsilon(0.10));
}

TEST_CASE("an accelerator with coefficients of its own takes points of its die, and holds its measured rate") {
  auto measured = round_accelerator("measured"), sibling = round_accelerator("sibling");
  measured.die_area.emplace().value = sibling.die_area.emplace().value = 800 * square_millimetre;
  sibling.tdp.value = 1400 * watt;
  auto with_points = fit(OperatorKind::gemm, "bf16", 0, 0.5, 0.8, 2);
  with_points.grid.emplace();
  with_points.grid->shape["m"].numbers = with_points.grid->shape["n"].numbers = with_points.grid->shape["k"].numbers = {8192};
  with_points.grid->log_residual_e4.numbers = {1000};  // e^0.1 times the formula
  catalog::Catalog catalog;
  catalog.accelerators.add(measured), catalog.accelerators.add(sibling);
  catalog.calibrations.add({.id = "measured", .accelerator = "measured", .fits = {with_points}});
  const double work_s = 2 * std::pow(8192.0, 3) / 1e15, traffic_s = 3 * 2 * 8192.0 * 8192 / (4e12 * 0.8);
  const auto time_s = [&](double ec) { return std::hypot(work_s / ec, traffic_s) * std::exp(0.1); };
  const cost::Gemm gemm{8192, 8192, 8192};

  const cost::OperatorModel without(sibling, catalog);
  CHECK(without.estimate(gemm).time.in(second) == Approx(time_s(0.5)));
  // Nobody measured it: 12 % longer under load, but for the cube root of its watts.
  CHECK(without.sustained(gemm).time / without.estimate(gemm).time == Approx(std::max(1.0, 1.12 / std::cbrt(2.0))));

  catalog.calibrations.add({.id = "sibling", .accelerator = "sibling", .fits = {fit(OperatorKind::gemm, "bf16", 0, 0.6, 0.8, 2)}});
  const cost::OperatorModel own(sibling, catalog);
  CHECK(own.estimate(gemm).time.in(second) == Approx(time_s(0.6)));
  CHECK(own.estimate(gemm).provenance == cost::Provenance::transferred);
  CHECK(own.sustained(gemm).time / own.estimate(gemm).time == Approx(1.12));
}

TEST_CASE("on a die activations do not follow the memory's bandwidth, across dies decode's blocks follow the watts") {
  auto measured = round_accelerator("measured"), faster = round_accelerator("faster"), other = round_accelerator("other");
  measured.die_area.emplace().value = faster.die_area.emplace().value = 800 * square_millimetre;
  faster.memory_bandwidth.value = 8 * tera * byte / second;
  other.tdp.value = 350 * watt;  // half the watts for a TFLOP/s: blocks pass in 0.5^0.7 of the time
  const auto prefill = fit(OperatorKind::attention_prefill, "bf16", 0, 1e9, 0.5, 1);  // memory alone
  auto decode = fit(OperatorKind::attention_decode, "bf16", 0, 1e9, 1e9, 1);          // blocks alone
  decode.serial_factor = 1000;
  catalog::Catalog catalog;
  for (const auto& a : {measured, faster, other}) catalog.accelerators.add(a);
  catalog.calibrations.add({.id = "measured", .accelerator = "measured", .fits = {prefill, decode}});
  const auto model = [&](const catalog::Accelerator& a) { return cost::OperatorModel(a, catalog); };
  // Twice the bandwidth of memory moves them 2^0.3 times as fast.
  const cost::PrefillAttention queries{.new_tokens = 4096, .n_heads = 32, .n_kv_heads = 8, .qk_dim = 128, .v_dim = 128};
  CHECK(model(measured).estimate(queries).time / model(faster).estimate(queries).time == Approx(std::exp2(0.3)).epsilon(1e-4));
  const cost::DecodeAttention op{.n_sequences = 64, .total_context_tokens = 64, .n_heads = 32, .qk_dim = 128, .v_dim = 128, .kv_bytes_per_token = 4096 * byte};
  // 64 sequences of 8 heads: 512 blocks of 1 us.
  CHECK(us(model(measured).estimate(op).time) == Approx(512).epsilon(0.01));
  CHECK(us(model(other).estimate(op).time) == Approx(512 * std::pow(0.5, 0.7)).epsilon(0.01));
}

TEST_CASE("of two donors of experts neither is taken: coefficients are their geometric mean") {
  auto catalog = round_catalog({fit(OperatorKind::moe, "bf16", 4, 0.9, 0.4, 2)});
  catalog.accelerators.add(round_accelerator("y"));
  catalog.calibrations.add({.id = "y", .accelerator = "y", .fits = {fit(OperatorKind::moe, "bf16", 9, 0.4, 0.9, 2)}});
  const cost::OperatorModel model(round_accelerator("z"), catalog);
  // One expert with one token, 4,096 wide on both sides: 3 x 4,096^2 weights of 2 bytes at 0.6 of 4 TB/s, 6 x 4,096^2 operations
  // at 0.6 of 1,000 TFLOP/s, launch sqrt(4 x 9) = 6 us.
  const double weights = 3.0 * 4096 * 4096, bytes_us = 2 * weights / (0.6 * 4e6), work_us = 2 * weights / (0.6 * 1e9);
  const cost::Experts op{.n_tokens = 1, .experts_per_token = 1, .n_experts = 1, .hidden_size = 4096, .ffn_size = 4096, .routing = {.kind = cost::Routing::Kind::balanced}};
  CHECK(us(model.estimate(op).time) == Approx(6 + std::hypot(bytes_us, work_us)).epsilon(1e-3));
}

TEST_CASE("donors that measured the same change nothing, however many they are") {
  auto gemm = fit(OperatorKind::gemm, "bf16", 5, 0.8, 0.5, 2);
  catalog::ResidualGrid grid;
  grid.shape = {{"m", {{16, 256, 4096}}}, {"n", {{4096, 4096, 4096}}}, {"k", {{4096, 4096, 4096}}}};
  grid.log_residual_e4 = {{1000, -2000, 500}};
  gemm.grid = grid;
  const auto estimate = [&](std::size_t n_donors, double m) {
    catalog::Catalog catalog;
    for (std::size_t i = 0; i < n_donors; ++i) {
      const std::string id = "donor-" + std::to_string(i);
      catalog.accelerators.add(round_accelerator(id));
      catalog.calibrations.add({.id = id, .accelerator = id, .fits = {gemm}});
    }
    return cost::OperatorModel(round_accelerator("x"), catalog).estimate(cost::Gemm{m, 4096, 4096});
  };
  for (const double m : {16.0, 300.0, 1e5})
    for (const std::size_t n : {2u, 3u, 4u, 5u, 9u}) {
      CHECK(us(estimate(n, m).time) == Approx(us(estimate(1, m).time)).epsilon(1e-6));
      CHECK(estimate(n, m).error_p90 == estimate(1, m).error_p90);
    }
}

TEST_CASE("a guessed calibration is a transfer on its own accelerator and no donor to others") {
  auto catalog = round_catalog({fit(OperatorKind::gemm, "bf16", 4, 0.8, 0.8, 2)});
  catalog.accelerators.add(round_accelerator("y"));
  catalog.calibrations.add({.id = "y", .accelerator = "y", .fits = {fit(OperatorKind::gemm, "bf16", 4, 0.4, 0.4, 2)}, .quality = catalog::Quality::guess});
  const cost::OperatorModel own(round_accelerator("y"), catalog), other(round_accelerator("z"), catalog), known(round_accelerator("x"), catalog);
  const cost::Gemm op{8192, 8192, 8192};
  CHECK(own.estimate(op).provenance == cost::Provenance::transferred);
  CHECK(own.estimate(op).error >= 0.15);
  CHECK(us(own.estimate(op).time) == Approx(4 + 2 * (us(known.estimate(op).time) - 4)).epsilon(1e-6));
  CHECK(other.estimate(op).time == known.estimate(op).time);
}
