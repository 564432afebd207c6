// SPDX-License-Identifier: Apache-2.0
// Jobs of a site: starting, going on, stopping.
#include "site_run.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::fleet {

SiteRun::SiteRun(const FleetSpec& spec, std::uint32_t index, JobTable& table, SiteOutcome& out, RandomStream stream, engine::EventLoop& loop)
    : spec_(spec), site_(spec.sites[index]), index_(index), table_(table), out_(out), failures_(stream.substream("failures", index)),
      repairs_(stream.substream("repairs", index)), loop_(loop), meter_(site_, out), nodes_(site_.n_nodes, site_.per_node, site_.nodes_per_leaf),
      queue_(*spec.policy), jobs_on_(site_.n_nodes), broken_(site_.n_nodes, false),
      idle_each_w_(site_.idle_load * site_.it_nameplate.base()) {
  largest_gang_ = site_.n_accelerators();
  meter_.set_hour(site_.first_hour);
  step();
}

void SiteRun::enqueue(std::uint32_t id) {
  queue_.add(id, table_.job(id));
  const Job& job = table_.job(id);
  backlog_accelerator_s_ += static_cast<double>(job.n_accelerators) * job.estimated().in(second);
}

void SiteRun::requeue(std::uint32_t id) {
  table_.record(id).state = JobState::waiting;
  enqueue(id);
}

bool SiteRun::try_start(std::uint32_t id) {
  const Job& job = table_.job(id);
  const std::int64_t wanted = std::clamp(nodes_.n_free(), job.least(), job.most());
  if (!power_admits(job, static_cast<double>(job.least()))) return false;
  auto placement = nodes_.place(power_admits(job, static_cast<double>(wanted)) ? wanted : job.least(), spec_.placement);
  if (!placement && wanted > job.least()) placement = nodes_.place(job.least(), spec_.placement);
  if (!placement) return false;
  start(id, std::move(*placement));
  return true;
}

void SiteRun::start(std::uint32_t id, Placement placement) {
  const Job& job = table_.job(id);
  auto& progress = table_.progress(id);
  auto& record = table_.record(id);
  double n = 0;
  for (const auto& piece : placement.pieces) n += piece.n_accelerators;
  const double reference = static_cast<double>(job.n_accelerators);
  const double checkpoint = job.checkpoint_interval > 0 * second ? job.checkpoint_stop / job.checkpoint_interval : 0;
  const double spread = placement.n_leaves > placement.fewest_leaves ? site_.spread_penalty : 0;
  const double rate = std::pow(n / reference, n == reference ? 1 : spec_.elastic_exponent) / ((1 + checkpoint) * (1 + spread));
  const double needed = watts_of(job), total = needed * n;

  Run run{.id = id, .placement = std::move(placement), .n = n, .per_work = n / rate};
  run.needed_w = run.watts = total;
  run.floor_w = std::min(total, n * std::max(idle_each_w_, power::kLowestCap * needed));
  run.static_part = std::min(power::kStaticFraction * site_.it_nameplate.base() / needed, 0.95);
  run.clock_bound = 1 - std::min(job.split.memory_bound + job.split.exposed_communication, 1.0);
  run.checkpoint_share = checkpoint / (1 + checkpoint), run.spread_share = spread / (1 + spread);
  run.last_s = loop_.now(), run.overhead_s = progress.has_run ? job.restart.in(second) : 0;
  run.work_left_s = std::max(job.duration.in(second) - progress.done_s, 0.0);
  run.mark = meter_.per_watt();
  for (const auto& piece : run.placement.pieces) jobs_on_[piece.node].push_back(id);
  if (!progress.has_run) record.first_start_s = loop_.now();
  progress.has_run = true;
  progress.slot = static_cast<std::uint32_t>(runs_.size());
  record.state = JobState::running, record.site = index_;
  backlog_accelerator_s_ -= reference * job.estimated().in(second);
  queue_.charge(job.user, n * job.estimated().in(second));
  n_busy_ += static_cast<std::int64_t>(n), jobs_w_ += run.watts, floors_w_ += run.floor_w;
  runs_.push_back(std::move(run));
  set_power();
  plan_finish(runs_.back());
}

void SiteRun::plan_finish(Run& run) {
  auto& progress = table_.progress(run.id);
  ++progress.generation;
  const double accelerator_s = run.work_left_s * run.per_work / (run.n * run.speed);
  loop_.at(loop_.now() + run.overhead_s + accelerator_s, kFinish, run.id, progress.generation);
}

void SiteRun::charge_energy(Run& run) {
  const auto& now = meter_.per_watt();
  auto& record = table_.record(run.id);
  const double energy = run.watts * (now.energy - run.mark.energy);
  record.energy_j += energy, out_.jobs_j += energy;
  record.carbon_kg += run.watts * (now.carbon - run.mark.carbon);
  record.cost_usd += run.watts * (now.cost - run.mark.cost);
  run.mark = now;
}

void SiteRun::update(Run& run) {
  settle();
  charge_energy(run);
  auto& record = table_.record(run.id);
  const double dt = loop_.now() - run.last_s, restarting = std::min(dt, run.overhead_s), working = dt - restarting;
  run.last_s = loop_.now();
  run.overhead_s -= restarting;
  const double used = run.n * working * run.speed, capped = run.n * working - used, work = used / run.per_work;
  lose(run.id, run.n * restarting);
  out_.ledger.add(Use::capped, capped);
  record.accelerator_s += run.n * dt, record.capped_s += capped;
  run.used_s += used;
  run.work_s += work, run.work_left_s -= work;
}

void SiteRun::book(const Run& run, double kept_s) {
  const Job& job = table_.job(run.id);
  auto& ledger = out_.ledger;
  const double checkpoint = kept_s * run.checkpoint_share, rest = kept_s - checkpoint;
  ledger.add(Use::checkpoint, checkpoint);
  if (job.kind == JobKind::serving) {
    const double idle = rest * (1 - job.load);
    ledger.add(Use::idle, idle);
    ledger.add(Use::useful, rest - idle);
    return;
  }
  const double spread = rest * run.spread_share, work = rest - spread;
  const double bubble = work * job.split.bubble, exposed = work * job.split.exposed_communication, memory = work * job.split.memory_bound;
  ledger.add(Use::exposed_communication, spread + exposed);
  ledger.add(Use::bubble, bubble);
  ledger.add(Use::memory_bound, memory);
  ledger.add(Use::useful, work - bubble - exposed - memory);
}

void SiteRun::lose(std::uint32_t id, double accelerator_s) {
  out_.ledger.add(Use::lost_work, accelerator_s);
  out_.lost_s[static_cast<std::size_t>(table_.progress(id).stopped_by)] += accelerator_s;
  table_.record(id).lost_s += accelerator_s;
}

void SiteRun::stop(std::uint32_t id, std::optional<LossCause> cause) {
  const Job& job = table_.job(id);
  auto& progress = table_.progress(id);
  Run& run = runs_[progress.slot];
  update(run);
  double lost_work = 0;
  if (cause) progress.stopped_by = *cause;
  const bool is_failure = cause == LossCause::hardware_failure || cause == LossCause::software_failure;
  if (is_failure && job.kind == JobKind::training) {  // what a deployment has served stays served
    const double interval = job.checkpoint_interval.in(second), all = progress.done_s + run.work_s;
    const double saved = interval > 0 ? std::max(std::floor(all / interval) * interval, progress.done_s) : progress.done_s;
    lost_work = all - saved;
  }
  const double lost = std::min(lost_work * run.per_work, run.used_s);
  lose(id, lost);
  book(run, run.used_s - lost);
  progress.done_s += run.work_s - lost_work;
  ++progress.generation;

  for (const auto& piece : run.placement.pieces) std::erase(jobs_on_[piece.node], id);
  nodes_.release(run.placement);
  n_busy_ -= static_cast<std::int64_t>(run.n), jobs_w_ -= run.watts, floors_w_ -= run.floor_w;
  // Fair share was charged by the estimate; what was not used is given back.
  queue_.charge(job.user, -run.n * job.estimated().in(second) + run.used_s);
  const std::uint32_t slot = progress.slot;
  if (slot + 1 != runs_.size()) {
    runs_[slot] = std::move(runs_.back());
    table_.progress(runs_[slot].id).slot = slot;
  }
  runs_.pop_back();
  if (runs_.empty()) jobs_w_ = floors_w_ = 0;  // without the rounding of many sums
  set_power();
}

void SiteRun::finish(std::uint32_t id) {
  stop(id, std::nullopt);
  table_.record(id).finish_s = loop_.now();
}

void SiteRun::resize(std::uint32_t id, std::int64_t n) {
  stop(id, LossCause::resize);
  enqueue(id);
  queue_.remove(id, table_.job(id));
  auto placement = nodes_.place(n, spec_.placement);
  if (placement) start(id, std::move(*placement));
  else queue_.add(id, table_.job(id)), table_.record(id).state = JobState::waiting;
}

void SiteRun::end() {
  settle();
  while (!runs_.empty()) stop(runs_.back().id, std::nullopt);
}

void SiteRun::schedule_failure() {
  const double rate = site_.failures_per_accelerator_hour * static_cast<double>(site_.n_accelerators());
  if (rate > 0) loop_.after(failures_.exponential(3600 / rate), kFailure, index_);
}

void SiteRun::fail(double) {
  settle();
  // Each accelerator fails alike; failures of what is off or broken are drawn and dropped.
  const auto node = static_cast<std::uint32_t>(failures_.below(site_.n_nodes));
  const bool is_hardware = failures_.uniform() < site_.hardware_share;
  const double repair_s = repairs_.exponential(site_.repair.in(second)), victim = failures_.uniform();
  schedule_failure();
  if (node >= n_in_service_ || broken_[node]) return;
  ++out_.n_failures;
  std::vector<std::uint32_t> hit = jobs_on_[node];
  if (!is_hardware && hit.size() > 1) hit = {hit[static_cast<std::size_t>(victim * static_cast<double>(hit.size()))]};
  for (const std::uint32_t id : hit) {
    stop(id, is_hardware ? LossCause::hardware_failure : LossCause::software_failure);
    ++table_.record(id).n_failures;
    requeue(id);
  }
  if (is_hardware) {
    nodes_.set_up(node, false);
    broken_[node] = true;
    n_broken_ += site_.per_node;
    loop_.after(repair_s, kRepair, index_, node);
  }
  set_power();
}

void SiteRun::repair(std::uint32_t node) {
  settle();
  broken_[node] = false;
  n_broken_ -= site_.per_node;
  nodes_.set_up(node, true);
  set_power();
}

SiteHour SiteRun::sample() const {
  return {meter_.hour(), index_, meter_.it_w(), meter_.meter_w(), meter_.pue(), site_.around.carbon_intensity.at(meter_.hour()).base(),
          site_.around.price.at(meter_.hour()).base(), n_busy_, nodes_.n_free(), static_cast<std::int64_t>(queue_.size())};
}

}  // namespace waferwatt::fleet
