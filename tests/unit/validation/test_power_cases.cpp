// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include <catch2/catch.hpp>

#include "fixture.hpp"
#include "waferwatt/power/hourly_text.hpp"
#include "waferwatt/validation/power_cases.hpp"

using namespace waferwatt;
using namespace waferwatt::validation;

namespace {

std::string unpacked(const std::filesystem::path& path) {
  std::string text(1 << 24, '\0');
  gzFile file = gzopen(path.c_str(), "rb");
  text.resize(static_cast<std::size_t>(std::max(0, gzread(file, text.data(), static_cast<unsigned>(text.size())))));
  gzclose(file);
  return text;
}

const PowerPrediction& row(const PowerReport& report, std::string_view id) {
  const auto at = std::ranges::find(report.rows, id, &PowerPrediction::id);
  REQUIRE(at != report.rows.end());
  return *at;
}

}  // namespace

TEST_CASE("megawatts of the campuses are within 10 %") {
  const auto report = validate_power(WAFERWATT_SOURCE_DIR "/backtests/power.json", shipped());
  CHECK(report.skipped.empty());
  int sites = 0;
  for (const auto& r : report.rows) {
    if (r.goal) {
      CAPTURE(r.id, r.measured, r.predicted);
      CHECK(r.passes());
    }
    sites += r.family == "site_power";
  }
  CHECK(sites >= 5);
  // 100,000 x 10.2 kW / 8 x 1.155 x 1.27.
  CHECK(row(report, "Colossus 1, 100 k H100").predicted == Approx(100000 * 1.472e-3 * 1.27));
  CHECK(row(report, "Llama 3.1 family, as reported (TDP only)").predicted == Approx(39.3e6 * 0.7 * 0.414 / 1000));
}

TEST_CASE("campuses and nodes that cannot be predicted are skipped with their reason") {
  const TemporaryFile file("cases.json", R"({"schema": "waferwatt.power-cases/1", "cases": [
    {"id": "a", "family": "site_power", "power": "10 MW", "fleet": [{"accelerator": "nvidia-h100-sxn", "n": 10}]},
    {"id": "b", "family": "build_time", "time": "10 month"},
    {"id": "c", "family": "site_power", "fleet": [{"accelerator": "nvidia-h100-sxm", "n": 10}]}]})");
  const auto report = validate_power(file.path(), shipped());
  CHECK(report.rows.empty());
  REQUIRE(report.skipped.size() == 3);
  CHECK(report.skipped[0].second.find("nvidia-h100-sxm") != std::string::npos);
  CHECK(report.skipped[1].second == "needs \"cleared\"");
  CHECK(report.skipped[2].second == "needs the measured \"power\"");
}

TEST_CASE("PJM's year of carbon reads with its five bad rows repaired") {
  const std::filesystem::path path = WAFERWATT_SHARED_DIR "/data/power/carbon/eia-2022-PJM_NG_avgCI.csv.gz";
  if (!std::filesystem::exists(path)) {
    WARN("skipped: " << path << " is absent");
    return;
  }
  power::HourlyRepairs repairs;
  Diagnostics diagnostics;
  const auto hours = power::read_hours("pjm.csv", unpacked(path), {.time = "timestamp", .value = "avg_CI", .low = 200, .longest_gap = 30}, repairs, diagnostics);
  CHECK(diagnostics.empty());
  CHECK(repairs.n_bad == 23 + 5);
  CHECK(hours.mean() == Approx(363).epsilon(0.01));
}

TEST_CASE("negative prices of Germany are kept") {
  const std::filesystem::path path = WAFERWATT_SHARED_DIR "/data/power/price/DE-LU_2024.csv.gz";
  if (!std::filesystem::exists(path)) {
    WARN("skipped: " << path << " is absent");
    return;
  }
  power::HourlyRepairs repairs;
  Diagnostics diagnostics;
  const auto hours = power::read_hours("de.csv", unpacked(path), {.time = "Datetime (Local)", .value = "Price (USD/MWh)"}, repairs, diagnostics);
  CHECK(diagnostics.empty());
  CHECK_FALSE(repairs.any());  // local times carry their zone: no hour is missing or twice
  CHECK(hours.mean() == Approx(84.6).epsilon(0.01));
  double negative = 0;
  for (const double p : hours.values()) negative += p < 0;
  CHECK(negative / 8784 == Approx(0.05).margin(0.003));
}
