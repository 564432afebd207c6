// SPDX-License-Identifier: Apache-2.0
// Nanoseconds per operator estimate; serving simulations make hundreds of millions. "near": a site asked
// before; "far": always another site, the list of measured points is walked through.
//   bench_operator_model [MODELS [ESTIMATES [ACCELERATOR]]]     fewer estimates for callgrind
// An accelerator that nobody measured takes the points of several others, and looks among each's.
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "waferwatt/cost/operator_model.hpp"

namespace {

using namespace waferwatt;

double sum = 0;
int n_estimates = 1'000'000;

template <class F>
double nanoseconds(F estimate) {
  sum += estimate(0).time.in(second);  // surfaces are made when they are first asked
  const std::clock_t start = std::clock();  // processor time: other programs do not count
  for (int i = 0; i < n_estimates; ++i) sum += estimate(i).time.in(second);
  return 1e9 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC / n_estimates;
}

}  // namespace

int main(int argc, char** argv) {
  const auto catalog = catalog::Catalog::load(argc > 1 ? argv[1] : "models");
  if (argc > 2) n_estimates = std::atoi(argv[2]);
  const auto& accelerator = catalog.accelerators.at(argc > 3 ? argv[3] : "nvidia-h200-sxm");
  const cost::OperatorModel model(accelerator, catalog), physics(accelerator, catalog, cost::OperatorModel::Mode::physics);
  std::printf("%-18s %9s %9s %9s %7s\n", "operator", "physics", "near", "far", "far/near");
  const auto measure = [&](const char* name, auto operation) {
    const double formula = nanoseconds([&](int i) { return physics.estimate(operation(1 + i % 4096, 0)); });
    const double near = nanoseconds([&](int i) { return model.estimate(operation(1 + i % 4096, 0)); });
    const double far = nanoseconds([&](int i) { return model.estimate(operation(1 + i % 4096, i % 1000)); });
    std::printf("%-18s %6.1f ns %6.1f ns %6.1f ns %7.1f\n", name, formula, near, far, far / near);
  };
  measure("gemm", [](double m, int other) { return cost::Gemm{m, 8192, 4096.0 + 8 * other}; });
  measure("prefill attention", [](double s, int other) {
    return cost::PrefillAttention{.n_sequences = 1.0 + other, .new_tokens = s, .n_heads = 32, .n_kv_heads = 8, .qk_dim = 128, .v_dim = 128};
  });
  measure("decode attention", [](double context, int other) {
    const double batch = 16.0 + other;
    return cost::DecodeAttention{.n_sequences = batch, .total_context_tokens = context * batch, .n_heads = 32, .qk_dim = 128,
                                 .v_dim = 128, .kv_bytes_per_token = 4096 * byte};
  });
  measure("experts", [](double t, int other) { return cost::Experts{t, 8, 256, 8, 7168, 2048.0 + other}; });
  return sum > 0 ? 0 : 1;
}
