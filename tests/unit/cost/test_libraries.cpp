// SPDX-License-Identifier: Apache-2.0
// Kernels of libraries that calibrations are not of.
#include <cmath>

#include <catch2/catch.hpp>

#include "waferwatt/cost/attention_library.hpp"
#include "waferwatt/cost/gemm_library.hpp"
#include "waferwatt/cost/quantised_gemm.hpp"

using namespace waferwatt;
using catalog::NumberFormat;
using cost::AttentionLibrary;

namespace {

const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

const cost::OperatorModel& h200() {
  static const cost::OperatorModel model(shipped().accelerators.at("nvidia-h200-sxm"), shipped());
  return model;
}

}  // namespace

TEST_CASE("a GEMM on narrow inputs is shorter by the passes that make them") {
  const cost::Gemm fp8{4096, 8192, 8192, NumberFormat::fp8};
  const auto with = h200().estimate(fp8), without = cost::on_quantised_inputs(h200(), fp8);
  // 4,096 x 8,192 numbers: the product of 128 columns in fp8, less that in bf16 of half the steps.
  const Time passes = h200().estimate(cost::Gemm{4096, 128, 8192, NumberFormat::fp8}).time - h200().estimate(cost::Gemm{4096, 128, 4096}).time;
  CHECK((with.time - without.time) / passes == Approx(1));
  CHECK(passes > 30 * micro * second);
  CHECK(without.time > without.work / *h200().accelerator().peak(NumberFormat::fp8));
  CHECK(without.error > with.error);
  // bf16 GEMMs have none, and a product that would be shorter than its peaks allow is not.
  const cost::Gemm bf16{4096, 8192, 8192};
  CHECK(cost::on_quantised_inputs(h200(), bf16).time == h200().estimate(bf16).time);
  const auto small = cost::on_quantised_inputs(h200(), cost::Gemm{16384, 16, 16384, NumberFormat::fp8});
  CHECK(small.time >= small.traffic / *h200().accelerator().memory_bandwidth);
}

TEST_CASE("a library's attention is its launch, its blocks, and its work with idle halves of tiles") {
  // 2 sequences of 4,096 tokens, 16 heads of 128: 2 x 16 x 32 blocks at 28.6 ns; 4 x 128 operations for every pair at 0.714 of the peak.
  const cost::PrefillAttention full{.n_sequences = 2, .new_tokens = 4096, .n_heads = 16, .n_kv_heads = 4, .qk_dim = 128, .v_dim = 128, .causal = false};
  const double pairs = 2 * 16 * 4096.0 * 4096, rate = 0.714 * h200().accelerator().peak_bf16->in(flop / second);
  const double blocks_s = 2 * 16 * 32 * 28.6e-9;
  CHECK(cost::estimate(h200(), full, AttentionLibrary::cudnn).time.in(second) == Approx(5e-6 + blocks_s + 512 * pairs / rate));
  auto causal = full;
  causal.causal = true;  // half of the pairs, and 64 idle ones for each query
  CHECK(cost::estimate(h200(), causal, AttentionLibrary::cudnn).time.in(second) ==
        Approx(5e-6 + blocks_s + 512 * pairs * (0.5 + 64.0 / 4096) / rate).epsilon(1e-3));
  auto narrow = full;  // heads of 64: half the work at 0.83 of what wide ones reach
  narrow.qk_dim = narrow.v_dim = 64;
  CHECK(cost::estimate(h200(), narrow, AttentionLibrary::cudnn).time.in(second) == Approx(5e-6 + blocks_s + 256 * pairs / (0.83 * rate)));
  CHECK(cost::backward(h200(), full, AttentionLibrary::cudnn).time > 2.5 * cost::estimate(h200(), full, AttentionLibrary::cudnn).time);
}

TEST_CASE("DeepGEMM's products are its launch, and work and bytes at what it reaches") {
  // 4,096 x 7,168 x 16,384 in fp8: 2 m n k operations at 0.668 of 1,979 TFLOP/s; m k + n k bytes in, 2 m n out, at 4.8 TB/s.
  const cost::Gemm op{4096, 7168, 16384, NumberFormat::fp8, cost::Recipe::block};
  const double work_s = 2 * 4096.0 * 7168 * 16384 / (0.668 * h200().accelerator().peak(NumberFormat::fp8)->in(flop / second));
  const double bytes_s = (4096.0 * 16384 + 7168.0 * 16384 + 2 * 4096.0 * 7168) / 4.8e12;
  const double expected = 2.5e-6 + std::pow(std::pow(work_s, 1.38) + std::pow(bytes_s, 1.38), 1 / 1.38);
  CHECK(cost::estimate(h200(), op, cost::GemmLibrary::deepgemm).time.in(second) == Approx(expected).epsilon(1e-5));
  // Four experts of a quarter of the rows do the same work on four times the weights.
  const cost::GroupedGemm grouped{4, 1024, 7168, 16384, NumberFormat::fp8, cost::Recipe::block};
  const auto four = cost::estimate(h200(), grouped, cost::GemmLibrary::deepgemm);
  CHECK(four.work.in(flop) == Approx(2 * 4096.0 * 7168 * 16384));
  CHECK(four.traffic.in(byte) == Approx(4096.0 * 16384 + 4 * 7168.0 * 16384 + 2 * 4096.0 * 7168));
  CHECK(four.time > cost::estimate(h200(), op, cost::GemmLibrary::deepgemm).time);
  CHECK_THROWS_WITH(cost::estimate(h200(), cost::Gemm{64, 64, 64}, cost::GemmLibrary::deepgemm), Catch::Contains("fp8 with block scales only"));
  CHECK(!cost::gemm_library("cutlass"));
}

TEST_CASE("what is not known of a library is refused") {
  const cost::PrefillAttention op{.new_tokens = 4096, .n_heads = 16, .n_kv_heads = 4, .qk_dim = 128, .v_dim = 128, .format = NumberFormat::fp8};
  CHECK_NOTHROW(cost::estimate(h200(), op, AttentionLibrary::cudnn));
  CHECK_THROWS_WITH(cost::estimate(h200(), op, AttentionLibrary::flash_attention_2), Catch::Contains("times of flash_attention_2 are not known in fp8 for this pass"));
  CHECK_THROWS_WITH(cost::backward(h200(), op, AttentionLibrary::triton), Catch::Contains("triton"));
  const cost::OperatorModel a100(shipped().accelerators.at("nvidia-a100-sxm-80gb"), shipped());
  CHECK_THROWS_WITH(cost::estimate(a100, op, AttentionLibrary::cudnn), Catch::Contains("does not compute in fp8"));
  CHECK(cost::attention_library("flash_attention_3") == AttentionLibrary::flash_attention_3);
  CHECK(!cost::attention_library("xformers"));
}
