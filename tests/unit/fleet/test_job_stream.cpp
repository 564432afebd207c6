// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "fixture.hpp"
#include "waferwatt/fleet/job_source.hpp"

using namespace waferwatt;
using namespace waferwatt::fleet;

namespace {

std::vector<std::string> names_of(JobStream& stream) {
  std::vector<std::string> names;
  for (Job job; stream.next(job);) names.push_back(job.name);
  return names;
}

Job named(const char* name, double submit_s) {
  Job job = job_of(submit_s, 1, 10);
  job.name = name;
  return job;
}

}  // namespace

TEST_CASE("a list of jobs comes by submission, equal ones in its order, each as often as it says") {
  JobList list(std::vector<JobList::Entry>{{named("late", 9), 1}, {named("twin", 5), 2}, {named("other", 5), 1}});
  const std::vector<std::string> expected{"twin 1", "twin 2", "other", "late"};
  CHECK(names_of(list) == expected);
  CHECK(names_of(list).empty());
  list.rewind();
  CHECK(names_of(list) == expected);
}

TEST_CASE("merged streams are in order of submission, equal ones in the order of the streams") {
  MergedJobs all;
  all.add(std::make_unique<JobList>(std::vector<Job>{named("a0", 0), named("a5", 5)}));
  all.add(std::make_unique<JobList>(std::vector<Job>{}));
  all.add(std::make_unique<JobList>(std::vector<Job>{named("b0", 0), named("b4", 4), named("b6", 6)}));
  const std::vector<std::string> expected{"a0", "b0", "b4", "a5", "b6"};
  CHECK(names_of(all) == expected);
  all.rewind();
  CHECK(names_of(all) == expected);
}

TEST_CASE("a run hands over each job once: done, too large, running, waiting and not yet submitted") {
  auto spec = spec_of(plain_site(1), "fcfs");
  spec.horizon = 100 * second;
  JobList list({job_of(0, 8, 40), job_of(1, 9, 10), job_of(2, 8, 500), job_of(3, 8, 10), job_of(200, 8, 10)});
  KeepingSink sink;
  engine::BareLoop loop;
  const auto out = simulate(loop, spec, list, RandomStream(1, "fleet"), sink);
  CHECK(sink.taken == std::vector<int>(5, 1));
  std::vector<JobState> states;
  for (const auto& record : sink.records) states.push_back(record.state);
  CHECK(states == std::vector{JobState::completed, JobState::rejected, JobState::running, JobState::waiting, JobState::waiting});
  CHECK(out.n_completed == 1);
  CHECK(out.n_rejected == 1);
  CHECK(out.n_unfinished == 3);
  CHECK(sink.records[2].accelerator_s == Approx(8 * 60));
}

TEST_CASE("the memory of a run goes with the jobs that are there, not with all of them") {
  // Jobs of 10 s, one every 100 s: never two at once. The stream counts what has been asked for and not handed back.
  struct Watched final : JobStream, JobSink {
    bool next(Job& job) override {
      if (n_given == 10000) return false;
      job = job_of(100.0 * n_given++, 1, 10);
      return true;
    }
    void rewind() override { n_given = 0; }
    void take(std::uint32_t, const Job&, const JobRecord&) override {
      most = std::max(most, n_given - n_taken++);
    }
    int n_given = 0, n_taken = 0, most = 0;
  } jobs;
  engine::BareLoop loop;
  const auto out = simulate(loop, spec_of(plain_site(1)), jobs, RandomStream(1, "fleet"), jobs);
  CHECK(out.n_completed == 10000);
  CHECK(jobs.n_taken == 10000);
  CHECK(jobs.most <= 2);  // the one that runs, and the next that is expected
}
