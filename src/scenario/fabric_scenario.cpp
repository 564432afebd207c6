// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/fabric_scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fabric_study.hpp"
#include "waferwatt/network/topology_graph.hpp"

namespace waferwatt::scenario {
namespace {

constexpr std::size_t kLargestGraph = 20'000;  // ranks; above it cuts take minutes

std::vector<network::Rank> ranks_of(const FabricJob& job, const network::Evaluator& evaluator) {
  if (job.ranks.empty()) return evaluator.ranks_of({job.collective, {}, job.n_ranks, job.stride, job.first, job.size, 1});
  std::vector<network::Rank> ranks;
  for (const std::int64_t r : job.ranks) ranks.push_back(static_cast<network::Rank>(r));
  return ranks;
}

/// What the i-th rank sends to the j-th, row by row; empty when all messages are of one size.
std::vector<DataSize> messages_of(const FabricJob& job, std::size_t n) {
  std::vector<DataSize> all;
  for (const auto& row : job.messages) {
    if (row.size() != n) throw InputError(fmt::format("messages: a row of {} sizes, the group has {} ranks", row.size(), n));
    all.insert(all.end(), row.begin(), row.end());
  }
  if (!all.empty() || job.popularity.empty()) return all;
  if (job.popularity.size() != n) throw InputError(fmt::format("popularity: {} numbers, the group has {} ranks", job.popularity.size(), n));
  double sum = 0;
  for (const double p : job.popularity) sum += p;
  if (!(sum > 0)) throw InputError("popularity: all are zero");
  for (std::size_t i = 0; i < n; ++i)
    for (const double p : job.popularity) all.push_back(p / sum * job.size);
  return all;
}

network::Job job_of(const FabricJob& job, const network::Evaluator& evaluator) {
  network::CollectiveSpec spec{job.collective, network::Algorithm::ring, ranks_of(job, evaluator), job.size, job.imbalance};
  spec.pair_bytes = messages_of(job, spec.ranks.size());
  spec.every_message = job.every_message;
  spec.algorithm = job.algorithm ? *job.algorithm : evaluator.algorithm_of(spec);
  network::Job made = evaluator.job(job.name, std::move(spec), job.algorithm.has_value());
  made.start = job.start;
  made.n_repetitions = job.n_repetitions;
  made.pause = job.pause;
  return made;
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

/// Times of the jobs, and what they would be alone on a sound fabric.
struct JobTimes {
  Table table{"jobs", {{"job", Table::Kind::text}, {"collective", Table::Kind::text}, {"algorithm", Table::Kind::text},
                       {"n_ranks", Table::Kind::integer}, {"n_ended", Table::Kind::integer}, {"mean_time_s"}, {"longest_time_s"},
                       {"alone_s"}, {"slowdown"}, {"n_restarts", Table::Kind::integer}, {"stalled", Table::Kind::text}}};
  Table ledger{"ledger", {{"job", Table::Kind::text}, {"use", Table::Kind::text}, {"time_s"}, {"share"}}};
  double alone_s = 0, waited_s = 0, worst = 0;
  std::string stalled, slowest;
};

JobTimes job_times(const FabricScenario& s, network::Topology& topology, const std::vector<network::Job>& jobs, const network::TrafficResult& result) {
  JobTimes times;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto& job = jobs[i];
    const auto& one = result.jobs[i];
    network::Job single = job;
    single.n_repetitions = 1;
    single.start = Time{};
    const bool is_alone = jobs.size() == 1 && s.faults.empty() && !one.repetitions.empty();
    const network::Repetition first = is_alone ? one.repetitions.front()
                                               : network::simulate(network::Traffic(topology, {single}), s.engine, s.resolve_interval).jobs[0].repetitions.at(0);
    const double alone = first.duration().in(second);
    double sum = 0, longest = 0;
    for (const auto& repetition : one.repetitions) {
      sum += repetition.duration().in(second);
      longest = std::max(longest, repetition.duration().in(second));
    }
    const double n = static_cast<double>(one.repetitions.size()), mean = n > 0 ? sum / n : std::nan("");
    times.table.add({job.name, io::enum_text(job.spec.collective), io::enum_text(job.spec.algorithm), static_cast<std::int64_t>(job.spec.ranks.size()),
                     static_cast<std::int64_t>(one.repetitions.size()), mean, longest, alone, mean / alone, one.n_restarts, one.stalled});
    if (mean / alone > times.worst) times.worst = mean / alone, times.slowest = job.name;
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

/// Switches and cables, and what they cost where prices are given.
void add_parts(const FabricScenario& s, const network::Topology& topology, Result& result) {
  const auto& prices = s.part_prices.value;
  std::vector<Table::ColumnSpec> columns{{"part", Table::Kind::text}, {"count", Table::Kind::integer}};
  if (!prices.empty()) columns.insert(columns.end(), {{"price_usd"}, {"cost_usd"}});
  Table table("parts", std::move(columns));
  Money sum;
  for (const auto& [part, count] : network::parts(topology)) {
    if (prices.empty()) {
      table.add({part, static_cast<std::int64_t>(count)});
      continue;
    }
    const auto at = prices.find(part);
    const Money price = at == prices.end() ? Money{} : at->second, cost = static_cast<double>(count) * price;
    table.add({part, static_cast<std::int64_t>(count), price.in(usd), cost.in(usd)});
    sum += cost;
  }
  if (!prices.empty()) result.metrics.push_back({"fabric_cost", {}, sum.in(usd), "USD", {}, {}});
  result.tables.push_back(std::move(table));
}

void check_prices(const FabricScenario& s, const network::Topology& topology, Diagnostics& diagnostics) {
  std::vector<std::string> known;
  for (const auto& [part, count] : network::parts(topology)) known.push_back(part);
  for (const auto& [part, price] : s.part_prices.value)
    if (std::ranges::find(known, part) == known.end())
      diagnostics.add(s.part_prices.problem("unknown part \"" + part + "\"" + suggestion(part, known, "parts")));
}

void add_graph_metrics(const network::Topology& topology, Result& result) {
  result.metrics.push_back({"links", {}, static_cast<double>(topology.links().size()), "1", {}, {}});
  if (topology.n_ranks() > kLargestGraph) return;
  const auto graph = network::graph_measures(topology);
  result.metrics.push_back({"bisection_bandwidth", {}, graph.bisection.in(byte / second), "B/s", {}, {}});
  result.metrics.push_back({"diameter_links", {}, static_cast<double>(graph.diameter_links), "1", {}, {}});
}

/// Plays the jobs with the faults: tables, ledger, metrics, what binds.
void add_jobs(const FabricScenario& s, network::Evaluator& evaluator, const RunContext& context, Result& result, std::vector<std::string>& words) {
  network::Topology& topology = evaluator.topology();
  std::vector<network::Job> jobs;
  for (const auto& job : s.jobs) jobs.push_back(job_of(job.value, evaluator));
  const network::Traffic traffic(topology, jobs, changes_of(s, topology), s.failover_time);
  const auto played = network::simulate(traffic, s.engine, s.resolve_interval);
  context.progress(0.9, "jobs");
  JobTimes times = job_times(s, topology, jobs, played);
  Finding hot = hot_links(topology, played);
  if (hot.table.n_rows() > 0)
    result.binds.push_back({.resource = hot.table.texts("kind")[0], .scope = "", .share = hot.table.numbers("utilisation")[0], .text = hot.words});
  const double total = times.alone_s + times.waited_s, slowdown = times.alone_s > 0 ? total / times.alone_s : 1;
  result.metrics.push_back({"job_slowdown", {}, slowdown, "1", {}, {}});
  result.metrics.push_back({"jobs_end", {}, played.end.in(second), "s", {}, {}});
  const std::string engine = fmt::format("flows by {}: {}", io::enum_text(played.choice.engine), played.choice.reason);
  const std::string who = jobs.size() == 1 ? fmt::format("the job \"{}\" takes", jobs[0].name) : fmt::format("the {} jobs take", jobs.size());
  const std::string how_long = slowdown < 1.005 ? "as long as alone on a sound fabric" : fmt::format("{:.3g} times as long as alone on a sound fabric", slowdown);
  const std::string worst = jobs.size() > 1 && times.worst >= 1.005 ? fmt::format(", \"{}\" {:.3g} times", times.slowest, times.worst) : "";
  words.push_back(fmt::format("{} {}{} ({}); {}", who, how_long, worst, engine, hot.words));
  result.infeasible = times.stalled;
  result.tables.push_back(std::move(hot.table));
  result.tables.push_back(link_use(topology, played));
  result.tables.push_back(std::move(times.table));
  result.ledger = std::move(times.ledger);
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
    check_prices(s, evaluator.topology(), diagnostics);
    for (const auto& job : s.jobs)
      attempt(job, [&](const FabricJob& j) { network::plan_of(evaluator.topology(), job_of(j, evaluator).spec); });
    for (const auto& group : s.groups)
      attempt(group, [&](std::int64_t n) { evaluator.ranks_of({network::Collective::all_reduce, {}, n, s.stride, 0, {}, 1}); });
    for (const auto& alternative : s.alternatives)
      attempt(alternative, [&](const FabricAlternative& a) {
        network::FabricDesign changed = design;
        if (a.oversubscription) changed.oversubscription = *a.oversubscription;
        const auto topology = network::make_topology(changed, parts);
        if (a.where) topology->links_named(*a.where);
      });
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
  add_parts(s, topology, result);
  std::vector<std::string> words;
  const std::string what = fmt::format("{} accelerators joined by {} links{}", topology.n_ranks(), topology.links().size(),
                                             parts.measured ? ", collectives in a domain as " + parts.measured->provenance() : "");
  const auto take = [&](Finding finding) {
    if (!finding.words.empty()) words.push_back(std::move(finding.words));
    result.tables.push_back(std::move(finding.table));
  };
  if (!s.sizes.empty() && !s.groups.empty()) {
    take(collectives_study(s, evaluator, context));
    const auto& bandwidths = result.tables.back().numbers("bus_bandwidth_byte_per_s");
    result.metrics.push_back({"best_bus_bandwidth", {}, std::ranges::max(bandwidths), "B/s", {}, {}});
    if (!s.alternatives.empty()) take(alternatives_study(s, parts, evaluator));
  }
  if (!s.jobs.empty()) add_jobs(s, evaluator, context, result, words);
  // The first finding is the answer; what the fabric is comes last.
  words.push_back(what);
  result.headline = words.size() == 1 ? what + "." : fmt::format("{}. {}.", words.front(), fmt::join(words.begin() + 1, words.end(), "; "));
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
          .optional("popularity", &J::popularity, {.doc = "All-to-all: what each rank receives, relative to one another.", .at_least = 0.0, .at_most = 1e9})
          .optional("messages", &J::messages, {.doc = "All-to-all(v): what each rank sends to each, a row for a sender, instead of the size.", .at_least = 0 * byte, .at_most = 1e15 * byte})
          .optional("every_message", &J::every_message, {.doc = "All-to-all: each message is a flow of its own and ends when it does; else all end with the most loaded link."})
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

const io::Record<FabricAlternative>& FabricAlternative::record() {
  using A = FabricAlternative;
  static const auto record =
      io::Record<A>("fabric_alternative", "The study again on a changed fabric.")
          .required("name", &A::name, {.doc = "Shown in tables and in the answer: \"2:1 oversubscription\", \"a dead leaf\"."})
          .optional("oversubscription", &A::oversubscription, {.doc = "Bandwidth of a leaf's accelerators over that of its uplinks.", .at_least = 1.0, .at_most = 64.0})
          .optional("where", &A::where, {.doc = "Links that are degraded: \"leaf 3\" for all of a switch, \"gpu 17 -> leaf 3\" for one."})
          .optional("capacity_factor", &A::capacity_factor, {.doc = "Fraction of their capacity that is left; 0: failed.", .at_least = 0.0, .at_most = 1.0})
          .check([](const A& a, const io::FieldComplaint& complain) {
            if (!a.oversubscription && !a.where) complain("name", "changes nothing: give oversubscription or where");
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
          .optional("alternatives", &S::alternatives, {.doc = "Changed fabrics on which the largest size of the study is asked again."})
          .optional("jobs", &S::jobs, {.doc = "Groups that send at the same time."})
          .optional("faults", &S::faults, {.doc = "What breaks while the jobs run."})
          .optional("part_prices", &S::part_prices, {.doc = "Price of one switch or cable, by part as in the table parts; the sum is the metric fabric_cost.", .at_least = 0 * usd, .at_most = giga * usd})
          .optional("failover_time", &S::failover_time, {.doc = "After it a collective on a failed link begins anew on other ways.", .at_least = 0 * second, .at_most = day})
          .optional("launch_time", &S::launch_time, {.doc = "Before each collective.", .at_least = 0 * second, .at_most = second})
          .optional("engine", &S::engine, {.doc = "Who shares the links; absent: SimGrid where transfers meet and it can, else our own solver."})
          .optional("resolve_interval", &S::resolve_interval, {.doc = "Jobs with a flow for every message: rates are worked out at most this often; 0: exactly.", .at_least = 0 * second, .at_most = second})
          .optional("in_network_reduction", &S::in_network_reduction, {.doc = "Whether the switches can reduce (NVLS, SHARP)."});
  return record;
}

}  // namespace waferwatt::scenario
