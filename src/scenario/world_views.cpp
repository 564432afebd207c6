// SPDX-License-Identifier: Apache-2.0
// The three views of what binds, by year and buyer: charged waits, marginal values, the cut; and a sentence for each.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "supply_run.hpp"
#include "waferwatt/core/number_text.hpp"
#include "waferwatt/core/parallel.hpp"
#include "waferwatt/engine/bare_loop.hpp"
#include "world_result.hpp"

namespace waferwatt::scenario {
namespace {

using Kind = Table::Kind;
using world::kNobody;
using world::kResources;
using world::Resource;

constexpr double kLeastShare = 0.02;     // of waits or of the cut: less is not said to bind
constexpr double kLeastGain = 1e-4;      // relative: less is no gain

double sum_of(const std::array<double, kResources>& shares) {
  double sum = 0;
  for (const double share : shares) sum += share;
  return sum;
}

/// What the views say of one resource in one year, of one buyer or of all.
struct View {
  double charged = 0, cut = 0;        ///< shares
  world::Gain gain;                   ///< of a step more of the resource everywhere
  double sure = 1;                    ///< part of the draws in which the gain has this sign
  world::Gain base;                   ///< what the run itself brings

  double relative_gain() const { return base.h100e_weeks > 0 ? gain.h100e_weeks / base.h100e_weeks : 0.0; }
  bool binds_by_waits() const { return charged >= kLeastShare; }
  bool binds_by_gain() const { return relative_gain() > kLeastGain; }
  bool binds_by_cut() const { return cut >= kLeastShare; }
  bool loses_by_more() const { return relative_gain() < -kLeastGain; }
  bool is_in_conflict() const { return loses_by_more() && (binds_by_waits() || binds_by_cut()); }
};

using Key = std::tuple<int, std::size_t, Resource>;

std::map<Key, double> gains_by_key(const std::vector<world::MarginalValue>& values) {
  std::map<Key, double> gains;
  for (const auto& value : values)
    for (const auto& gain : value.gains) gains[{gain.year, gain.owner, value.resource}] = gain.h100e_weeks;
  return gains;
}

/// The draws in which a gain has the sign of the undrawn run, as a part of all.
std::map<Key, double> certainties(const WorldRun& run, const std::vector<world::MarginalValue>& values, const RunContext& context) {
  const auto base = gains_by_key(values);
  std::map<Key, double> sure;
  const auto n = static_cast<std::size_t>(run.scenario.certainty_draws);
  if (n == 0) return sure;
  const auto shelves = chain_shelves(run.scenario, run.catalog);
  std::vector<std::map<Key, double>> drawn(n);
  in_parallel(
      n, context.n_jobs,
      [&](std::size_t i) {
        const auto draw = WorldDraw::numbered(context.seed, i + 1);
        auto moved = shelves;
        supply::draw(moved, run.scenario.known_at, run.scenario.uncertainty.supply, draw.deviate());
        auto spec = world_spec(run.scenario, run.catalog, moved, run.capabilities, draw, context.seed);
        spec.with_cuts = false;
        engine::BareLoop loop;
        const auto result = world::simulate(spec, loop);
        drawn[i] = gains_by_key(world::marginal_values(spec, result, 1 + run.scenario.marginal_step));
      },
      [&](std::size_t done) { context.progress(0.7 + 0.2 * static_cast<double>(done) / static_cast<double>(n), "how sure marginal values are"); });
  const auto sign = [](double gain) { return gain > 0 ? 1 : gain < 0 ? -1 : 0; };
  for (const auto& [key, gain] : base) {
    double same = 0;
    for (const auto& draw : drawn)
      if (const auto found = draw.find(key); found != draw.end() && sign(found->second) == sign(gain)) ++same;
    sure[key] = same / static_cast<double>(n);
  }
  return sure;
}

std::map<Key, View> views_of(const WorldRun& run, const std::vector<world::MarginalValue>& values, const std::map<Key, double>& sure) {
  std::map<Key, View> views;
  for (const auto& [at, base] : world::outputs(run.spec, run.simulated)) {
    const auto charged = run.simulated.charged_h100e_weeks(run.spec, at.first, at.second);
    const double all = sum_of(charged);
    for (std::size_t r = 0; r < kResources; ++r) {
      auto& view = views[{at.first, at.second, static_cast<Resource>(r)}];
      view.base = base;
      view.charged = all > 0 ? charged[r] / all : 0;
    }
  }
  for (const auto& cut : run.simulated.cuts)
    for (std::size_t r = 0; r < kResources; ++r)
      if (cut.bound_h100e > 0) views[{cut.year, cut.owner, static_cast<Resource>(r)}].cut = cut.carried[r] / cut.bound_h100e;
  for (const auto& value : values)
    for (const auto& gain : value.gains) {
      auto& view = views[{gain.year, gain.owner, value.resource}];
      view.gain = gain;
      if (const auto found = sure.find({gain.year, gain.owner, value.resource}); found != sure.end()) view.sure = found->second;
    }
  return views;
}

std::string who(const WorldRun& run, std::size_t owner) { return owner == kNobody ? "" : run.spec.buyers[owner].name; }

/// Three of three, or which ones.
std::string agreement(const View& v) {
  std::string text;
  for (const auto& [is, name] : {std::pair{v.binds_by_waits(), "waits"}, std::pair{v.binds_by_gain(), "re-run"}, std::pair{v.binds_by_cut(), "cut"}})
    if (is) text += fmt::format("{}{}", text.empty() ? "" : "+", name);
  return text.empty() ? "none" : text;
}

/// Why more of a resource brings less compute: earlier chips take what later, better ones would have used, or hold back the
/// money for them; or as much comes, and other buyers get it, or other chips are bought.
std::string why_less(const View& v) {
  if (!v.loses_by_more()) return "";
  const double before = v.base.delivered_before > 0 ? v.gain.delivered_before / v.base.delivered_before : 0.0;
  const double power = v.base.energised > Power{} ? v.gain.energised / v.base.energised : 0.0, per_watt = (1 + v.relative_gain()) / (1 + power) - 1;
  const bool is_by_watt = per_watt < 0.5 * v.relative_gain();
  if (before < -kLeastGain) return fmt::format("{:.2g} % less came before the year: chips that came earlier wait for power and hold back the money for later ones", -100 * before);
  if (before > kLeastGain && is_by_watt)
    return fmt::format("with it {:.2g} % more came before the year, and these hold power that better chips would use: compute a watt changes by {:.2g} %", 100 * before, 100 * per_watt);
  if (before > kLeastGain)
    return fmt::format("with it {:.2g} % more came before the year, and the money spent on these is missing for better ones: energised power changes by {:.2g} %", 100 * before, 100 * power);
  if (is_by_watt) return fmt::format("as much came before the year, and what is switched on in it is less good: compute a watt changes by {:.2g} %", 100 * per_watt);
  return fmt::format("as much came before the year, and those get it who can switch on less: energised power changes by {:.2g} %", 100 * power);
}

/// Why the views of one resource differ, in a few words; nothing where all or none say that it binds.
std::string why_different(const View& v) {
  const int n = v.binds_by_waits() + v.binds_by_gain() + v.binds_by_cut();
  if (v.loses_by_more()) return why_less(v);
  if (n == 0 || n == 3) return "";
  std::vector<std::string> why;
  if (v.binds_by_waits() && !v.binds_by_gain()) why.emplace_back("more of it only lengthens the next queue");
  if (v.binds_by_waits() && !v.binds_by_cut()) why.emplace_back("it holds up some weeks or products, and the year as a whole is bounded elsewhere");
  if (!v.binds_by_waits() && v.binds_by_cut()) why.emplace_back("it bounds the year before anything waits for it");
  if (!v.binds_by_waits() && !v.binds_by_cut() && v.binds_by_gain()) why.emplace_back("what it held up in earlier years, or a part of what waits for another resource, comes with it");
  if (!v.binds_by_gain() && v.binds_by_cut()) why.emplace_back("a step more of it alone meets the next bound");
  return fmt::format("{}", fmt::join(why, "; "));
}

std::string sentence(const WorldRun& run, const Key& key, const View& v, const world::Amount& amount) {
  const auto [year, owner, resource] = key;
  const std::string place = owner == kNobody ? fmt::format("In {}", year) : fmt::format("In {} for {}", year, run.spec.buyers[owner].name);
  const double step = run.scenario.marginal_step;
  const int n = v.binds_by_waits() + v.binds_by_gain() + v.binds_by_cut();
  const char* verdict = n == 3 ? "binds" : n == 2 ? "binds by two views of three" : n == 1 ? "may bind: one view of three says so" : "does not bind";
  std::string text = fmt::format("{} {} {}: {:.0f} % of waiting, {:.0f} % of the cut", place, resource_text(resource), verdict, 100 * v.charged, 100 * v.cut);
  if (step > 0) text += fmt::format(", and {:.0f} % more of it everywhere gives {:+.2g} % compute", 100 * step, 100 * v.relative_gain());
  if (step > 0 && amount.value > 0 && n > 0)
    text += fmt::format(" ({} tokens for one more {}{})", compact_number(v.gain.tokens.in(token) / (amount.value * step)), amount.unit,
                        owner != kNobody && v.binds_by_gain() && v.gain.tokens < Tokens{} ? "; others' fleets grow more and serve them" : "");
  if (const std::string why = step > 0 ? why_less(v) : ""; !why.empty()) text += fmt::format(", because {}", why);
  if (run.scenario.certainty_draws > 0) text += fmt::format("; the sign holds in {:.0f} % of draws", 100 * v.sure);
  return text + ".";
}

void add_tables(const WorldRun& run, const std::map<Key, View>& views, Result& result) {
  Table table("views", {{"year", Kind::integer}, {"owner", Kind::text}, {"resource", Kind::text}, {"share_of_waits"}, {"share_of_cut"}, {"h100e_weeks_gain_fraction"}, {"says_it_binds", Kind::text},
                        {"why_views_differ", Kind::text}, {"sentence", Kind::text}});
  Table values("values_of_capacity",
               {{"year", Kind::integer}, {"owner", Kind::text}, {"resource", Kind::text}, {"unit_of_capacity", Kind::text}, {"units_added"}, {"h100e_weeks_per_unit"}, {"tokens_per_unit"},
                {"training_flop_per_unit"}, {"usd_per_unit"}, {"tco2e_per_unit"}, {"sure_fraction"}});
  const double step = run.scenario.marginal_step;
  for (const auto& [key, v] : views) {
    const auto [year, owner, resource] = key;
    const Date from = std::max(run.scenario.start, Date::from_civil(year, 1, 1)), to = std::min(run.scenario.end, Date::from_civil(year + 1, 1, 1));
    // The whole amount is raised, a buyer's gain is its part of what that brings.
    const auto amount = world::amount_of(run.spec, resource, from, to);
    table.add({std::int64_t{year}, who(run, owner), std::string{world::resource_name(resource)}, v.charged, v.cut, v.relative_gain(), agreement(v),
               step > 0 ? why_different(v) : std::string{}, sentence(run, key, v, amount)});
    const double units = amount.value * step;
    if (units <= 0) continue;
    values.add({std::int64_t{year}, who(run, owner), std::string{world::resource_name(resource)}, std::string{amount.unit}, units, v.gain.h100e_weeks / units, v.gain.tokens.in(token) / units,
                v.gain.training.in(flop) / units, v.gain.money.in(usd) / units, v.gain.carbon.in(1000 * kg_co2e) / units, v.sure});
  }
  result.tables.push_back(std::move(table));
  if (values.n_rows() > 0) result.tables.push_back(std::move(values));
  Table cuts("cuts", {{"year", Kind::integer}, {"owner", Kind::text}, {"bound_h100e"}, {"reached_h100e"}, {"packaging_h100e"}, {"memory_h100e"}, {"logic_h100e"}, {"parts_h100e"}, {"capital_h100e"}, {"power_h100e"}});
  for (const auto& c : run.simulated.cuts) {
    std::vector<Table::Cell> row = {std::int64_t{c.year}, who(run, c.owner), c.bound_h100e, c.reached_h100e};
    for (const double carried : c.carried) row.emplace_back(carried);
    cuts.add(std::move(row));
  }
  result.tables.push_back(std::move(cuts));
}

/// Where the resource with most waits, the one with most gain and the one with most of the cut are not the same.
std::string disagreements(const std::map<Key, View>& views) {
  std::string text;
  std::map<int, std::array<std::pair<double, Resource>, 3>> first;
  for (const auto& [key, v] : views) {
    const auto [year, owner, resource] = key;
    if (owner != kNobody) continue;
    auto& best = first[year];
    const std::array<double, 3> scores = {v.charged, v.relative_gain(), v.cut};
    for (std::size_t i = 0; i < 3; ++i)
      if (scores[i] > best[i].first) best[i] = {scores[i], resource};
  }
  for (const auto& [year, best] : first) {
    if (best[0].first <= 0) continue;
    const bool by_gain = best[1].first > kLeastGain && best[1].second != best[0].second, by_cut = best[2].first > 0 && best[2].second != best[0].second;
    if (!by_gain && !by_cut) continue;
    text += fmt::format("{}{} (waits {}, re-run {}, cut {})", text.empty() ? "" : "; ", year, world::resource_name(best[0].second),
                        best[1].first > kLeastGain ? world::resource_name(best[1].second) : "nothing", best[2].first > 0 ? world::resource_name(best[2].second) : "nothing");
  }
  return text.empty() ? "" : " The views name different resources in " + text + ".";
}

/// Where a resource has waits or is in the cut, and more of it brings less: the views have different signs.
std::string conflicts(const std::map<Key, View>& views) {
  std::string text;
  for (const auto& [key, v] : views) {
    const auto [year, owner, resource] = key;
    if (owner != kNobody || !v.is_in_conflict()) continue;
    text += fmt::format("{}{} in {} ({:+.2g} %{}{})", text.empty() ? "" : "; ", world::resource_name(resource), year, 100 * v.relative_gain(), why_less(v).empty() ? "" : ": ", why_less(v));
  }
  return text.empty() ? "" : " More of what is waited for brings less compute for " + text + ".";
}

}  // namespace

std::string_view resource_text(Resource resource) {
  switch (resource) {
    case Resource::packaging: return "CoWoS-class packaging";
    case Resource::memory: return "high-bandwidth memory";
    case Resource::logic: return "logic wafers";
    case Resource::parts: return "parts of systems";
    case Resource::capital: return "capital";
    case Resource::power: return "energised power";
  }
  return "";
}

std::vector<Binding> world_bindings(const WorldRun& run, int year, std::size_t owner) {
  const auto charged = run.simulated.charged_h100e_weeks(run.spec, year, owner);
  const double sum = sum_of(charged);
  std::vector<Binding> binds;
  for (std::size_t i = 0; i < kResources; ++i) {
    if (sum <= 0 || charged[i] <= 0) continue;
    const auto resource = static_cast<Resource>(i);
    binds.push_back({.resource = std::string{world::resource_name(resource)}, .scope = year ? std::to_string(year) : "", .share = charged[i] / sum,
                     .text = fmt::format("{} is charged with {:.0f} % of all waiting, {} H100-equivalent weeks", resource_text(resource), 100 * charged[i] / sum, compact_number(charged[i]))});
  }
  std::ranges::sort(binds, std::greater{}, &Binding::share);
  return binds;
}

std::string add_world_views(const WorldRun& run, const RunContext& context, Result& result) {
  const double step = run.scenario.marginal_step;
  std::vector<world::MarginalValue> values;
  if (step > 0) values = world::marginal_values(run.spec, run.simulated, 1 + step, context.n_jobs);
  Table whole("marginal_values", {{"resource", Kind::text}, {"step_fraction"}, {"h100e_weeks_gain_fraction"}, {"tokens_gain_fraction"}});
  for (const auto& value : values) {
    const std::string resource{world::resource_name(value.resource)};
    whole.add({resource, step, value.h100e_weeks_gain, value.tokens_gain});
    result.metrics.push_back({.name = "marginal_h100e_weeks", .dims = {{"resource", resource}}, .value = value.h100e_weeks_gain, .unit = "1"});
    result.metrics.push_back({.name = "marginal_tokens", .dims = {{"resource", resource}}, .value = value.tokens_gain, .unit = "1"});
    for (auto& binding : result.binds)
      if (binding.scope.empty() && binding.resource == resource) binding.text += fmt::format("; {:.0f} % more of it gives {:+.1f} % energised compute", 100 * step, 100 * value.h100e_weeks_gain);
  }
  if (whole.n_rows() > 0) result.tables.push_back(std::move(whole));
  const auto views = views_of(run, values, certainties(run, values, context));
  add_tables(run, views, result);
  return step > 0 ? disagreements(views) + conflicts(views) : "";
}

}  // namespace waferwatt::scenario
