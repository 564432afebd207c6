// SPDX-License-Identifier: Apache-2.0
// Accelerators predicted from other families: needs the measured files.
#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace waferwatt;
using namespace waferwatt::validation;

namespace {

/// Median and 90th percentile of GEMM errors in bf16 when the calibrations of a family are left out.
void check_left_out(const std::string& file, const std::vector<std::string>& family, double median, double p90) {
  const std::string path = std::string{WAFERWATT_SHARED_DIR "/data/kernels/"} + file;
  if (!std::filesystem::exists(path)) {
    WARN("no " << file << ": skipped");
    return;
  }
  catalog::Catalog catalog = shipped();
  catalog.calibrations = {};
  for (const auto& [id, calibration] : shipped().calibrations.all())
    if (std::ranges::find(family, id) == family.end()) catalog.calibrations.add(calibration);
  auto measurements = read(path);
  std::erase_if(measurements.rows, [](const auto& row) { return row.format != "bf16"; });
  const auto report = validate_kernels(catalog, measurements);
  WARN(file << ": left out, median " << 100 * report.all.median << " % mean " << 100 * report.all.mean << " % p90 " << 100 * report.all.p90 << " %");
  CHECK(report.all.n > 9000);
  CHECK(report.all.median < median);
  CHECK(report.all.p90 < p90);
}

}  // namespace

const std::vector<std::string> kHopper{"nvidia-h200-sxm", "nvidia-h100-sxm"};

TEST_CASE("an H200 is predicted from Ampere and Blackwell") {
  check_left_out("h200_sxm_gemm_trtllm_1.3.0rc20.csv.gz", kHopper, 0.12, 0.30);
}
TEST_CASE("an H100 is predicted from Ampere and Blackwell") {
  check_left_out("h100_sxm_gemm_trtllm_1.3.0rc20.csv.gz", kHopper, 0.12, 0.30);
}
TEST_CASE("an A100 is predicted from Hopper and Blackwell") {
  check_left_out("a100_sxm_gemm_trtllm_1.0.0.csv.gz", {"nvidia-a100-sxm-80gb"}, 0.12, 0.30);
}
TEST_CASE("a B200 is predicted from Ampere and Hopper") {
  check_left_out("b200_sxm_gemm_trtllm_1.3.0rc20.csv.gz", {"nvidia-b200", "nvidia-b300", "nvidia-gb200", "nvidia-gb300"}, 0.12, 0.30);
}
TEST_CASE("an H200 is predicted from an accelerator of the same die") {
  check_left_out("h200_sxm_gemm_trtllm_1.3.0rc20.csv.gz", {"nvidia-h200-sxm"}, 0.06, 0.16);
}
