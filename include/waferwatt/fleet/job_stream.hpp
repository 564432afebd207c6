// SPDX-License-Identifier: Apache-2.0
#pragma once
// Jobs on their way into a run and out of it, so that memory goes with the jobs that are there at a time.
#include <memory>
#include <vector>

#include "waferwatt/fleet/job.hpp"

namespace waferwatt::fleet {

/// Jobs one after the other, in order of submission. A run looks through them twice.
class JobStream {
 public:
  virtual ~JobStream() = default;
  /// \returns false after the last; `job` is left as it was then
  virtual bool next(Job& job) = 0;
  virtual void rewind() = 0;
};

/// Takes each job when it is done, rejected or left over at the end.
class JobSink {
 public:
  virtual ~JobSink() = default;
  /// \param number of the job in the order of its stream, from 0
  virtual void take(std::uint32_t number, const Job& job, const JobRecord& record) = 0;
};

/// The jobs of a list, each as often as it says, by submission; equal ones in the order of the list.
class JobList final : public JobStream {
 public:
  struct Entry {
    Job job;
    std::int64_t count = 1;  ///< more than one: their names end in 1, 2, ...
  };
  explicit JobList(std::vector<Entry> entries);
  explicit JobList(std::vector<Job> jobs);
  bool next(Job& job) override;
  void rewind() override { at_ = 0, n_given_ = 0; }

 private:
  std::vector<Entry> entries_;
  std::size_t at_ = 0;
  std::int64_t n_given_ = 0;  // of the entry
};

/// Several streams as one; of equal submissions the earlier stream comes first.
class MergedJobs final : public JobStream {
 public:
  void add(std::unique_ptr<JobStream> stream);
  bool next(Job& job) override;
  void rewind() override;

 private:
  struct Source {
    std::unique_ptr<JobStream> stream;
    Job job;
    bool has_job = false;
  };
  std::vector<Source> sources_;
};

}  // namespace waferwatt::fleet
