// SPDX-License-Identifier: Apache-2.0
// Nanoseconds per operator estimate; serving simulations make hundreds of millions. "near": a site asked
// before; "far": always another site, the list of measured points is walked through.
//   bench_operator_model [MODELS [ESTIMATES [ACCELERATOR]]]     fewer estimates for callgrind
// An accelerator that nobody measured takes the points of up to four others. "all" instead of an accelerator measures
// every one: the slower of near and far, as a multiple of the formula alone, too.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include "waferwatt/cost/measured_surfaces.hpp"
#include "waferwatt/cost/operator_model.hpp"

namespace {

using namespace waferwatt;
using cost::OperatorModel;

double sum = 0;
int n_estimates = 1'000'000;

template <class F>
double nanoseconds(F estimate) {
  sum += estimate(0).time.in(second);  // surfaces are made when they are first asked
  const std::clock_t start = std::clock();  // processor time: other programs do not count
  for (int i = 0; i < n_estimates; ++i) sum += estimate(i).time.in(second);
  return 1e9 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC / n_estimates;
}

struct Nanoseconds {
  double formula = 0, near = 0, far = 0;
  double slower() const { return std::max(near, far); }
};

/// Of every operator: tell(name, nanoseconds).
template <class F>
void measure(const OperatorModel& model, const OperatorModel& physics, F tell) {
  const auto one = [&](const char* name, auto operation) {
    Nanoseconds ns;
    ns.formula = nanoseconds([&](int i) { return physics.estimate(operation(1 + i % 4096, 0)); });
    ns.near = nanoseconds([&](int i) { return model.estimate(operation(1 + i % 4096, 0)); });
    ns.far = nanoseconds([&](int i) { return model.estimate(operation(1 + i % 4096, i % 1000)); });
    tell(name, ns);
  };
  one("gemm", [](double m, int other) { return cost::Gemm{m, 8192, 4096.0 + 8 * other}; });
  one("prefill attention", [](double s, int other) {
    return cost::PrefillAttention{.n_sequences = 1.0 + other, .new_tokens = s, .n_heads = 32, .n_kv_heads = 8, .qk_dim = 128, .v_dim = 128};
  });
  one("decode attention", [](double context, int other) {
    const double batch = 16.0 + other;
    return cost::DecodeAttention{.n_sequences = batch, .total_context_tokens = context * batch, .n_heads = 32, .qk_dim = 128,
                                 .v_dim = 128, .kv_bytes_per_token = 4096 * byte};
  });
  one("experts", [](double t, int other) { return cost::Experts{t, 8, 256, 8, 7168, 2048.0 + other}; });
}

void measure_one(const catalog::Catalog& catalog, const catalog::Accelerator& accelerator) {
  const OperatorModel model(accelerator, catalog), physics(accelerator, catalog, OperatorModel::Mode::physics);
  std::printf("%-18s %9s %9s %9s %7s\n", "operator", "physics", "near", "far", "far/near");
  measure(model, physics, [](const char* name, Nanoseconds ns) {
    std::printf("%-18s %6.1f ns %6.1f ns %6.1f ns %7.1f\n", name, ns.formula, ns.near, ns.far, ns.far / ns.near);
  });
}

void measure_all(const catalog::Catalog& catalog) {
  cost::MeasuredSurfaces surfaces;
  double slowest = 0, largest = 0;
  std::printf("%-22s gemm, prefill, decode, experts: ns (times physics)\n", "accelerator");
  for (const auto& [id, accelerator] : catalog.accelerators.all()) {
    const OperatorModel model(accelerator, catalog, surfaces), physics(accelerator, catalog, OperatorModel::Mode::physics);
    std::printf("%-22s", id.c_str());
    measure(model, physics, [&](const char*, Nanoseconds ns) {
      std::printf(" %4.0f (%.1f)", ns.slower(), ns.slower() / ns.formula);
      slowest = std::max(slowest, ns.slower()), largest = std::max(largest, ns.slower() / ns.formula);
    });
    std::printf("\n");
  }
  std::printf("%-22s %4.0f (%.1f)\n", "most of all", slowest, largest);
}

}  // namespace

int main(int argc, char** argv) {
  const auto catalog = catalog::Catalog::load(argc > 1 ? argv[1] : "models");
  if (argc > 2) n_estimates = std::atoi(argv[2]);
  const std::string_view id = argc > 3 ? argv[3] : "nvidia-h200-sxm";
  if (id == "all") measure_all(catalog);
  else measure_one(catalog, catalog.accelerators.at(id));
  return sum > 0 ? 0 : 1;
}
