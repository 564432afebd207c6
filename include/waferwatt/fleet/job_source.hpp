// SPDX-License-Identifier: Apache-2.0
#pragma once
// Jobs from traces of schedulers, and from a generator.
//
// CSV needs columns for the submission (submit_s, arrival_s, timestamp, submit_time), the accelerators (accelerators, gpu_num,
// num_gpus, n_accelerators) and the running time (duration_s, duration, run_time_s); it may have start_s, estimate_s, priority,
// user, kind or class, name or job_id. The job lists of Acme and Philly are such files. SWF is the format of the Parallel
// Workloads Archive.
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "waferwatt/core/diagnostic.hpp"
#include "waferwatt/core/random.hpp"
#include "waferwatt/fleet/job_stream.hpp"

namespace waferwatt::fleet {

enum class TraceFormat { csv, swf };

struct TraceOptions {
  TraceFormat format = TraceFormat::csv;
  Time from, until;                ///< window of submissions; `until` zero: all
  double rate_scale = 1;           ///< jobs come so much faster
  double size_scale = 1;           ///< and ask for so many more accelerators, at least one
  double processors_per_accelerator = 1;
};

struct TraceCounts {
  std::int64_t n_rows = 0, n_outside = 0, n_empty = 0;  ///< empty: nothing asked, or no running time

  std::string text() const;
};

/// Jobs of a trace, in order of submission, the window's start as time zero.
class TraceJobs final : public JobStream {
 public:
  struct Row {
    double submit_s = 0, n = 0, duration_s = 0, estimate_s = 0, start_s = -1, priority = 0;
    std::string name;
    std::int32_t user = -1;  ///< in the order in which they come in the file; below zero: not said
    bool is_serving = false;
  };

  /// \param file names the text in messages; where there are some, there are no jobs
  /// \param defaults copied into every job
  TraceJobs(const std::string& file, std::string_view text, const TraceOptions&, Job defaults, Diagnostics&);
  bool next(Job& job) override;
  void rewind() override { at_ = 0; }

  const TraceCounts& counts() const { return counts_; }
  /// A job says when it started.
  bool has_starts() const;

 private:
  TraceOptions options_;
  Job defaults_;
  TraceCounts counts_;
  std::deque<Row> rows_;  // of the window; grows without a copy
  double from_s_ = 0;
  std::size_t at_ = 0;
};

/// Poisson arrivals, with a daily swing; sizes drawn from a list; running times lognormal, longer for larger gangs.
struct JobGenerator {
  std::int64_t n_jobs = 1000;
  Time mean_gap = 10 * minute;
  double daily_swing = 0.3;
  std::vector<double> sizes{1, 8, 64, 256}, weights{0.4, 0.35, 0.2, 0.05};
  Time median_duration = 30 * minute;
  double duration_spread = 1.5;    ///< sigma of the logarithm
  double size_exponent = 0.2;      ///< duration goes with size to this power
  double estimate_factor = 2;      ///< estimates are uniform between the duration and this times it
  std::int64_t n_users = 10;
};
class GeneratedJobs final : public JobStream {
 public:
  GeneratedJobs(JobGenerator, Job defaults, RandomStream);
  bool next(Job& job) override;
  void rewind() override { random_ = start_, at_s_ = 0, n_given_ = 0; }

 private:
  double draw_size();

  JobGenerator g_;
  Job defaults_;
  RandomStream start_, random_;
  double at_s_ = 0, sum_of_weights_ = 0;
  std::int64_t n_given_ = 0;
};

}  // namespace waferwatt::fleet
