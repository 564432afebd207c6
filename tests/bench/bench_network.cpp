// SPDX-License-Identifier: Apache-2.0
// How long large fabrics and collectives take to simulate, how much memory they need, and how far the answers of
// closed forms, SimGrid's flows and our own solver are apart.
// Usage: bench_network [part of a case's name ...]; without any, all. Each case runs in a child of its own.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "waferwatt/engine/child.hpp"
#include "waferwatt/network/step_groups.hpp"
#include "waferwatt/network/topologies.hpp"

namespace {

using namespace waferwatt;
using namespace waferwatt::network;

/// Processor time of this process and of its own children (SimGrid's flows run in one).
double cpu_seconds() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage use{};
    getrusage(who, &use);
    for (const timeval& t : {use.ru_utime, use.ru_stime}) sum += static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  }
  return sum;
}

double peak_megabytes() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_maxrss) / 1024;
}

catalog::Fabric fabric(catalog::FabricKind kind, double gigabytes, double microseconds) {
  catalog::Fabric f;
  f.kind = kind;
  f.bandwidth.value = gigabytes * giga * byte / second;
  f.latency.value = microseconds * micro * second;
  f.efficiency.value = 1;
  return f;
}

/// Rails of 50 GB/s NICs under domains of eight on 450 GB/s.
struct Rails {
  catalog::Fabric up = fabric(catalog::FabricKind::nvlink_switch, 450, 1), out = fabric(catalog::FabricKind::infiniband, 50, 4);
  FabricDesign design;

  explicit Rails(std::int64_t n) {
    up.domain_size.emplace().value = 8;
    design.n_accelerators = n;
    design.radix = n > 65'536 ? 128 : 64;
  }
  FabricParts parts() const { return {&up, &out}; }
  std::unique_ptr<Topology> topology() const { return make_topology(design, parts()); }
};

std::vector<Rank> ranks(std::uint32_t n, std::uint32_t stride = 1, Rank first = 0) {
  std::vector<Rank> list(n);
  for (std::uint32_t i = 0; i < n; ++i) list[i] = first + i * stride;
  return list;
}

Job job(Collective collective, Algorithm algorithm, std::vector<Rank> group, DataSize size) {
  return {io::enum_text(collective), {collective, algorithm, std::move(group), size}, {}, 1, {}, {}};
}

std::vector<Job> all_reduce(std::uint32_t n) { return {job(Collective::all_reduce, Algorithm::hierarchical, ranks(n), 1 * giga * byte)}; }

std::vector<Job> with_neighbours() {
  auto jobs = all_reduce(16384);
  jobs.push_back(job(Collective::all_reduce, Algorithm::ring, ranks(256, 8), 1 * giga * byte));
  jobs.push_back(job(Collective::all_to_all, Algorithm::pairwise, ranks(1024, 8, 5), 1 * giga * byte));
  return jobs;
}

/// A flow for every message; sizes between 1 and 9 where they are uneven.
std::vector<Job> messages(std::uint32_t n, bool even) {
  Job one = job(Collective::all_to_all, Algorithm::pairwise, ranks(n), 100 * mega * byte);
  one.spec.every_message = true;
  std::uint64_t state = 7;
  for (std::uint64_t i = 0; !even && i < std::uint64_t{n} * n; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    one.spec.pair_bytes.push_back(static_cast<double>(1 + (state >> 33) % 9) / 5 / n * 100 * mega * byte);
  }
  return {std::move(one)};
}

/// What is done, and what processor time and memory it may need at most.
struct Case {
  std::string name;
  double goal_seconds, goal_megabytes;  // 0: none
  std::function<std::string()> work;    // what it found
};

std::string simulated(std::int64_t n, std::vector<Job> jobs, std::optional<FlowEngine> engine = {}, Time interval = {}) {
  const Rails rails(n);
  const auto topology = rails.topology();
  const Traffic traffic(*topology, std::move(jobs));
  const auto result = simulate(traffic, engine, interval);
  return fmt::format("first job {:.6f} s by {} ({}); {} links folded to {}", result.jobs.at(0).repetitions.at(0).duration().in(second),
                     io::enum_text(result.choice.engine), result.choice.reason, traffic.n_unfolded_links(), traffic.capacities().size());
}

/// Closed form, SimGrid and our own solver on collectives alone: the largest difference and where.
std::string side_by_side() {
  const Rails rails(1024);
  Evaluator evaluator(rails.design, rails.parts());
  std::string text;
  for (const auto collective : {Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter, Collective::broadcast, Collective::all_to_all})
    for (const std::int64_t n : {8, 64, 1024})
      for (const double megabytes : {1.0, 1000.0}) {
        const Question q{collective, {}, n, 1, 0, megabytes * mega * byte};
        const auto closed = evaluator.answer_by(Evaluation::closed_form, q);
        const auto simgrid = evaluator.answer_by(FlowEngine::simgrid, q), fluid = evaluator.answer_by(FlowEngine::fluid, q);
        const double flows = fluid->time.in(second);
        text += fmt::format("\n    {:<15}{:<19}{:>5} ranks {:>6.0f} MB   closed form {}   SimGrid {:.9f} s   own solver {:.9f} s", io::enum_text(collective),
                            io::enum_text(fluid->algorithm), n, megabytes,
                            closed ? fmt::format("{:.9f} s ({:+.2f} %)", closed->time.in(second), 100 * (closed->time.in(second) / flows - 1)) : "none",
                            simgrid ? simgrid->time.in(second) : std::nan(""), flows);
      }
  return text;
}

/// TP8 x DP128 x PP16 with experts over 64 ranks, on rails with 2:1 oversubscription: what each kind of group pays.
std::string step_of_16384() {
  Rails rails(16384);
  rails.design.oversubscription = 2;
  rails.design.radix = 96;
  Evaluator evaluator(rails.design, rails.parts());
  const Degrees d{.tensor = 8, .data = 128, .pipeline = 16, .expert = 64};
  const auto times = concurrent_times(evaluator, {{"tensor", groups_of(d, GroupKind::tensor), Collective::all_reduce, {}, 64 * mega * byte},
                                                  {"experts", groups_of(d, GroupKind::expert), Collective::all_to_all, {}, 64 * mega * byte},
                                                  {"stages", groups_of(d, GroupKind::pipeline_stages), Collective::send, {}, 16 * mega * byte},
                                                  {"gradients", groups_of(d, GroupKind::data), Collective::all_reduce, {}, 1 * giga * byte}});
  std::string text = fmt::format("by {} ({})", io::enum_text(times.traffic.choice.engine), times.traffic.choice.reason);
  const char* const names[] = {"tensor", "experts", "stages", "gradients"};
  for (std::size_t i = 0; i < 4; ++i) text += fmt::format("; {} {:.3f} ms, {:.2f} times alone", names[i], times.groups[i].together.in(milli * second), times.groups[i].slowdown());
  return text;
}

std::vector<Case> cases() {
  return {
      {"16,384 GPUs, platform only", 0.3, 100, [] { return fmt::format("{} links", Rails(16384).topology()->links().size()); }},
      {"16,384 GPUs, all-reduce and two neighbours", 1, 0, [] { return simulated(16384, with_neighbours()); }},
      {"16,384 GPUs, the same by our own solver", 1, 0, [] { return simulated(16384, with_neighbours(), FlowEngine::fluid); }},
      {"16,384 GPUs, all groups of a training step at once", 0, 0, step_of_16384},
      {"131,072 GPUs, all-reduce", 3, 1000, [] { return simulated(131072, all_reduce(131072)); }},
      {"1,024-way all-to-all", 5, 0, [] { return simulated(1024, {job(Collective::all_to_all, Algorithm::pairwise, ranks(1024), 100 * mega * byte)}); }},
      {"1,024-way all-to-all, a flow for each of a million messages", 5, 0, [] { return simulated(1024, messages(1024, true)); }},
      // ASTRA-sim's analytical backend takes 15 s for it, and 21 s aware of congestion.
      {"1,024-way ring of 64 MiB", 15.0 / 50, 0, [] { return simulated(1024, {job(Collective::all_reduce, Algorithm::ring, ranks(1024), 64 * 1048576.0 * byte)}); }},
      {"64-way uneven all-to-all, 4,032 flows, exact", 0, 0, [] { return simulated(64, messages(64, false)); }},
      {"64-way uneven all-to-all, at 10 us", 0, 0, [] { return simulated(64, messages(64, false), {}, 10 * micro * second); }},
      {"128-way uneven all-to-all, 16,256 flows, at 10 us", 0, 0, [] { return simulated(128, messages(128, false), {}, 10 * micro * second); }},
      {"256-way uneven all-to-all, 65,280 flows, at 20 us", 0, 0, [] { return simulated(256, messages(256, false), {}, 20 * micro * second); }},
      {"closed form, SimGrid and our own solver", 0, 0, side_by_side},
  };
}

void print(const Case& c) {
  const std::string line = engine::run_in_child(c.name, {std::chrono::seconds(600), 0}, [&] {
    const double before = cpu_seconds();
    const std::string found = c.work();
    const double seconds = cpu_seconds() - before, megabytes = peak_megabytes();
    std::string text = fmt::format("{:.3f} s", seconds);
    if (c.goal_seconds > 0) text += fmt::format(" ({:.2f} of {:.2g} s)", seconds / c.goal_seconds, c.goal_seconds);
    text += fmt::format(", {:.0f} MB", megabytes);
    if (c.goal_megabytes > 0) text += fmt::format(" ({:.2f} of {:.0f} MB)", megabytes / c.goal_megabytes, c.goal_megabytes);
    return text + ": " + found;
  });
  fmt::print("{}: {}\n", c.name, line);
}

}  // namespace

int main(int argc, char** argv) {
  for (const Case& c : cases()) {
    if (argc > 1 && std::none_of(argv + 1, argv + argc, [&](const char* part) { return c.name.find(part) != c.name.npos; })) continue;
    try {
      print(c);
    } catch (const std::exception& problem) {
      fmt::print("{}: {}\n", c.name, problem.what());
    }
    std::fflush(stdout);
  }
}
