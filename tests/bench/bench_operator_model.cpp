// SPDX-License-Identifier: Apache-2.0
// Nanoseconds per operator estimate; serving simulations make hundreds of millions.
#include <chrono>
#include <cstdio>

#include "waferwatt/cost/operator_model.hpp"

int main(int argc, char** argv) {
  using namespace waferwatt;
  const auto catalog = catalog::Catalog::load(argc > 1 ? argv[1] : "models");
  const cost::OperatorModel model(catalog.accelerators.at("nvidia-h200-sxm"), catalog);
  constexpr int kEstimates = 5'000'000;
  double sum = 0;
  const auto measure = [&](const char* name, auto estimate) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kEstimates; ++i) sum += estimate(1 + i % 4096).time.in(second);
    const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - start;
    std::printf("%-18s %6.1f ns\n", name, elapsed.count() / kEstimates);
  };
  measure("gemm", [&](double m) { return model.estimate(cost::Gemm{m, 8192, 8192}); });
  measure("prefill attention", [&](double s) {
    return model.estimate(
        cost::PrefillAttention{.new_tokens = s, .n_heads = 32, .n_kv_heads = 8, .qk_dim = 128, .v_dim = 128});
  });
  measure("decode attention", [&](double b) {
    return model.estimate(cost::DecodeAttention{.n_sequences = b,
                                                .total_context_tokens = 1000 * b,
                                                .n_heads = 32,
                                                .qk_dim = 128,
                                                .v_dim = 128,
                                                .kv_bytes_per_token = 4096 * byte});
  });
  measure("experts", [&](double t) { return model.estimate(cost::Experts{t, 8, 256, 8, 7168, 2048}); });
  return sum > 0 ? 0 : 1;
}
