// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/world/views.hpp"

#include <algorithm>
#include <map>

#include "waferwatt/core/parallel.hpp"
#include "waferwatt/engine/bare_loop.hpp"

namespace waferwatt::world {
namespace {

Tokens tokens_of(const WorldResult& result) {
  Tokens sum;
  for (const auto& year : result.years) sum += year.tokens_served;
  return sum;
}

}  // namespace

std::map<std::pair<int, std::size_t>, Gain> outputs(const WorldSpec& spec, const WorldResult& result) {
  std::map<std::pair<int, std::size_t>, Gain> all;
  for (const auto& own : result.owner_years) {
    const auto flow = [&](market::Flow f) { return own.flows[static_cast<std::size_t>(f)]; };
    const Money money = flow(market::Flow::token_sales) + flow(market::Flow::rent) + flow(market::Flow::energy) + flow(market::Flow::operations);
    for (const std::size_t who : {own.owner, kNobody}) {
      auto& gain = all[{own.year, who}];
      gain.year = own.year;
      gain.owner = who;
      gain.h100e_weeks += own.h100e_weeks;
      gain.tokens += own.tokens;
      gain.training += own.training;
      gain.money += money;
      gain.carbon += own.carbon;
      gain.energised += own.energised_nameplate;
    }
  }
  for (auto& [key, gain] : all)
    for (const auto& d : result.deliveries)
      if (d.year < gain.year && (gain.owner == kNobody || d.owner == gain.owner)) gain.delivered_before += d.n_accelerators * spec.traits[d.product].h100_equivalents;
  return all;
}

std::string_view resource_name(Resource resource) {
  constexpr std::array<std::string_view, kResources> kNames = {"packaging", "memory", "logic", "parts", "capital", "power"};
  return kNames[static_cast<std::size_t>(resource)];
}

WorldSpec with_more(const WorldSpec& spec, Resource resource, double factor) {
  WorldSpec more = spec;
  more.with_cuts = false;
  const auto scale_all = [factor](auto& lines) {
    for (auto& line : lines) line.capacity = line.capacity.scaled(factor);
  };
  switch (resource) {
    case Resource::packaging: scale_all(more.chain.packaging); break;
    case Resource::memory: scale_all(more.chain.memory_makers); break;
    case Resource::logic: scale_all(more.chain.logic); break;
    case Resource::parts: scale_all(more.chain.parts); break;
    case Resource::capital:
      for (auto& buyer : more.buyers) buyer.budget = buyer.budget.scaled(factor);
      for (auto& owner : more.owners)
        if (owner.finance) owner.finance->cash *= factor, owner.finance->funding = owner.finance->funding.scaled(factor);
      break;
    case Resource::power:
      for (auto& owner : more.owners) owner.power = owner.power.scaled(factor);
      break;
  }
  return more;
}

Amount amount_of(const WorldSpec& spec, Resource resource, Date from, Date to, std::size_t owner) {
  double sum = 0;
  const auto wafers = [&](const auto& lines) {
    for (const auto& line : lines) sum += line.capacity.integral(from, to).in(wafer);
  };
  const auto is_meant = [&](std::size_t o) { return owner == kNobody || owner == o; };
  switch (resource) {
    case Resource::packaging: wafers(spec.chain.packaging); return {sum, "packaging wafer"};
    case Resource::memory: wafers(spec.chain.memory_makers); return {sum, "memory wafer"};
    case Resource::logic:
      for (const auto& line : spec.chain.logic)
        for (Date week = from; week < to; week = week + core::week) sum += (line.capacity.at(week) * line.ai_share.at(week) * core::week).in(wafer);
      return {sum, "logic wafer"};
    case Resource::parts:
      for (const auto& line : spec.chain.parts) sum += line.capacity.integral(from, to);
      return {sum, "part"};
    case Resource::capital:
      for (std::size_t b = 0; b < spec.buyers.size(); ++b)
        if (is_meant(b)) sum += spec.buyers[b].budget.integral(from, to).in(mega * usd);
      return {sum, "MUSD"};
    case Resource::power:
      for (std::size_t o = 0; o < spec.owners.size(); ++o)
        if (is_meant(o)) sum += spec.owners[o].power.integral(from, to).in(mega * watt * year);
      return {sum, "MW year"};
  }
  return {};
}

std::vector<MarginalValue> marginal_values(const WorldSpec& spec, const WorldResult& base, double factor, unsigned n_jobs) {
  const auto relative = [](double more, double less) { return less > 0 ? more / less - 1 : 0.0; };
  const auto base_outputs = outputs(spec, base);
  std::vector<MarginalValue> values(kResources);
  core::in_parallel(kResources, n_jobs, [&](std::size_t i) {
    const auto resource = static_cast<Resource>(i);
    engine::BareLoop loop;
    const WorldSpec more = with_more(spec, resource, factor);
    const WorldResult result = simulate(more, loop);
    MarginalValue value{resource, relative(result.h100e_weeks, base.h100e_weeks), relative(tokens_of(result).in(token), tokens_of(base).in(token)), {}};
    for (auto& [key, gain] : outputs(more, result)) {
      const auto& before = base_outputs.at(key);
      value.gains.push_back({gain.year, gain.owner, gain.h100e_weeks - before.h100e_weeks, gain.tokens - before.tokens, gain.training - before.training, gain.money - before.money,
                             gain.carbon - before.carbon, gain.energised - before.energised, gain.delivered_before - before.delivered_before});
    }
    values[i] = std::move(value);
  });
  return values;
}

}  // namespace waferwatt::world
