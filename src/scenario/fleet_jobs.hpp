// SPDX-License-Identifier: Apache-2.0
#pragma once
// Jobs of a fleet as they end: added up, as rows of a table while there are few, as spans of a trace, as lines of a file.
#include <optional>

#include "waferwatt/core/percentiles.hpp"
#include "waferwatt/io/row_file.hpp"
#include "waferwatt/scenario/fleet_scenario.hpp"

namespace waferwatt::scenario {

/// Keeps the rows of jobs up to a number; beyond it none.
class JobRows {
 public:
  explicit JobRows(std::int64_t most);
  void take(std::uint32_t number, const fleet::Job&, const fleet::JobRecord&, const std::string& site);
  bool are_complete() const { return n_taken_ <= most_; }
  /// In order of submission.
  Table table();

 private:
  std::int64_t most_, n_taken_ = 0;
  std::vector<std::uint32_t> numbers_;
  std::vector<Table::Column> columns_;
};

/// Waiting and running time of the first jobs, a row each, for a trace viewer.
class JobSpans {
 public:
  void take(std::uint32_t number, const fleet::Job&, const fleet::JobRecord&, const std::string& site);
  /// \param end_s to which what is not done goes on
  Table table(double end_s);

 private:
  struct Span {
    std::uint32_t number;
    std::int64_t n_accelerators;
    std::string name, site;
    double submit_s, start_s, finish_s;  // NaN: not yet
  };
  std::vector<Span> spans_;
};

class FleetJobs final : public fleet::JobSink {
 public:
  FleetJobs(const FleetScenario& scenario, const fleet::FleetSpec& spec);
  void take(std::uint32_t number, const fleet::Job&, const fleet::JobRecord&) override;
  /// \throws InputError when the file could not be written in full
  void close();

  core::PercentileSink wait_h, slowdown;  ///< of jobs that started; of completed ones
  std::int64_t n_jobs = 0, n_preemptions = 0;
  double accelerator_s = 0, carbon_kg = 0;
  JobRows rows;
  JobSpans spans;

 private:
  const fleet::FleetSpec& spec_;
  std::optional<io::RowFile> file_;
};

}  // namespace waferwatt::scenario
