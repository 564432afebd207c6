// SPDX-License-Identifier: Apache-2.0
// How long large fabrics and collectives take to simulate, and how much memory they need.
// Usage: bench_network [case ...]; without cases all. Each case runs in a child process of its own.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <functional>
#include <numeric>

#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/engine/child.hpp"
#include "waferwatt/engine/fluid_flows.hpp"
#include "waferwatt/engine/simgrid_flows.hpp"
#include "waferwatt/network/fabric_design.hpp"
#include "waferwatt/network/traffic.hpp"

namespace {

using namespace waferwatt;
using namespace waferwatt::network;

class Watch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

double peak_megabytes() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_maxrss) / 1024;
}

struct Built {
  catalog::Fabric up, out;
  std::unique_ptr<Topology> topology;
};

Built rails(std::int64_t n, std::int64_t radix) {
  Built built;
  built.up.bandwidth.value = 450 * giga * byte / second;
  built.up.latency.value = 1 * micro * second;
  built.up.efficiency.value = 1;
  built.up.domain_size.emplace().value = 8;
  built.out = built.up;
  built.out.bandwidth.value = 50 * giga * byte / second;
  built.out.latency.value = 4 * micro * second;
  FabricDesign design;
  design.n_accelerators = n;
  design.radix = radix;
  built.topology = make_topology(design, {&built.up, &built.out});
  return built;
}

std::vector<Rank> ranks(std::uint32_t n, std::uint32_t stride = 1, Rank first = 0) {
  std::vector<Rank> list(n);
  for (std::uint32_t i = 0; i < n; ++i) list[i] = first + i * stride;
  return list;
}

Job job(Collective collective, Algorithm algorithm, std::vector<Rank> group, DataSize size) {
  return {io::enum_text(collective), {collective, algorithm, std::move(group), size, 1}, {}, 1, {}, {}};
}

/// `run` on a platform of n accelerators: times of building it and of the whole.
std::string measure(std::int64_t n, std::int64_t radix, const std::function<std::vector<Job>()>& jobs) {
  const Watch watch;
  const Built built = rails(n, radix);
  const double build = watch.seconds();
  const Traffic traffic(*built.topology, jobs());
  const auto result = simulate(traffic);
  return fmt::format("build {:.3f} s, all {:.3f} s, {:.0f} MB; first job {:.6f} s simulated; {} links as {}", build,
                     watch.seconds(), peak_megabytes(), result.jobs.empty() ? 0 : result.jobs[0].repetitions[0].duration().in(second),
                     traffic.n_unfolded_links(), traffic.capacities().size());
}

std::string stepwise_ring() {
  const Built built = rails(1024, 64);
  constexpr std::uint32_t n = 1024;
  const DataSize size = 64 * 1048576.0 * byte;
  const Watch watch;
  std::string text;
  const Traffic traffic(*built.topology, {job(Collective::all_reduce, Algorithm::ring, ranks(n), size)});
  const auto time = simulate(traffic).jobs[0].repetitions[0].duration();
  return fmt::format("{:.4f} s wall, {:.6f} s simulated", watch.seconds(), time.in(second));
}

/// Every pair its own flow.
std::string pairs(std::uint32_t n) {
  struct Sink : engine::EventHandler {
    explicit Sink(engine::FlowNetwork& network) : flows(network) {}
    void handle(const engine::Event& event, engine::EventLoop&) override {
      if (!flows.handle(event)) ++ended;
    }
    engine::FlowNetwork& flows;
    std::size_t ended = 0;
  };
  const Built built = rails(n, 64);
  const Watch watch;
  std::vector<double> capacities;
  for (const Link& link : built.topology->links()) capacities.push_back(link.capacity.base());
  engine::BareLoop loop;
  engine::FluidFlows flows(loop, capacities);
  std::vector<LinkIndex> route;
  std::vector<engine::LinkUse> uses;
  for (Rank a = 0; a < n; ++a)
    for (Rank b = 0; b < n; ++b) {
      if (a == b) continue;
      route.clear();
      built.topology->append_route(a, b, route);
      uses.clear();
      for (const LinkIndex link : route) uses.push_back({link});
      flows.start(uses, 1e8 / n, built.topology->latency(route).in(second), {1});
    }
  Sink sink(flows);
  loop.run(sink);
  return fmt::format("{:.2f} s wall, {} flows, {:.6f} s simulated, {:.0f} MB", watch.seconds(), sink.ended, loop.now(), peak_megabytes());
}

/// An all-reduce of all and a ring of some of them by SimGrid's flows.
std::string by_simgrid() {
  const Built built = rails(16384, 64);
  const Watch watch;
  const Traffic traffic(*built.topology, {job(Collective::all_reduce, Algorithm::hierarchical, ranks(16384), 1 * giga * byte),
                                          job(Collective::all_reduce, Algorithm::ring, ranks(256, 8, 0), 1 * giga * byte)});
  engine::SimgridLoop loop;
  engine::SimgridFlows flows(loop, traffic.capacities());
  const auto result = simulate(traffic, loop, flows);
  return fmt::format("{:.3f} s wall, {:.6f} s simulated, fits {}", watch.seconds(), result.jobs[0].repetitions[0].duration().in(second), traffic.fits_simgrid());
}

}  // namespace

int main(int argc, char** argv) {
  using Work = std::function<std::string()>;
  const std::pair<const char*, Work> cases[] = {
      {"16,384 GPUs, platform only", [] { return measure(16384, 64, [] { return std::vector<Job>{}; }); }},
      {"16,384 GPUs, all-reduce and two neighbours",
       [] {
         return measure(16384, 64, [] {
           return std::vector<Job>{job(Collective::all_reduce, Algorithm::hierarchical, ranks(16384), 1 * giga * byte),
                                   job(Collective::all_reduce, Algorithm::ring, ranks(256, 8), 1 * giga * byte),
                                   job(Collective::all_to_all, Algorithm::pairwise, ranks(1024, 8, 5), 1 * giga * byte)};
         });
       }},
      {"16,384 GPUs, all-reduce and one neighbour by SimGrid's flows", by_simgrid},
      {"1,024-way all-to-all", [] { return measure(1024, 64, [] { return std::vector<Job>{job(Collective::all_to_all, Algorithm::pairwise, ranks(1024), 100 * mega * byte)}; }); }},
      {"1,024-way all-to-all, a flow per pair", [] { return pairs(1024); }},
      {"1,024-way ring of 64 MiB", stepwise_ring},
      {"131,072 GPUs, all-reduce", [] { return measure(131072, 128, [] { return std::vector<Job>{job(Collective::all_reduce, Algorithm::hierarchical, ranks(131072), 1 * giga * byte)}; }); }},
  };
  for (const auto& [name, work] : cases) {
    const bool wanted = argc == 1 || std::any_of(argv + 1, argv + argc, [&](const char* a) { return std::string(name).find(a) != std::string::npos; });
    if (!wanted) continue;
    try {
      fmt::print("{}: {}\n", name, engine::run_in_child(name, {std::chrono::seconds(300), 0}, work));
    } catch (const std::exception& problem) {
      fmt::print("{}: {}\n", name, problem.what());
    }
    std::fflush(stdout);
  }
}
