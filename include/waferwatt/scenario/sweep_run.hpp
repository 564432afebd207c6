// SPDX-License-Identifier: Apache-2.0
#pragma once
// Running the points of a sweep, and what they say together.
#include "waferwatt/scenario/runner.hpp"

namespace waferwatt::scenario {

enum class PointStatus { ok, infeasible, skipped, failed };

/// What is kept of a point's run.
struct PointRecord {
  PointStatus status = PointStatus::ok;
  std::string reason;  ///< of a point without solution, that breaks a rule, or that failed
  std::string headline, binds;
  std::vector<Metric> metrics;

  static const io::Record<PointRecord>& record();
};

/// Where finished points are kept, so that an interrupted sweep goes on where it stopped.
class PointStore {
 public:
  virtual ~PointStore() = default;
  virtual std::optional<PointRecord> find(const std::string& key) const = 0;
  virtual void keep(const std::string& key, const PointRecord& record) = 0;
};

/// Names a point by everything its result depends on: resolved scenario, seed, catalog and program.
std::string point_key(const Scenario& point, const std::string& program);

struct SweepOutcome {
  Outcome outcome;  ///< tables: points, metrics, effects
  std::size_t n_points = 0, n_known = 0, n_infeasible = 0, n_skipped = 0, n_failed = 0;
};

/// Runs the points that the store does not know. Failed ones are not kept, and are run again next time.
/// The outcome does not depend on the number of jobs nor on what was known.
/// \param program version of the program
SweepOutcome run_sweep(const Scenario& scenario, const std::string& program, PointStore& store, const RunOptions& options);

}  // namespace waferwatt::scenario

namespace waferwatt::io {
template <>
struct EnumTexts<scenario::PointStatus> {
  static constexpr std::array values{std::pair{scenario::PointStatus::ok, "ok"}, std::pair{scenario::PointStatus::infeasible, "infeasible"},
                                     std::pair{scenario::PointStatus::skipped, "skipped"}, std::pair{scenario::PointStatus::failed, "failed"}};
};
}  // namespace waferwatt::io
