// SPDX-License-Identifier: Apache-2.0
// Simulated requests per second of processor time, and the ratio to a floor:
//   the peer's trace, operator times and policies (shared/data/peers/vidur; the peer makes 630 requests a second)
//   an hour like Azure's conversation trace on 16 replicas
//   ten million requests on 64 replicas
// Usage: bench_serving SHARED_DATA_FOLDER MODELS_FOLDER
#include <fmt/format.h>
#include <sys/resource.h>

#include "../unit/serving/peer_tables.hpp"
#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/serving/summary.hpp"

namespace {

using namespace waferwatt;
using namespace waferwatt::serving;

double user_s() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) + 1e-6 * static_cast<double>(usage.ru_utime.tv_usec);
}

double peak_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void peer(const std::string& folder) {
  constexpr double kPeerRate = 630, kFloor = 500;
  PeerCosts costs(folder + "/tables");
  const std::tuple<const char*, SchedulerPolicy, std::int64_t, std::int64_t> runs[] = {
      {"sar", SchedulerPolicy::sarathi, 512, 1},
      {"sar", SchedulerPolicy::sarathi, 512, 16},
      {"vllm", SchedulerPolicy::prefill_first, 4096, 1},
      {"vllm", SchedulerPolicy::prefill_first, 4096, 16}};
  for (const auto& [name, policy, budget, n_replicas] : runs) {
    const auto peers = peer_requests(folder, name, n_replicas);
    Deployment deployment;
    ReplicaGroup& group = deployment.groups[0];
    group.n_replicas = n_replicas;
    group.engine.max_sequences = 128;
    group.engine.max_batched_tokens = budget;
    group.engine.scheduler.policy = policy;
    group.engine.scheduler.count_padding = policy == SchedulerPolicy::prefill_first;
    deployment.router = Router::round_robin;
    double best_s = 1e9;
    for (int i = 0; i < 7; ++i) {
      PeerSource source(peers);
      OpenStream stream(source);
      RequestMeter meter({});
      engine::BareLoop loop;
      const double start_s = user_s();
      simulate(loop, deployment, stream, {&costs}, {30208}, RandomStream(1, "bench"), meter);
      best_s = std::min(best_s, user_s() - start_s);
    }
    const double rate = static_cast<double>(peers.size()) / best_s;
    fmt::print("{:<5} on {:>2}  {:>9.0f} requests/s  {:>6.0f} times the peer, {:.2f} of the floor\n", name, n_replicas, rate, rate / kPeerRate,
               rate / kPeerRate / kFloor);
  }
}

void fleet(const catalog::Catalog& catalog, const char* name, double rate, std::int64_t n_requests,
           std::int64_t n_replicas, double floor_s) {
  Deployment deployment;
  deployment.model = &catalog.language_models.at("llama-3-1-70b");
  ReplicaGroup& group = deployment.groups[0];
  group.accelerator = &catalog.accelerators.at("nvidia-h100-sxm");
  group.system = catalog.system_of("nvidia-h100-sxm");
  group.plan.tensor_parallel = 8;
  group.n_replicas = n_replicas;
  Workload workload;
  workload.preset = "azure-2023-conversation";
  workload.rate = rate / second;
  workload.n_requests = n_requests;
  const RandomStream random(1, "bench");
  WorkloadStream stream(workload, random);
  RequestMeter meter({});
  engine::BareLoop loop;
  const double start_s = user_s();
  const auto outcome = simulate(loop, deployment, stream, catalog, random, meter);
  const double spent_s = user_s() - start_s;
  const auto summary = summarise(meter, outcome, deployment, {});
  fmt::print("{:<10} {:>9} requests, {} iterations in {:.2f} s, {:.2f} of the floor of {} s; {:.0f} MB; TTFT p99 {:.0f} ms, "
             "busy {:.0f} %\n",
             name, summary.n_completed, summary.n_iterations, spent_s, spent_s / floor_s, floor_s, peak_mb(),
             1e3 * summary.ttft_s.p99, 100 * summary.busy_fraction);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: bench_serving SHARED_DATA_FOLDER MODELS_FOLDER\n");
    return 2;
  }
  peer(std::string(argv[1]) + "/peers/vidur");
  const auto catalog = catalog::Catalog::load(argv[2]);
  fleet(catalog, "azure", 5.53, 19366, 16, 1);
  fleet(catalog, "azure busy", 16 * 3, 16 * 3 * 3600, 16, 9);
  fleet(catalog, "many", 64 * 3, 10'000'000, 64, 60);
}
