// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/fabric_scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "waferwatt/network/topology_graph.hpp"

namespace waferwatt::scenario {
namespace {

using network::Evaluation;
using network::Question;

constexpr std::size_t kLargestGraph = 20'000;  // ranks; above it cuts take minutes
constexpr std::size_t kShownLinks = 200;

std::vector<network::Rank> ranks_of(const FabricJob& job, const network::Evaluator& evaluator) {
  if (job.ranks.empty()) return evaluator.ranks_of({job.collective, {}, job.n_ranks, job.stride, job.first, job.size, 1});
  std::vector<network::Rank> ranks;
  for (const std::int64_t r : job.ranks) ranks.push_back(static_cast<network::Rank>(r));
  return ranks;
}

network::Job job_of(const FabricJob& job, const FabricScenario& scenario, const network::Evaluator& evaluator) {
  const auto ranks = ranks_of(job, evaluator);
  network::CollectiveSpec spec{job.collective, network::Algorithm::ring, ranks, job.size, job.imbalance};
  const auto n = static_cast<std::int64_t>(ranks.size());
  if (job.algorithm)
    spec.algorithm = *job.algorithm;
  else if (job.ranks.empty())
    spec.algorithm = evaluator.algorithm_of({job.collective, {}, n, job.stride, job.first, job.size, job.imbalance});
  else
    spec.algorithm = network::algorithms_of(job.collective).front();
  return {job.name, std::move(spec), job.start, job.n_repetitions, job.pause, scenario.launch_time};
}

std::vector<network::LinkChange> changes_of(const FabricScenario& scenario, const network::Topology& topology) {
  std::vector<network::LinkChange> changes;
  for (const auto& [fault, place, path] : scenario.faults)
    for (const auto link : topology.links_named(fault.where))
      for (std::int64_t k = 0; k < fault.n_times; ++k) {
        const Time start = fault.start + static_cast<double>(k) * fault.period.value_or(Time{});
        changes.push_back({start, link, fault.capacity_factor});
        if (fault.duration) changes.push_back({start + *fault.duration, link, 1});
      }
  return changes;
}

/// Closed form and flows for every collective, group and size.
Table study(const FabricScenario& s, network::Evaluator& evaluator, const RunContext& context) {
  Table table("collectives", {{"collective", Table::Kind::text}, {"algorithm", Table::Kind::text}, {"n_ranks", Table::Kind::integer},
                              {"size_byte"}, {"time_s"}, {"bus_bandwidth_byte_per_s"}, {"evaluation", Table::Kind::text},
                              {"closed_form_s"}, {"flows_s"}});
  const double n_points = static_cast<double>(s.collectives.size() * s.groups.size() * s.sizes.size());
  double done = 0;
  for (const auto collective : s.collectives)
    for (const auto& [n, place, path] : s.groups)
      for (const DataSize size : s.sizes) {
        const Question question{collective, s.algorithm, collective == network::Collective::send ? 2 : n, s.stride, 0, size, 1};
        const auto answer = evaluator.answer(question);
        const auto closed = evaluator.answer_by(Evaluation::closed_form, question), flows = evaluator.answer_by(Evaluation::flows, question);
        table.add({io::enum_text(collective), io::enum_text(answer.algorithm), question.n_ranks, size.in(byte), answer.time.in(second),
                   answer.bus_bandwidth(question).in(byte / second), io::enum_text(answer.evaluation),
                   closed ? closed->time.in(second) : std::nan(""), flows->time.in(second)});
        context.progress(0.5 * ++done / n_points, "collectives");
      }
  return table;
}

/// Times of the jobs, and what they would be alone on a sound fabric.
struct JobTimes {
  Table table{"jobs", {{"job", Table::Kind::text}, {"collective", Table::Kind::text}, {"algorithm", Table::Kind::text},
                       {"n_ranks", Table::Kind::integer}, {"n_ended", Table::Kind::integer}, {"mean_time_s"}, {"longest_time_s"},
                       {"alone_s"}, {"slowdown"}, {"n_restarts", Table::Kind::integer}, {"stalled", Table::Kind::text}}};
  Table ledger{"ledger", {{"job", Table::Kind::text}, {"use", Table::Kind::text}, {"time_s"}, {"share"}}};
  double alone_s = 0, waited_s = 0;
  std::string stalled;
};

JobTimes job_times(network::Topology& topology, const std::vector<network::Job>& jobs, const network::TrafficResult& result) {
  JobTimes times;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto& job = jobs[i];
    const auto& one = result.jobs[i];
    network::Job single = job;
    single.n_repetitions = 1;
    single.start = Time{};
    const double alone = network::simulate(network::Traffic(topology, {single})).jobs[0].repetitions.at(0).duration().in(second);
    double sum = 0, longest = 0;
    for (const auto& repetition : one.repetitions) {
      sum += repetition.duration().in(second);
      longest = std::max(longest, repetition.duration().in(second));
    }
    const double n = static_cast<double>(one.repetitions.size()), mean = n > 0 ? sum / n : std::nan("");
    times.table.add({job.name, io::enum_text(job.spec.collective), io::enum_text(job.spec.algorithm), static_cast<std::int64_t>(job.spec.ranks.size()),
                     static_cast<std::int64_t>(one.repetitions.size()), mean, longest, alone, mean / alone, one.n_restarts, one.stalled});
    const double needed = std::min(sum, n * alone);
    times.alone_s += needed;
    times.waited_s += sum - needed;
    if (sum > 0) {
      times.ledger.add({job.name, "own transfer", needed, needed / sum});
      times.ledger.add({job.name, "contention and faults", sum - needed, (sum - needed) / sum});
    }
    if (!one.stalled.empty() && times.stalled.empty()) times.stalled = fmt::format("{}: {}", job.name, one.stalled);
  }
  return times;
}

/// The most used links, hottest first.
Table link_table(const network::Topology& topology, const network::TrafficResult& result) {
  std::vector<std::pair<double, network::LinkIndex>> used;
  for (network::LinkIndex link = 0; link < result.link_bytes.size(); ++link)
    if (result.link_bytes[link] > DataSize{})
      used.emplace_back(result.link_bytes[link] / topology.links()[link].capacity / std::max(result.end, 1e-12 * second), link);
  std::ranges::sort(used, [](const auto& a, const auto& b) { return a.first > b.first || (a.first == b.first && a.second < b.second); });
  Table table("links", {{"link", Table::Kind::text}, {"kind", Table::Kind::text}, {"capacity_byte_per_s"}, {"carried_byte"}, {"utilisation"}});
  std::map<std::string, std::size_t> n_of_kind;
  for (const auto& [utilisation, link] : used)
    if (++n_of_kind[topology.link_kind(link)] <= kShownLinks)
      table.add({topology.link_name(link), topology.link_kind(link), topology.links()[link].capacity.in(byte / second),
                 result.link_bytes[link].in(byte), utilisation});
  return table;
}

Table part_table(const network::Topology& topology) {
  Table table("parts", {{"part", Table::Kind::text}, {"count", Table::Kind::integer}});
  for (const auto& [part, count] : network::parts(topology)) table.add({part, static_cast<std::int64_t>(count)});
  return table;
}

void add_graph_metrics(const network::Topology& topology, Result& result) {
  result.metrics.push_back({"links", {}, static_cast<double>(topology.links().size()), "1", {}, {}});
  if (topology.n_ranks() > kLargestGraph) return;
  const auto graph = network::graph_measures(topology);
  result.metrics.push_back({"bisection_bandwidth", {}, graph.bisection.in(byte / second), "B/s", {}, {}});
  result.metrics.push_back({"diameter_links", {}, static_cast<double>(graph.diameter_links), "1", {}, {}});
}

}  // namespace

void check(const FabricScenario& s, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  const std::size_t n_before = diagnostics.found().size();
  const auto parts = network::resolve(s.fabric.value, catalog, diagnostics);
  if (diagnostics.found().size() > n_before) return;
  const auto attempt = [&](const auto& located, const auto& action) {
    try {
      action(located.value);
    } catch (const InputError& problem) {
      diagnostics.add(located.problem(problem.diagnostics().front().message));
    }
  };
  attempt(s.fabric, [&](const network::FabricDesign& design) {
    network::Evaluator evaluator(design, parts);
    for (const auto& job : s.jobs)
      attempt(job, [&](const FabricJob& j) { network::plan_of(evaluator.topology(), job_of(j, s, evaluator).spec); });
    for (const auto& group : s.groups)
      attempt(group, [&](std::int64_t n) { evaluator.ranks_of({network::Collective::all_reduce, {}, n, s.stride, 0, {}, 1}); });
    for (const auto& fault : s.faults)
      attempt(fault, [&](const FabricFault& f) { evaluator.topology().links_named(f.where); });
  });
}

Result run(const FabricScenario& s, const catalog::Catalog& catalog, const RunContext& context) {
  Diagnostics diagnostics;
  const auto parts = network::resolve(s.fabric.value, catalog, diagnostics);
  diagnostics.throw_if_any();
  network::Evaluator evaluator(s.fabric.value, parts, s.launch_time, s.in_network_reduction);
  network::Topology& topology = evaluator.topology();
  Result result;
  result.ledger = Table("ledger", {{"job", Table::Kind::text}, {"use", Table::Kind::text}, {"time_s"}, {"share"}});
  add_graph_metrics(topology, result);
  result.tables.push_back(part_table(topology));
  result.headline = fmt::format("{} accelerators joined by {} links", topology.n_ranks(), topology.links().size());

  if (!s.sizes.empty() && !s.groups.empty()) {
    result.tables.push_back(study(s, evaluator, context));
    const auto& times = result.tables.back().numbers("time_s");
    const auto& bandwidths = result.tables.back().numbers("bus_bandwidth_byte_per_s");
    const std::size_t best = static_cast<std::size_t>(std::ranges::max_element(bandwidths) - bandwidths.begin());
    result.metrics.push_back({"best_bus_bandwidth", {}, bandwidths[best], "B/s", {}, {}});
    result.headline += fmt::format("; the best collective reaches {:.4g} GB/s ({} of {} ranks in {:.4g} ms)", bandwidths[best] / 1e9,
                                   result.tables.back().texts("collective")[best], result.tables.back().integers("n_ranks")[best], times[best] * 1e3);
  }
  if (s.jobs.empty()) return result;

  std::vector<network::Job> jobs;
  for (const auto& job : s.jobs) jobs.push_back(job_of(job.value, s, evaluator));
  const network::Traffic traffic(topology, jobs, changes_of(s, topology), s.failover_time);
  const auto played = network::simulate(traffic);
  context.progress(0.9, "jobs");
  JobTimes times = job_times(topology, jobs, played);
  result.tables.push_back(link_table(topology, played));
  const double total = times.alone_s + times.waited_s, slowdown = times.alone_s > 0 ? total / times.alone_s : 1;
  result.metrics.push_back({"job_slowdown", {}, slowdown, "1", {}, {}});
  result.metrics.push_back({"jobs_end", {}, played.end.in(second), "s", {}, {}});
  if (const auto& hot = result.tables.back(); hot.n_rows() > 0)
    result.binds.push_back({.resource = hot.texts("kind")[0], .scope = "", .share = hot.numbers("utilisation")[0],
                            .text = fmt::format("{} is used {:.0f} % of the time", hot.texts("link")[0], 100 * hot.numbers("utilisation")[0])});
  result.headline += fmt::format("; {} jobs take {:.3g} times as long as alone on a sound fabric", jobs.size(), slowdown);
  result.infeasible = times.stalled;
  result.tables.push_back(std::move(times.table));
  result.ledger = std::move(times.ledger);
  return result;
}

const io::Record<FabricJob>& FabricJob::record() {
  using J = FabricJob;
  static const auto record =
      io::Record<J>("fabric_job", "A group's collective beside those of others.")
          .required("name", &J::name, {.doc = "Shown in tables."})
          .required("collective", &J::collective, {.doc = "What the group does."})
          .optional("algorithm", &J::algorithm, {.doc = "How; absent: the fastest by closed form."})
          .optional("n_ranks", &J::n_ranks, {.doc = "Ranks of the group.", .at_least = 1, .at_most = 1'000'000})
          .optional("stride", &J::stride, {.doc = "Accelerators between two ranks.", .at_least = 1, .at_most = 1'000'000})
          .optional("first", &J::first, {.doc = "First accelerator.", .at_least = 0, .at_most = 1'000'000})
          .optional("ranks", &J::ranks, {.doc = "The accelerators one by one, instead.", .at_least = 0, .at_most = 1'000'000})
          .required("size", &J::size, {.doc = "Size of the collective.", .above = 0 * byte, .at_most = 1e15 * byte})
          .optional("imbalance", &J::imbalance, {.doc = "All-to-all: what the most popular rank receives over the mean.", .at_least = 1.0, .at_most = 1e6})
          .optional("start", &J::start, {.doc = "When it starts.", .at_least = 0 * second, .at_most = year})
          .optional("n_repetitions", &J::n_repetitions, {.doc = "How often.", .at_least = 1, .at_most = 10'000'000})
          .optional("pause", &J::pause, {.doc = "Between two.", .at_least = 0 * second, .at_most = year});
  return record;
}

const io::Record<FabricFault>& FabricFault::record() {
  using F = FabricFault;
  static const auto record =
      io::Record<F>("fabric_fault", "Links that degrade, fail or flap.")
          .required("where", &F::where, {.doc = "\"leaf 3\" for all links of a switch, \"gpu 17 -> leaf 3\" for one."})
          .optional("capacity_factor", &F::capacity_factor, {.doc = "Fraction of the capacity that is left; 0: failed.", .at_least = 0.0, .at_most = 1.0})
          .optional("start", &F::start, {.doc = "When.", .at_least = 0 * second, .at_most = year})
          .optional("duration", &F::duration, {.doc = "For how long; absent: to the end.", .above = 0 * second, .at_most = year})
          .optional("period", &F::period, {.doc = "From one to the next.", .above = 0 * second, .at_most = year})
          .optional("n_times", &F::n_times, {.doc = "How often.", .at_least = 1, .at_most = 100'000})
          .check([](const F& f, const io::FieldComplaint& complain) {
            if (f.n_times > 1 && (!f.duration || !f.period || *f.period <= *f.duration))
              complain("n_times", "more than one needs a duration and a longer period");
          });
  return record;
}

const io::Record<FabricScenario>& FabricScenario::record() {
  using S = FabricScenario;
  static const auto record =
      io::Record<S>("fabric_scenario", "Collectives on a fabric alone.")
          .required("fabric", &S::fabric, {.doc = "How the accelerators are joined."})
          .optional("collectives", &S::collectives, {.doc = "Collectives of the study."})
          .optional("sizes", &S::sizes, {.doc = "Sizes of the study.", .above = 0 * byte, .at_most = 1e15 * byte})
          .optional("groups", &S::groups, {.doc = "Numbers of ranks of the study.", .at_least = 2, .at_most = 1'000'000})
          .optional("stride", &S::stride, {.doc = "Accelerators between two ranks of the study.", .at_least = 1, .at_most = 1'000'000})
          .optional("algorithm", &S::algorithm, {.doc = "Of the study; absent: the fastest by closed form."})
          .optional("jobs", &S::jobs, {.doc = "Groups that send at the same time."})
          .optional("faults", &S::faults, {.doc = "What breaks while the jobs run."})
          .optional("failover_time", &S::failover_time, {.doc = "After it a collective on a failed link begins anew on other ways.", .at_least = 0 * second, .at_most = day})
          .optional("launch_time", &S::launch_time, {.doc = "Before each collective.", .at_least = 0 * second, .at_most = second})
          .optional("in_network_reduction", &S::in_network_reduction, {.doc = "Whether the switches can reduce (NVLS, SHARP)."});
  return record;
}

}  // namespace waferwatt::scenario
