// SPDX-License-Identifier: Apache-2.0
// Power of a site, its limit, and the accounts of accelerators that no job holds.
#include <algorithm>
#include <cmath>
#include <limits>

#include "site_run.hpp"

namespace waferwatt::fleet {

/// Books everything up to now under what held since the last change.
void SiteRun::settle() {
  const double now = loop_.now(), dt = now - settled_s_;
  if (dt <= 0) return;
  meter_.advance(now);
  settled_s_ = now;
  const auto free = static_cast<double>(nodes_.n_free()), blocked = std::min(static_cast<double>(blocked_free_), free);
  auto& ledger = out_.ledger;
  ledger.add(Use::awaiting_site, awaiting_site_ * dt);
  ledger.add(Use::awaiting_power, awaiting_power_ * dt);
  ledger.add(Use::failed, static_cast<double>(n_broken_) * dt);
  ledger.add(blocked_use_, blocked * dt);
  ledger.add(Use::idle, (free - blocked) * dt);
  out_.accelerator_s += delivered_ * dt;
  out_.in_service_s += static_cast<double>(n_in_service_) * site_.per_node * dt;
  out_.busy_s += static_cast<double>(n_busy_) * dt;
  if (meter_.it_w() > meter_.it_limit_w() * (1 + 1e-9)) out_.overdraft_s += dt;
}

void SiteRun::set_power() { meter_.set_it(jobs_w_, idle_w()); }

double SiteRun::watts_of(const Job& job) const {
  const double fraction = job.power_fraction > 0 ? job.power_fraction : site_.mean_load;
  const double serving = job.kind == JobKind::serving ? job.load : 1;
  return site_.it_nameplate.base() * (site_.idle_load + std::max(fraction - site_.idle_load, 0.0) * serving);
}

bool SiteRun::power_admits(const Job& job, double n) const {
  if (!site_.limit) return true;
  const double floor = std::min(watts_of(job), std::max(idle_each_w_, power::kLowestCap * watts_of(job)));
  return floors_w_ + idle_w() + n * (floor - idle_each_w_) <= meter_.it_limit_w();
}

void SiteRun::step() {
  settle();
  const double now = loop_.now(), all = static_cast<double>(site_.n_accelerators());
  delivered_ = site_.delivered.empty() ? all : std::min(value_at(site_.delivered, now, 0.0), all);
  const double housed = site_.housed.empty() ? delivered_ : std::min(value_at(site_.housed, now, 0.0), delivered_);
  double powered = housed;
  if (!site_.energised.empty())
    powered = std::min(housed, value_at(site_.energised, now, 0 * watt) / (site_.it_nameplate * site_.nameplate_pue));
  const auto nodes = static_cast<std::uint32_t>(std::floor(powered / site_.per_node + 1e-9));
  // What is on stays on.
  for (; n_in_service_ < nodes; ++n_in_service_) nodes_.set_up(n_in_service_, true);
  const double in_service = static_cast<double>(n_in_service_) * site_.per_node;
  awaiting_site_ = std::max(delivered_ - std::max(housed, in_service), 0.0);
  awaiting_power_ = delivered_ - awaiting_site_ - in_service;
  meter_.set_nameplate(in_service * site_.it_nameplate.base());
  set_power();
}

void SiteRun::start_hour(power::HourIndex hour) {
  settle();
  meter_.set_hour(hour);
  if (site_.limit) apply_caps();
  grow_elastic();
}

/// Lets go of jobs, the lowest and latest first, until the floors of the others fit.
void SiteRun::shed() {
  while (!runs_.empty() && floors_w_ + idle_w() > meter_.it_limit_w()) {
    const auto rank = [&](const Run& run) {
      const Job& job = table_.job(run.id);
      const bool is_spared = spec_.capping == power::CapPolicy::inference_first && job.kind == JobKind::serving;
      return std::tuple(is_spared, job.priority, -table_.record(run.id).first_start_s, run.id);
    };
    const auto lowest = std::ranges::min_element(runs_, {}, rank);
    const std::uint32_t id = lowest->id;
    stop(id, LossCause::preemption);
    ++table_.record(id).n_preemptions;
    requeue(id);
  }
}

void SiteRun::apply_caps() {
  const double limit = meter_.it_limit_w();
  const auto needed = [&] {
    double sum = idle_w();
    for (const auto& run : runs_) sum += run.needed_w;
    return sum;
  };
  if (needed() <= limit && !is_capped_) return;
  if (floors_w_ + idle_w() > limit) shed();
  is_capped_ = needed() > limit;
  std::vector<power::CappedLoad> loads;
  for (const auto& run : runs_) {
    const Job& job = table_.job(run.id);
    loads.push_back({run.needed_w * watt, run.floor_w * watt, job.priority, job.kind == JobKind::serving});
  }
  const auto granted = power::share_power(spec_.capping, (limit - idle_w()) * watt, loads);
  jobs_w_ = 0;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    Run& run = runs_[i];
    const double watts = granted[i].base();
    if (watts != run.watts) {
      update(run);
      run.watts = watts;
      run.speed = power::capped_speed(watts / run.needed_w, run.static_part, run.clock_bound);
      plan_finish(run);
    }
    jobs_w_ += watts;
  }
  set_power();
}

}  // namespace waferwatt::fleet
