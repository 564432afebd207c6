// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a simulation of traffic leaves behind, small enough to cross a pipe.
#include <string>
#include <vector>

#include "waferwatt/io/bytes.hpp"

namespace waferwatt::network {

struct TrafficLog {
  struct Job {
    std::vector<double> times;  // start and end of each repetition that ended
    std::int64_t n_restarts = 0;
    std::uint32_t state = 0;  // the set of failed links whose plan it followed last
    bool waiting = false;     // for a way
  };
  std::vector<Job> jobs;
  std::vector<double> executions;  // of each plan: by state, then job
  double end = 0;

  std::string bytes() const {
    io::ByteWriter writer;
    writer.number(static_cast<std::uint64_t>(jobs.size()));
    for (const Job& job : jobs) {
      writer.numbers(job.times);
      writer.number(job.n_restarts);
      writer.number(job.state);
      writer.number(job.waiting);
    }
    writer.numbers(executions);
    writer.number(end);
    return writer.take();
  }

  static TrafficLog from(std::string_view bytes) {
    io::ByteReader reader(bytes);
    TrafficLog log;
    log.jobs.resize(reader.number<std::uint64_t>());
    for (Job& job : log.jobs) {
      job.times = reader.numbers<double>();
      job.n_restarts = reader.number<std::int64_t>();
      job.state = reader.number<std::uint32_t>();
      job.waiting = reader.number<bool>();
    }
    log.executions = reader.numbers<double>();
    log.end = reader.number<double>();
    return log;
  }
};

}  // namespace waferwatt::network
