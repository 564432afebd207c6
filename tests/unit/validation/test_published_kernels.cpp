// SPDX-License-Identifier: Apache-2.0
// Tables that no calibration was fitted to: needs the measured files.
#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace waferwatt;
using namespace waferwatt::validation;

namespace {

void check_table(const std::string& file, std::int64_t n, double median, double mean) {
  const std::string path = std::string{WAFERWATT_SHARED_DIR "/data/kernels/"} + file;
  if (!std::filesystem::exists(path)) {
    WARN("no " << file << ": skipped");
    return;
  }
  const auto report = validate_kernels(shipped(), read(path));
  WARN(file << ": median " << 100 * report.all.median << " % mean " << 100 * report.all.mean << " %");
  CHECK(report.all.n == n);
  CHECK(report.all.median < median);
  CHECK(report.all.mean < mean);
}

}  // namespace

TEST_CASE("DeepGEMM's products are met by its law, grouped ones too, which it was not fitted to") {
  check_table("published/deepgemm_h800_fp8_2025-03-25.csv", 28, 0.09, 0.09);
  const std::string path = WAFERWATT_SHARED_DIR "/data/kernels/published/deepgemm_h800_fp8_2025-03-25.csv";
  if (!std::filesystem::exists(path)) return;
  const auto report = validate_kernels(shipped(), read(path));
  CHECK(report.groups.at("nvidia-h800-sxm grouped_gemm fp8_block deepgemm").median < 0.08);
}
TEST_CASE("the best matmuls of thirteen accelerators are met, which nothing was fitted to") {
  check_table("published/mamf_ml-engineering_2026-08.csv", 18, 0.18, 0.18);
}
TEST_CASE("attention of FlashAttention's paper is met by each library's law") { check_table("published/fa3_h100_sxm5_fp16.csv", 108, 0.04, 0.06); }
TEST_CASE("cuDNN's attention is met by its law") {
  check_table("cudnn-h200/llama3.1_20260227_034703.csv", 40, 0.03, 0.06);
  check_table("cudnn-h200/gpt_oss_20260227_034819.csv", 10, 0.03, 0.03);
}
