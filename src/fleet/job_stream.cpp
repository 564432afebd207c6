// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/fleet/job_stream.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace waferwatt::fleet {

JobList::JobList(std::vector<Entry> entries) : entries_(std::move(entries)) {
  std::ranges::stable_sort(entries_, {}, [](const Entry& entry) { return entry.job.submit; });
}

JobList::JobList(std::vector<Job> jobs) {
  for (auto& job : jobs) entries_.push_back({std::move(job)});
  std::ranges::stable_sort(entries_, {}, [](const Entry& entry) { return entry.job.submit; });
}

bool JobList::next(Job& job) {
  if (at_ == entries_.size()) return false;
  const Entry& entry = entries_[at_];
  job = entry.job;
  ++n_given_;
  if (entry.count > 1) job.name = fmt::format("{} {}", entry.job.name, n_given_);
  if (n_given_ >= entry.count) ++at_, n_given_ = 0;
  return true;
}

void MergedJobs::add(std::unique_ptr<JobStream> stream) {
  Source source{.stream = std::move(stream)};
  source.has_job = source.stream->next(source.job);
  sources_.push_back(std::move(source));
}

bool MergedJobs::next(Job& job) {
  Source* first = nullptr;
  for (auto& source : sources_)
    if (source.has_job && (!first || source.job.submit < first->job.submit)) first = &source;
  if (!first) return false;
  std::swap(job, first->job);
  first->has_job = first->stream->next(first->job);
  return true;
}

void MergedJobs::rewind() {
  for (auto& source : sources_) {
    source.stream->rewind();
    source.has_job = source.stream->next(source.job);
  }
}

}  // namespace waferwatt::fleet
