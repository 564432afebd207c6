// SPDX-License-Identifier: Apache-2.0
#pragma once
// A sweep's results folder, and its points on disk while it runs.
#include <filesystem>

#include "waferwatt/report/results_folder.hpp"
#include "waferwatt/scenario/sweep_run.hpp"

namespace waferwatt::report {

/// Finished points as files KEY.json: in `<folder>.points` while the sweep runs, in `<folder>/points` of an earlier
/// sweep that is being replaced. A file is there complete or not at all.
class PointFolder final : public scenario::PointStore {
 public:
  explicit PointFolder(const std::filesystem::path& results_folder);

  std::optional<scenario::PointRecord> find(const std::string& key) const override;
  /// \throws InputError when the file cannot be written
  void keep(const std::string& key, const scenario::PointRecord& record) override;

  const std::filesystem::path& open_points() const { return open_; }

 private:
  std::filesystem::path open_, closed_;
};

/// Runs a sweep and writes its folder: that of a run, with `points/` added. Interrupted, its points stay and are not
/// run again the next time.
/// \throws InputError as write_results_folder
scenario::SweepOutcome run_sweep_into(const std::filesystem::path& folder, const scenario::Scenario& scenario, const scenario::RunOptions& options,
                                      IfPresent if_present);

}  // namespace waferwatt::report
