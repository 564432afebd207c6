// SPDX-License-Identifier: Apache-2.0
// The three views of what binds: charged slots and waits, marginal value of each line, and the min-cut.
#include <fmt/format.h>

#include <algorithm>

#include "supply_run.hpp"
#include "waferwatt/core/parallel.hpp"
#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/supply/cut.hpp"

namespace waferwatt::scenario {
namespace {

using Kind = Table::Kind;
using supply::Limit;

constexpr double kStep = 0.05;  // a line's capacity is raised by this part of it

std::string text_of(const std::string& resource) {
  static const std::map<std::string, std::string> kTexts = {{"packaging", "packaging capacity"}, {"memory", "high-bandwidth memory"}, {"logic", "logic dies"}, {"orders", "orders"}};
  const auto found = kTexts.find(resource);
  return found == kTexts.end() ? resource : found->second;
}

/// Package slots and finished packages that waited a week, by what they are charged to.
struct Charges {
  std::map<std::tuple<int, std::size_t, std::string>, std::pair<double, double>> by_year;  // charged, idle
  std::map<std::string, double> total;
  double all = 0;
};

Charges charges_of(const supply::Chain& chain, Date start) {
  Charges charges;
  const auto charge = [&](Date date, std::size_t product, const std::string& resource, double charged, double idle) {
    auto& entry = charges.by_year[{date.year(), product, resource}];
    entry.first += charged;
    entry.second += idle;
    charges.total[resource] += charged;
    charges.all += charged;
  };
  const auto& parts = chain.spec().parts;
  for (const auto& entry : chain.weeks())
    if (entry.week >= start)
      charge(entry.week, entry.product, entry.limit == Limit::parts ? parts[entry.part].part : std::string{supply::limit_name(entry.limit)}, entry.slots, std::max(0.0, entry.slots - entry.started));
  for (const auto& wait : chain.part_waits())
    if (wait.week >= start) charge(wait.week, wait.product, parts[wait.part].part, wait.packages, wait.packages);
  return charges;
}

void add_charges(const Charges& charges, const supply::Chain& chain, Result& result) {
  for (const auto& [resource, charged] : charges.total)
    if (charged > 0 && charges.all > 0)
      result.binds.push_back({.resource = resource, .scope = "", .share = charged / charges.all, .text = fmt::format("{} decided {:.0f} % of the package starts", text_of(resource), 100 * charged / charges.all)});
  std::ranges::stable_sort(result.binds, std::greater{}, &Binding::share);
  result.ledger = Table("ledger", {{"year", Kind::integer}, {"accelerator", Kind::text}, {"resource", Kind::text}, {"charged_slots_packages"}, {"idle_slots_packages"}});
  for (const auto& [key, slots] : charges.by_year)
    result.ledger.add({std::int64_t{std::get<0>(key)}, chain.spec().products[std::get<1>(key)].accelerator, std::get<2>(key), slots.first, slots.second});
}

/// A line of the chain, its kind of resource, and how to give it more.
struct Raise {
  std::string line, resource;
  std::function<void(supply::ChainSpec&)> apply;
};

template <class T>
Ramp<T> raised(const Ramp<T>& ramp) {
  std::vector<typename Ramp<T>::Point> points;
  for (const auto& [date, value] : ramp.points()) points.emplace_back(date, value * (1 + kStep));
  return Ramp<T>(std::move(points));
}

std::vector<Raise> raises(const supply::ChainSpec& spec) {
  std::vector<Raise> result;
  const auto add = [&](const auto& lines, auto member, auto name, auto resource) {
    for (std::size_t i = 0; i < lines.size(); ++i)
      result.push_back({lines[i].*name, resource(lines[i]), [member, i](supply::ChainSpec& s) { (s.*member)[i].capacity = raised((s.*member)[i].capacity); }});
  };
  const auto always = [](const char* resource) { return [resource](const auto&) { return std::string{resource}; }; };
  add(spec.packaging, &supply::ChainSpec::packaging, &supply::PackagingLine::family, always("packaging"));
  add(spec.memory_makers, &supply::ChainSpec::memory_makers, &supply::MemoryLine::maker, always("memory"));
  add(spec.logic, &supply::ChainSpec::logic, &supply::LogicLine::node, always("logic"));
  add(spec.parts, &supply::ChainSpec::parts, &supply::PartLine::part, [](const supply::PartLine& line) { return line.part; });
  return result;
}

struct Marginal {
  std::string line, resource;
  double gain = 0;  ///< relative, of accelerators delivered
};

/// The same run with one line after the other raised by a step.
std::vector<Marginal> add_marginals(const SupplyRun& run, const supply::ChainSpec& spec, const SupplyScenario& scenario, const RunContext& context, Result& result) {
  const auto lines = raises(spec);
  std::vector<Marginal> marginals(lines.size());
  const double base = run.total();
  in_parallel(
      lines.size(), context.n_jobs,
      [&](std::size_t i) {
        auto more = spec;
        lines[i].apply(more);
        SupplyRun raised_run(scenario, std::move(more));
        engine::BareLoop loop;
        raised_run.simulate(loop);
        marginals[i] = {lines[i].line, lines[i].resource, base > 0 ? raised_run.total() / base - 1 : 0.0};
      },
      [](std::size_t) {});
  Table table("marginal_values", {{"line", Kind::text}, {"resource", Kind::text}, {"step"}, {"accelerators_gained"}, {"gain_over_step"}});
  for (const auto& m : marginals) table.add({m.line, m.resource, kStep, m.gain * base, m.gain / kStep});
  result.tables.push_back(std::move(table));
  return marginals;
}

/// Cuts of every year. \returns what the lines in them carry, by resource, as a part of all
std::map<std::string, double> add_cuts(const SupplyRun& run, const SupplyScenario& scenario, Result& result) {
  Table table("cuts", {{"year", Kind::integer}, {"bound_packages"}, {"started_packages"}, {"line", Kind::text}, {"resource", Kind::text}, {"carried_packages"}});
  std::map<std::string, double> carried;
  double all = 0;
  for (int year = scenario.start.year(); Date::from_civil(year, 1, 1) < scenario.end; ++year) {
    const Date from = std::max(scenario.start, Date::from_civil(year, 1, 1)), to = std::min(scenario.end, Date::from_civil(year + 1, 1, 1));
    if (to - from < 4 * core::week) continue;
    const auto cut = supply::supply_cut(run.chain(), from, to);
    for (const auto& line : cut.lines) {
      const std::string resource = line.limit == Limit::parts ? line.line : std::string{supply::limit_name(line.limit)};
      table.add({std::int64_t{year}, cut.bound, cut.started, line.line, resource, line.packages});
      carried[resource] += line.packages;
      all += line.packages;
    }
  }
  for (auto& [resource, packages] : carried) packages = all > 0 ? packages / all : 0;
  result.tables.push_back(std::move(table));
  return carried;
}

}  // namespace

std::string add_views(const SupplyRun& run, const SupplyScenario& scenario, const RunContext& context, Result& result) {
  const Charges charges = charges_of(run.chain(), scenario.start);
  add_charges(charges, run.chain(), result);
  // The chain's own spec is changed by shocks and expansions on its way: the raised runs start from the first one.
  const auto marginals = add_marginals(run, run.first_spec(), scenario, context, result);
  const auto carried = add_cuts(run, scenario, result);
  std::map<std::string, double> gains;
  double all_gains = 0;
  for (const auto& m : marginals) {
    gains[m.resource] += std::max(0.0, m.gain);
    all_gains += std::max(0.0, m.gain);
  }
  std::map<std::string, std::array<double, 3>> views;
  for (const auto& [resource, charged] : charges.total)
    if (charged > 0) views[resource][0] = charged / charges.all;
  for (const auto& [resource, gain] : gains)
    if (gain > 0) views[resource][1] = gain / all_gains;
  for (const auto& [resource, part] : carried)
    if (part > 0) views[resource][2] = part;
  Table table("views", {{"resource", Kind::text}, {"share_of_charges"}, {"share_of_marginal_value"}, {"share_of_cut"}});
  for (const auto& [resource, shares] : views) table.add({resource, shares[0], shares[1], shares[2]});
  result.tables.push_back(std::move(table));
  const auto first = [&](std::size_t view) {
    std::string best;
    double share = 0;
    for (const auto& [resource, shares] : views)
      if (shares[view] > share) {
        share = shares[view];
        best = resource;
      }
    return best;
  };
  const std::array<std::string, 3> firsts = {first(0), first(1), first(2)};
  if (firsts[0].empty() || (firsts[0] == firsts[1] && firsts[1] == firsts[2])) return "";
  return fmt::format(" The views of what binds disagree: most charges {}, most marginal value {}, most of the cut {}.", firsts[0], firsts[1].empty() ? "none" : firsts[1], firsts[2].empty() ? "none" : firsts[2]);
}

}  // namespace waferwatt::scenario
