// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "waferwatt/cost/operator_model.hpp"

using namespace waferwatt;
using catalog::NumberFormat;
using cost::OperatorModel;

namespace {

const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

OperatorModel model(const char* id, OperatorModel::Mode mode = OperatorModel::Mode::calibrated) {
  return {shipped().accelerators.at(id), shipped(), mode};
}

}  // namespace

TEST_CASE("in physics mode no time falls when work grows, on any accelerator") {
  for (const auto& [id, accelerator] : shipped().accelerators.all()) {
    const OperatorModel physics(accelerator, shipped(), OperatorModel::Mode::physics);
    Time gemm, decode, prefill, experts, stream;
    for (double size = 1; size < 1e6; size *= 1.3) {
      const auto grown = [&](Time& last, const cost::Estimate& e) {
        INFO(id << " " << size);
        CHECK(e.time >= last);
        last = e.time;
      };
      grown(gemm, physics.estimate(cost::Gemm{size, 4096, 4096}));
      grown(decode, physics.estimate(cost::DecodeAttention{.n_sequences = 8, .total_context_tokens = 8 * size, .n_heads = 32, .qk_dim = 128,
                                                           .v_dim = 128, .kv_bytes_per_token = 4096 * byte}));
      grown(prefill, physics.estimate(cost::PrefillAttention{.new_tokens = size, .n_heads = 32, .n_kv_heads = 8, .qk_dim = 128, .v_dim = 128}));
      grown(experts, physics.estimate(cost::Experts{size, 8, 64, 1, 4096, 1024}));
      grown(stream, physics.stream(size * kilo * byte));
    }
  }
}

TEST_CASE("decode from large caches reaches the bandwidth that was measured") {
  // Measured on H200 for caches above 2 GB: median 4.09, at most 4.48 TB/s of 4.8; B200 7.11 of 8.
  const auto rate = [](const char* id) {
    const auto e = model(id).estimate(cost::DecodeAttention{.n_sequences = 64, .total_context_tokens = 64 * 16384, .n_heads = 32, .qk_dim = 128,
                                                            .v_dim = 128, .kv_bytes_per_token = 4096 * byte});
    return e.traffic / e.time / (tera * byte / second);
  };
  CHECK(rate("nvidia-h200-sxm") == Approx(4.09).epsilon(0.10));
  CHECK(rate("nvidia-b200") == Approx(7.11).epsilon(0.10));
}

TEST_CASE("energy is power times time, and its parts per operation and byte add up") {
  const auto h200 = model("nvidia-h200-sxm");
  const auto e = h200.estimate(cost::Gemm{64, 4096, 4096});
  const Energy parts = h200.idle_power() * e.time + h200.energy_per_flop() * (e.work / flop) + h200.energy_per_byte() * (e.traffic / byte);
  CHECK(h200.energy(e).in(joule) == Approx(parts.in(joule)));
  CHECK(h200.energy(e) <= e.time * *h200.accelerator().tdp);
}

TEST_CASE("sustained GEMMs take longer than bursts") {
  const auto h200 = model("nvidia-h200-sxm"), h100 = model("nvidia-h100-sxm");
  const cost::Gemm large{8192, 8192, 8192};
  CHECK(h200.sustained(large).time > h200.estimate(large).time);
  CHECK(h100.sustained(large).time / h100.estimate(large).time == Approx(1.12));
}

TEST_CASE("estimates far from measured points say so, and their band is wider") {
  const auto h200 = model("nvidia-h200-sxm");
  const auto near = h200.estimate(cost::Gemm{1000, 4000, 4000}), far = h200.estimate(cost::Gemm{1e7, 1e6, 1e6});
  CHECK(near.provenance == cost::Provenance::fitted);
  CHECK(far.error > near.error);
  CHECK(far.error_p90 > near.error_p90);
  CHECK(near.low() < near.time);
  CHECK(near.high() > near.time);
  const auto moved = model("google-tpu-v5p").estimate(cost::Gemm{1000, 4000, 4000});
  CHECK(moved.provenance == cost::Provenance::transferred);
  CHECK(moved.error_p90 > near.error_p90);
}

TEST_CASE("backward attention takes three times forward, operators without fits take the GEMM's bandwidth") {
  const auto h200 = model("nvidia-h200-sxm", OperatorModel::Mode::physics);
  // cuDNN on an H200: 2.9 to 3.3 for lengths from 2,048 on.
  const cost::PrefillAttention op{.new_tokens = 16384, .n_heads = 64, .n_kv_heads = 8, .qk_dim = 128, .v_dim = 128};
  CHECK(h200.backward(op).time / h200.estimate(op).time == Approx(3.0).epsilon(0.10));
  CHECK(h200.backward(op).provenance == cost::Provenance::transferred);
  // RMSNorm of 16,384 x 4,096 in bf16: cuDNN takes 72 us.
  CHECK(h200.estimate(cost::RowOperation{16384, 4096}).time.in(micro * second) == Approx(72).epsilon(0.10));
  CHECK(h200.estimate(cost::OptimizerStep{1e9}).time.in(milli * second) == Approx(28e9 / 4.8e12 / 0.85 * 1e3).epsilon(0.05));
  CHECK(h200.estimate(cost::GatherRows{1e5, 8192 * byte}).bound == cost::Bound::memory);
  CHECK(h200.estimate(cost::Quantise{8192, 8192}).time > Time{});
  CHECK(h200.estimate(cost::GroupedGemm{8, 128, 4096, 4096}).time > h200.estimate(cost::Gemm{128, 4096, 4096}).time);
}

TEST_CASE("every accelerator gives an estimate of every operator, with a band as wide as its provenance is weak") {
  using cost::Provenance;
  const cost::DecodeAttention decode{.n_sequences = 8, .total_context_tokens = 16384, .n_heads = 32, .qk_dim = 128, .v_dim = 128,
                                     .kv_bytes_per_token = 4096 * byte};
  const cost::PrefillAttention prefill{.new_tokens = 4096, .n_heads = 32, .n_kv_heads = 8, .qk_dim = 128, .v_dim = 128};
  double narrowest[] = {1e9, 1e9, 1e9, 1e9};
  for (const auto& [id, accelerator] : shipped().accelerators.all()) {
    const OperatorModel m(accelerator, shipped());
    for (const auto& e : {m.estimate(cost::Gemm{4096, 4096, 4096}), m.estimate(cost::GroupedGemm{8, 128, 4096, 4096}), m.estimate(prefill), m.backward(prefill),
                          m.estimate(decode), m.estimate(cost::Experts{256, 8, 64, 1, 4096, 1024}), m.stream(mega * byte),
                          m.estimate(cost::RowOperation{4096, 4096}), m.estimate(cost::Sampling{64, 128256}), m.estimate(cost::GatherRows{4096, 8192 * byte}),
                          m.estimate(cost::OptimizerStep{1e8}), m.estimate(cost::Quantise{4096, 4096}), m.sustained({4096, 4096, 4096})}) {
      INFO(id);
      CHECK(e.time > Time{});
      CHECK(e.error > 0);
      CHECK(e.error_p90 >= e.error);
      CHECK(m.energy(e) > Energy{});
      if (e.provenance == Provenance::transferred) CHECK(e.error_p90 >= 0.25);
      if (e.provenance == Provenance::spec_only) CHECK(e.error_p90 >= 0.75);
      auto& least = narrowest[static_cast<std::size_t>(e.provenance)];
      least = std::min(least, e.error_p90);
    }
  }
  CHECK(narrowest[1] < narrowest[2]);  // fitted, transferred
  // Kin by the die, by the vendor, by nothing.
  const auto p90 = [](const char* id) { return model(id).estimate(cost::Gemm{4096, 4096, 4096}).error_p90; };
  CHECK(p90("nvidia-h200-sxm") < p90("nvidia-h800-sxm"));
  CHECK(p90("nvidia-h800-sxm") < p90("nvidia-rubin"));
  CHECK(p90("nvidia-rubin") < p90("amd-mi300x"));
}

TEST_CASE("the best GEMMs that others measured lie within the bands of accelerators without calibration") {
  // Matmul sweeps of stas00/ml-engineering: the best shape found, bf16 TFLOP/s.
  struct Best { const char* id; double m, n, k, tflops; };
  for (const Best& b : {Best{"amd-mi300x", 10240, 15360, 8192, 668.4}, {"amd-mi325x", 13312, 10240, 8192, 784.9}, {"amd-mi355x", 12288, 8192, 8192, 1565},
                        {"intel-gaudi-3", 16384, 4096, 768, 1243}}) {
    INFO(b.id);
    const auto e = model(b.id).estimate(cost::Gemm{b.m, b.n, b.k});
    const Time measured = e.work / (b.tflops * tera * flop / second);
    CHECK(measured > e.low());
    CHECK(measured < e.high());
    CHECK(e.provenance == cost::Provenance::transferred);
  }
}

TEST_CASE("accelerators of one die share measured points") {
  // An H800 is an H100 with narrower links; a GB200 a B200 with more power.
  CHECK(model("nvidia-h800-sxm").estimate(cost::Gemm{64, 4096, 7168}).time / model("nvidia-h100-sxm").estimate(cost::Gemm{64, 4096, 7168}).time ==
        Approx(1).epsilon(0.10));
  CHECK(model("nvidia-gb200").estimate(cost::Gemm{64, 4096, 7168}).provenance == cost::Provenance::transferred);
}

TEST_CASE("graphs launch many kernels faster than streams, and nothing takes no time") {
  CHECK(OperatorModel::launch_time(1000, cost::LaunchMode::graph) < OperatorModel::launch_time(1000, cost::LaunchMode::stream));
  CHECK(OperatorModel::launch_time(0, cost::LaunchMode::graph) == Time{});
  CHECK(OperatorModel::host_copy_time(giga * byte, cost::HostLink::pcie5) < OperatorModel::host_copy_time(giga * byte, cost::HostLink::pcie4));
}

TEST_CASE("skewed routing takes longer than balanced routing") {
  const auto h200 = model("nvidia-h200-sxm", OperatorModel::Mode::physics);
  cost::Experts op{8192, 8, 256, 8, 7168, 2048};
  const Time balanced = h200.estimate(op).time;
  op.routing = {.kind = cost::Routing::Kind::zipf, .exponent = 1.0};
  CHECK(h200.estimate(op).time > balanced);
}
