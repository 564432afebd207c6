// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/sweep_folder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

#include "waferwatt/report/provenance.hpp"

namespace waferwatt::report {
namespace {

namespace fs = std::filesystem;

fs::path without_slash(const fs::path& folder) { return folder.has_filename() ? folder : folder.parent_path(); }

std::optional<scenario::PointRecord> read_record(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  // A file that is no record any more is a point to run.
  Diagnostics diagnostics;
  const io::Value value = io::read_json_file(file.string(), diagnostics);
  if (!diagnostics.empty()) return std::nullopt;
  io::ReadContext context{diagnostics};
  scenario::PointRecord record;
  scenario::PointRecord::record().read(value, "", context, record);
  return diagnostics.empty() ? std::optional{std::move(record)} : std::nullopt;
}

}  // namespace

PointFolder::PointFolder(const fs::path& results_folder)
    : open_(fs::path{without_slash(results_folder)}.concat(".points")), closed_(without_slash(results_folder) / "points") {}

std::optional<scenario::PointRecord> PointFolder::find(const std::string& key) const {
  auto record = read_record(open_ / (key + ".json"));
  return record ? record : read_record(closed_ / (key + ".json"));
}

void PointFolder::keep(const std::string& key, const scenario::PointRecord& record) {
  std::error_code error;
  fs::create_directories(open_, error);
  const fs::path file = open_ / (key + ".json"), partial = open_ / fmt::format("{}.{}", key, ::getpid());
  std::ofstream out(partial, std::ios::binary);
  out << io::to_json(scenario::PointRecord::record().write(record));
  out.close();
  if (out) fs::rename(partial, file, error);
  if (!out || error) {
    std::error_code ignored;
    fs::remove(partial, ignored);
    throw InputError(fmt::format("{} cannot be written", file.string()));
  }
}

scenario::SweepOutcome run_sweep_into(const fs::path& folder, const scenario::Scenario& scenario, const scenario::RunOptions& options, IfPresent if_present) {
  check_results_folder(folder, if_present);
  PointFolder store(folder);
  // Points of the results that are replaced are carried over.
  struct Carrying final : scenario::PointStore {
    explicit Carrying(PointFolder& points) : points_(points) {}
    std::optional<scenario::PointRecord> find(const std::string& key) const override {
      auto record = points_.find(key);
      if (record) points_.keep(key, *record);
      return record;
    }
    void keep(const std::string& key, const scenario::PointRecord& record) override { points_.keep(key, record); }
    PointFolder& points_;
  } carrying{store};
  auto sweep = scenario::run_sweep(scenario, version() + " " + revision(), carrying, options);
  write_results_folder(folder, scenario, sweep.outcome, if_present);
  std::error_code error;
  fs::rename(store.open_points(), without_slash(folder) / "points", error);
  return sweep;
}

}  // namespace waferwatt::report
