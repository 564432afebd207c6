// SPDX-License-Identifier: Apache-2.0
#pragma once
// The jobs that have come and not gone. A job keeps its number; the memory of one that has gone is used again.
#include <deque>

#include "waferwatt/fleet/job_stream.hpp"
#include "waferwatt/fleet/ledger.hpp"

namespace waferwatt::fleet {

class JobTable {
 public:
  struct Progress {
    double done_s = 0;             ///< work saved in a checkpoint
    std::uint32_t slot = 0;        ///< of its site, while it runs
    std::uint32_t generation = 0;  ///< of its finish event
    bool has_run = false;
    std::uint32_t planned_site = 0;
    double planned_s = 0;          ///< start that was chosen
    LossCause stopped_by = LossCause::preemption;  ///< what it restarts after
  };

  explicit JobTable(JobSink& sink) : sink_(sink) {}

  /// \returns the number of the job
  std::uint32_t add(Job job);
  /// Hands the job over and forgets it.
  void close(std::uint32_t id);

  bool is_open(std::uint32_t id) const { return place_of_[id] != kGone; }
  std::int64_t n_open() const { return n_open_; }
  std::uint32_t n_jobs() const { return static_cast<std::uint32_t>(place_of_.size()); }

  const Job& job(std::uint32_t id) const { return entries_[place_of_[id]].job; }
  JobRecord& record(std::uint32_t id) { return entries_[place_of_[id]].record; }
  const JobRecord& record(std::uint32_t id) const { return entries_[place_of_[id]].record; }
  Progress& progress(std::uint32_t id) { return entries_[place_of_[id]].progress; }
  const Progress& progress(std::uint32_t id) const { return entries_[place_of_[id]].progress; }

 private:
  static constexpr std::uint32_t kGone = ~0u;
  struct Entry {
    Job job;
    JobRecord record;
    Progress progress;
  };

  JobSink& sink_;
  std::deque<Entry> entries_;            // references hold while others come
  std::vector<std::uint32_t> free_;      // of the entries
  std::vector<std::uint32_t> place_of_;  // by number
  std::int64_t n_open_ = 0;
};

}  // namespace waferwatt::fleet
