// SPDX-License-Identifier: Apache-2.0
// The queue of a site: who starts now.
#include <algorithm>
#include <limits>

#include "site_run.hpp"

namespace waferwatt::fleet {

/// When so many accelerators are free by the estimates of what runs, and how many are to spare then. Counts only: a gang that
/// then does not fit into leaves waits longer.
SiteRun::Reservation SiteRun::reserve(std::int64_t n) const {
  std::vector<std::pair<double, std::int64_t>> ends;
  ends.reserve(runs_.size());
  for (const auto& run : runs_) {
    const double left = run.overhead_s + std::max(table_.job(run.id).estimated().in(second) - table_.progress(run.id).done_s - run.work_s, 0.0);
    ends.emplace_back(run.last_s + left, static_cast<std::int64_t>(run.n));
  }
  std::ranges::make_heap(ends, std::greater{});
  std::int64_t free = nodes_.n_free();
  double at = loop_.now();
  while (free < n && !ends.empty()) {
    std::ranges::pop_heap(ends, std::greater{});
    at = ends.back().first, free += ends.back().second;
    ends.pop_back();
  }
  return {free >= n ? at : std::numeric_limits<double>::infinity(), free - n};
}

/// Preempts jobs of lower priority, the lowest and latest first, if that is enough.
bool SiteRun::make_room(const Job& job) {
  std::vector<const Run*> lower;
  for (const auto& run : runs_)
    if (table_.job(run.id).priority < job.priority) lower.push_back(&run);
  std::ranges::sort(lower, [&](const Run* a, const Run* b) {
    const double pa = table_.job(a->id).priority, pb = table_.job(b->id).priority;
    if (pa != pb) return pa < pb;
    const double sa = table_.record(a->id).first_start_s, sb = table_.record(b->id).first_start_s;
    return sa != sb ? sa > sb : a->id > b->id;
  });
  std::int64_t free = nodes_.n_free();
  std::vector<std::uint32_t> victims;
  for (const auto* run : lower) {
    if (free >= job.least()) break;
    free += static_cast<std::int64_t>(run->n);
    victims.push_back(run->id);
  }
  if (free < job.least() || victims.empty()) return false;
  for (const std::uint32_t id : victims) {
    stop(id, LossCause::preemption);
    ++table_.record(id).n_preemptions;
    requeue(id);
    if (const auto fits = nodes_.place(job.least(), spec_.placement)) {
      nodes_.release(*fits);
      break;
    }
  }
  return true;
}

/// Elastic jobs give what they hold above their least, if that lets the job start.
void SiteRun::shrink_for(const Job& job) {
  std::int64_t missing = job.least() - nodes_.n_free();
  std::vector<std::uint32_t> elastic;
  for (const auto& run : runs_) {
    const std::int64_t spare = static_cast<std::int64_t>(run.n) - table_.job(run.id).least();
    if (spare > 0) elastic.push_back(run.id), missing -= spare;
  }
  if (missing > 0) return;
  std::ranges::sort(elastic);
  for (const std::uint32_t id : elastic) {
    if (nodes_.n_free() >= job.least()) return;
    const auto n = static_cast<std::int64_t>(runs_[table_.progress(id).slot].n);
    resize(id, std::max(table_.job(id).least(), n - (job.least() - nodes_.n_free())));
  }
}

void SiteRun::grow_elastic() {
  if (!queue_.empty() || nodes_.n_free() == 0) return;
  std::vector<std::uint32_t> elastic;
  for (const auto& run : runs_)
    if (static_cast<std::int64_t>(run.n) < table_.job(run.id).most()) elastic.push_back(run.id);
  std::ranges::sort(elastic);
  for (const std::uint32_t id : elastic) {
    const auto n = static_cast<std::int64_t>(runs_[table_.progress(id).slot].n);
    const Job& job = table_.job(id);
    const std::int64_t larger = std::min(job.most(), n + nodes_.n_free());
    // A restart has to pay: not for less than a tenth more, nor for the last minutes.
    if (larger * 10 < n * 11 || runs_[table_.progress(id).slot].work_left_s < 10 * job.restart.in(second)) continue;
    if (power_admits(job, static_cast<double>(larger - n))) resize(id, larger);
  }
}

void SiteRun::schedule() {
  settle();
  blocked_free_ = 0, blocked_use_ = Use::idle;
  bool may_preempt = spec_.policy->preempts;
  for (bool again = true; again;) {
    again = false;
    std::vector<std::uint32_t> started;
    std::optional<std::uint32_t> first;
    std::optional<Reservation> reserved;
    std::int64_t looked_at = 0;
    queue_.visit([&](std::uint32_t id) {
      const Job& job = table_.job(id);
      if (!first) {
        if (nodes_.n_free() >= job.least() && try_start(id)) return started.push_back(id), true;
        first = id;
        return spec_.policy->backfills && nodes_.n_free() > 0;
      }
      if (++looked_at > spec_.backfill_depth || nodes_.n_free() == 0) return false;
      if (job.least() > nodes_.n_free()) return true;
      if (!reserved) reserved = reserve(table_.job(*first).least());
      const bool ends_before = loop_.now() + job.estimated().in(second) <= reserved->at_s;
      if (!ends_before && job.least() > reserved->extra) return true;
      const std::int64_t before = nodes_.n_free();
      if (try_start(id)) {
        started.push_back(id);
        if (!ends_before) reserved->extra -= before - nodes_.n_free();
      }
      return true;
    });
    for (const std::uint32_t id : started) queue_.remove(id, table_.job(id));
    if (!first) break;
    const Job& job = table_.job(*first);
    if (nodes_.n_free() < job.least()) {
      shrink_for(job);
      again = nodes_.n_free() >= job.least() || (may_preempt && make_room(job));
      may_preempt = false;  // once: a gang that still does not fit must not chase others about
    }
    if (!again && nodes_.n_free() >= job.least()) {
      blocked_free_ = job.least();
      blocked_use_ = power_admits(job, static_cast<double>(job.least())) ? Use::fragmented : Use::capped;
    }
    if (again && started.empty()) {  // what was freed may not make a gang: look once more, then give in
      if (!try_start(*first)) {
        blocked_free_ = std::min<std::int64_t>(job.least(), nodes_.n_free()), blocked_use_ = Use::fragmented;
        break;
      }
      queue_.remove(*first, job);
    }
  }
  if (site_.limit) apply_caps();
}

}  // namespace waferwatt::fleet
