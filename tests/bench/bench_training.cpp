// SPDX-License-Identifier: Apache-2.0
// Plans a second that the search looks at, and milliseconds of one step of 16,384 accelerators, folded and unfolded.
// "user" is processor time of all threads: plans/s of user time, times two, is what two free cores make.
// Usage: bench_training MODELS_FOLDER
#include <chrono>
#include <ctime>

#include <fmt/format.h>

#include "waferwatt/catalog/usable_memory.hpp"
#include "waferwatt/network/fabric_design.hpp"
#include "waferwatt/training/search.hpp"
#include "waferwatt/training/unfolded.hpp"

namespace {

using namespace waferwatt;
using namespace waferwatt::training;

double wall_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
double user_s() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Cluster {
  const char *model, *accelerator, *fabric;
  std::int64_t n;
};

struct Setting {
  const catalog::LanguageModel& model;
  const catalog::Accelerator& accelerator;
  network::TwoLevelNetwork network;
  cost::OperatorModel operators;
  Machine machine{operators, network, software_stack("megatron-core")};

  Setting(const Cluster& c, const catalog::Catalog& catalog)
      : model(catalog.language_models.at(c.model)),
        accelerator(catalog.accelerators.at(c.accelerator)),
        network(*network::network_of(accelerator, catalog.system_of(c.accelerator), &catalog.fabrics.at(c.fabric), c.n, catalog)),
        operators(accelerator, catalog) {}
};

void search(const Cluster& cluster, const Plan& base, const catalog::Catalog& catalog) {
  const Setting on(cluster, catalog);
  const SearchSpace space{.n_accelerators = cluster.n, .base = base, .memory_capacity = catalog::usable_memory(on.accelerator)};
  double best_wall = 1e9, best_user = 1e9;
  SearchResult found;
  for (int i = 0; i < 5; ++i) {
    const double wall = wall_s(), user = user_s();
    found = best_plans(on.model, on.machine, space, Objective::time, 2);
    best_wall = std::min(best_wall, wall_s() - wall), best_user = std::min(best_user, user_s() - user);
  }
  const double n = static_cast<double>(found.n_plans);
  fmt::print("search {:<16} {:>6} {:<18} {:>8} plans, {:>7} too large, {:>7} bounded  {:>8.0f} plans/s of wall time, {:>8.0f} of 2 x user time; {}, {:.3f} s\n",
             cluster.model, cluster.n, cluster.accelerator, found.n_plans, found.n_too_large, found.n_bounded, n / best_wall, 2 * n / best_user,
             plan_text(found.best.front().plan), found.best.front().time.in(second));
}

void one_step(const char* name, const Cluster& cluster, const Plan& plan, const catalog::Catalog& catalog) {
  const Setting on(cluster, catalog);
  double folded = 1e9;
  Step result;
  for (int i = 0; i < 20; ++i) {
    const double start = user_s();
    result = step(on.model, plan, on.machine);
    folded = std::min(folded, user_s() - start);
  }
  const network::FabricDesign design{.n_accelerators = cluster.n};
  const auto* system = catalog.system_of(cluster.accelerator);
  const auto topology = network::make_topology(design, {&catalog.fabrics.at(*system->fabric), &catalog.fabrics.at(cluster.fabric)});
  const double start = user_s();
  const auto unfolded = unfolded_step(on.model, plan, on.machine, 0.02, RandomStream(1, "bench"), topology.get());
  fmt::print("step   {:<16} {:>6} {:<18} folded {:.2f} ms of user time (step {:.3f} s), unfolded with contention and stragglers {:.0f} ms (step {:.3f} s)\n", name,
             cluster.n, cluster.accelerator, 1e3 * folded, result.iteration_time().in(second), 1e3 * (user_s() - start),
             unfolded.iteration_time().in(second));
}

}  // namespace

int main(int argc, char** argv) {
  const auto catalog = catalog::Catalog::load(argc > 1 ? argv[1] : "models");
  search({"llama-3-1-405b", "nvidia-h100-sxm", "roce-400", 16384}, {.global_batch = 2048, .sequence_length = 8192}, catalog);
  search({"gpt-3-175b", "nvidia-a100-sxm-80gb", "infiniband-hdr", 1024}, {.global_batch = 1536, .sequence_length = 2048}, catalog);
  search({"gpt-3-175b", "nvidia-a100-sxm-80gb", "infiniband-hdr", 1024},
         {.global_batch = 1536, .sequence_length = 2048, .offload_optimizer = true, .offload_weights = true}, catalog);
  search({"deepseek-v3", "nvidia-h800-sxm", "infiniband-ndr", 2048}, {.global_batch = 15360, .sequence_length = 4096}, catalog);
  one_step("llama-3-1-405b", {"llama-3-1-405b", "nvidia-h100-sxm", "roce-400", 16384},
           {.parallel = {.data = 128, .tensor = 8, .pipeline = 16},
            .global_batch = 2048,
            .micro_batch = 1,
            .sequence_length = 8192,
            .recompute = Recompute::none,
            .zero_stage = 2,
            .schedule = Schedule::interleaved,
            .interleave = 8},
           catalog);
  one_step("deepseek-v3", {"deepseek-v3", "nvidia-h800-sxm", "infiniband-ndr", 16384},
           {.parallel = {.data = 1024, .tensor = 1, .pipeline = 16, .expert = 64},
            .global_batch = 15360 * 8,
            .micro_batch = 1,
            .sequence_length = 4096,
            .format = NumberFormat::fp8,
            .schedule = Schedule::dual_pipe,
            .deduplicated_dispatch = true},
           catalog);
}
