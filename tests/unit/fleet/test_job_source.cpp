// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "fixture.hpp"
#include "waferwatt/fleet/job_source.hpp"

using namespace waferwatt;
using namespace waferwatt::fleet;

namespace {

struct Read {
  std::vector<Job> jobs;
  TraceCounts counts;
  std::string problems;
};

Read read(std::string_view text, const TraceOptions& options = {}) {
  Read r;
  Diagnostics diagnostics;
  TraceJobs stream("jobs.csv", text, options, {}, diagnostics);
  for (Job job; stream.next(job);) r.jobs.push_back(job);
  r.counts = stream.counts();
  std::size_t n_again = 0;
  stream.rewind();
  for (Job job; stream.next(job);) ++n_again;
  CHECK(n_again == r.jobs.size());
  for (const auto& d : diagnostics.found()) r.problems += d.text() + "\n";
  return r;
}

}  // namespace

TEST_CASE("a generic CSV reads, sorted, with window and scale") {
  const std::string text = "submit_s,accelerators,duration_s,user,start_s\n500,8,60,ann,510\n100,16,120,bob,100\n900,4,0,ann,900\n";
  const auto r = read(text);
  CHECK(r.problems.empty());
  REQUIRE(r.jobs.size() == 2);
  CHECK(r.jobs[0].n_accelerators == 16);
  CHECK(r.jobs[1].submit.in(second) == Approx(400));
  CHECK(r.jobs[1].recorded_start->in(second) == Approx(410));
  CHECK(r.jobs[0].user != r.jobs[1].user);
  CHECK(r.jobs[0].name.empty());
  CHECK(r.counts.n_empty == 1);
  const auto w = read(text, {.from = 300 * second, .rate_scale = 2, .size_scale = 0.5});
  REQUIRE(w.jobs.size() == 1);
  CHECK(w.jobs[0].submit.in(second) == Approx(50));
  CHECK(w.jobs[0].n_accelerators == 4);
  CHECK(w.counts.n_outside == 1);
}

TEST_CASE("SWF reads requested and real time apart") {
  const auto r = read("; a comment\n1 0 30 600 16 -1 -1 32 3600 -1 1 7 1 1 1 -1 -1 -1\n", {.format = TraceFormat::swf, .processors_per_accelerator = 8});
  CHECK(r.problems.empty());
  REQUIRE(r.jobs.size() == 1);
  CHECK(r.jobs[0].n_accelerators == 4);
  CHECK(r.jobs[0].duration.in(second) == 600);
  CHECK(r.jobs[0].estimate.in(second) == 3600);
  CHECK(r.jobs[0].recorded_start->in(second) == Approx(30));
}

TEST_CASE("traces that cannot be read are refused with their lines") {
  CHECK(read("submit,gpu_num,duration_s\n").problems == "jobs.csv:1:1: error: no column \"submit_s\"; did you mean \"submit\"?\n");
  CHECK(read("submit_s,gpu_num,duration_s\n1,two,3\n").problems == "jobs.csv:2:1: error: \"two\" is no number\n");
  CHECK(read("1 2 3\n", {.format = TraceFormat::swf}).problems == "jobs.csv:1:1: error: a row of SWF has 18 fields, this one 3\n");
  CHECK(read("submit_s,gpu_num,duration_s\n").problems == "jobs.csv:1:1: error: no jobs\n");
  CHECK(read("submit_s,gpu_num,duration_s\n1,2\n").problems == "jobs.csv:2:1: error: the row has 2 cells, column 3 is missing\n");
  CHECK(read("submit_s,gpu_num,duration_s\nnan,2,3\n").problems == "jobs.csv:2:1: error: \"nan\" is no number\n");
}

TEST_CASE("the generator keeps its rate, sizes and seed") {
  const JobGenerator g{.n_jobs = 20000, .mean_gap = 100 * second};
  GeneratedJobs stream(g, {}, RandomStream(1, "jobs"));
  const auto all = [&] {
    std::vector<Job> jobs;
    for (Job job; stream.next(job);) jobs.push_back(job);
    stream.rewind();
    return jobs;
  };
  const auto a = all(), b = all();
  REQUIRE(b.size() == 20000);
  CHECK(a.back().submit.in(second) / 20000 == Approx(100).epsilon(0.03));
  CHECK(a.back().submit == b.back().submit);
  double small = 0;
  for (const auto& job : a) small += job.n_accelerators == 1;
  CHECK(small / 20000 == Approx(0.4).epsilon(0.05));
}

TEST_CASE("the Acme trace reads and replays with its accelerator-hours") {
  const std::filesystem::path file = WAFERWATT_SHARED_DIR "/data/traces/acme/kalos_completed_jobs.csv";
  if (!std::filesystem::exists(file)) {
    WARN("skipped: " << file << " is absent");
    return;
  }
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  const auto r = read(text.str());
  CHECK(r.problems.empty());
  CHECK(r.jobs.size() == 319);
  double hours = 0;
  for (const auto& job : r.jobs) hours += static_cast<double>(job.n_accelerators) * job.duration.in(hour);
  CHECK(hours == Approx(439050 + 17793).epsilon(0.001));
  // The real cluster ran them with a peak of 1,024: on one of 2,416 nobody waits.
  const auto out = play(spec_of(plain_site(302)), r.jobs);
  CHECK(out.n_completed == 319);
  double wait = 0;
  for (std::size_t i = 0; i < r.jobs.size(); ++i) wait += out.jobs[i].first_start_s - r.jobs[i].submit.in(second);
  CHECK(wait / 319 < 60);
  CHECK(out.ledger().at(Use::useful) / 3600 == Approx(hours));
}
